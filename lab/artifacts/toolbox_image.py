"""The image that measurements run in, from the files that users build theirs from."""

from __future__ import annotations

import re

from lab.artifacts import debian
from lab.artifacts.archive import Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe
from lab.errors import LabError
from lab.paths import REPOSITORY

SOURCE = REPOSITORY / "images" / "toolbox"
CONTAINERFILE, PACKAGES, SHRINK = (
    SOURCE / name for name in ("Containerfile", "packages", "shrink.sh")
)


def release() -> str:
    """The release of Debian that the Containerfile starts from. Raises LabError where it names none."""
    found = re.search(
        r"^FROM debian:(\w+)-slim$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise LabError(f"{CONTAINERFILE} has no line FROM debian:RELEASE-slim")
    return found[1]


def user() -> str:
    """Whose number its programs run under."""
    found = re.search(r"^USER (\d+)$", CONTAINERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise LabError(f"{CONTAINERFILE} has no line USER NUMBER")
    return found[1]


def toolbox_image(build: Build) -> None:
    """Write image.tar, `alluxops/toolbox:VERSION`."""
    root = build.scratch / "root"
    include = PACKAGES.read_text(encoding="utf-8").split()
    hooks = [f'sh {SHRINK} "$1"']
    debian.make_tree(build, root, release(), include, variant="essential", hooks=hooks)
    image = Image(name=f"alluxops/toolbox:{build.versions.toolbox}", user=user())
    write_image(build.out / "image.tar", image, [tree(root)])


RECIPES = (
    Recipe(
        name="images-toolbox", build=toolbox_image, lane="fetch", seconds=40, result="image.tar",
        packages=debian.PACKAGES, components=("toolbox",), inputs=(CONTAINERFILE, PACKAGES, SHRINK),
    ),
)  # fmt: skip
