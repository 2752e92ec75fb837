"""The lowest layer of all images that run Java: Debian with a headless Java 17, bash, tini and FUSE."""

from __future__ import annotations

import os

from lab.artifacts import debian
from lab.artifacts.archive import EPOCH
from lab.artifacts.recipe import Build, Recipe

INCLUDE = ("openjdk-17-jre-headless", "ca-certificates", "tini", "fuse3", "libfuse3-3", "procps")
JVM = "usr/lib/jvm/java-17-openjdk-amd64"
UNUSED = (
    # Archives of the JDK's own classes: they name the time of lib/modules, which a layer changes.
    f"{JVM}/lib/server/classes*.jsa",
    f"{JVM}/lib/ct.sym",
    "usr/share/fonts",
    "usr/share/perl",
    "usr/lib/x86_64-linux-gnu/perl",
    "usr/share/zoneinfo/right",
    "usr/share/zoneinfo/posix",
)


def java_root(build: Build) -> None:
    """Make the tree."""
    remove = f'cd "$1" && rm -rf {" ".join(UNUSED)}'
    hooks = [debian.SHRINK, remove]
    debian.make_tree(build, build.out, "bookworm", INCLUDE, variant="essential", hooks=hooks)
    os.utime(build.out / JVM / "lib/modules", (EPOCH, EPOCH))


RECIPES = (
    Recipe(
        name="java-root",
        build=java_root,
        lane="fetch",
        seconds=60,
        packages=debian.PACKAGES,
    ),
)
