"""The image that measurements run in, from the files that users build theirs from."""

from __future__ import annotations

from lab.artifacts import containerfile, debian
from lab.artifacts.archive import Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe
from lab.paths import REPOSITORY

SOURCE = REPOSITORY / "images" / "toolbox"
CONTAINERFILE, PACKAGES, SHRINK = (
    SOURCE / name for name in ("Containerfile", "packages", "shrink.sh")
)


def toolbox_image(build: Build) -> None:
    """Write image.tar, `alluxops/toolbox:VERSION`."""
    root = build.scratch / "root"
    include = PACKAGES.read_text(encoding="utf-8").split()
    hooks = [f'sh {SHRINK} "$1"']
    release = containerfile.release(CONTAINERFILE)
    debian.make_tree(build, root, release, include, variant="essential", hooks=hooks)
    image = Image(
        name=f"alluxops/toolbox:{build.versions.toolbox}", user=containerfile.user(CONTAINERFILE)
    )
    write_image(build.out / "image.tar", image, [tree(root)])


RECIPES = (
    Recipe(
        name="images-toolbox", build=toolbox_image, lane="fetch", seconds=40, result="image.tar",
        packages=debian.PACKAGES, components=("toolbox",), inputs=(CONTAINERFILE, PACKAGES, SHRINK),
    ),
)  # fmt: skip
