"""The image that the training Jobs of examples/ run in, made only when asked for: PyTorch is large."""

from __future__ import annotations

import shutil

from lab.artifacts import containerfile, debian
from lab.artifacts.archive import Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe
from lab.paths import REPOSITORY

CONTAINERFILE = REPOSITORY / "images" / "trainer" / "Containerfile"
PACKAGES = CONTAINERFILE.with_name("packages")
SCRIPTS = tuple(
    REPOSITORY / "examples" / "training" / name for name in ("train.py", "make_dataset.py")
)
PLACE = "opt/trainer"


def trainer_image(build: Build) -> None:
    """Write image.tar, `alluxops/trainer:VERSION`, as the Containerfile describes it."""
    root, layer = build.scratch / "root", build.scratch / "layer"
    include = PACKAGES.read_text(encoding="utf-8").split()
    release = containerfile.release(CONTAINERFILE)
    debian.make_tree(build, root, release, include, variant="essential", hooks=[debian.SHRINK])
    (layer / PLACE).mkdir(parents=True)
    for script in SCRIPTS:
        shutil.copyfile(script, layer / PLACE / script.name)
    image = Image(
        name=f"alluxops/trainer:{build.versions.trainer}", user=containerfile.user(CONTAINERFILE)
    )
    build.step.update("writing the image")
    write_image(build.out / "image.tar", image, [tree(root), tree(layer)])


RECIPES = (
    Recipe(
        name="images-trainer", build=trainer_image, lane="fetch", seconds=120, result="image.tar",
        packages=debian.PACKAGES, components=("trainer",), inputs=(CONTAINERFILE, PACKAGES, *SCRIPTS),
    ),
)  # fmt: skip
