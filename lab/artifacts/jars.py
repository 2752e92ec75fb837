"""Alluxio's jars from Maven Central, without what a Linux x86-64 image never loads."""

from __future__ import annotations

import os
import re
import zipfile
from functools import partial
from pathlib import Path

from lab.artifacts.archive import EPOCH
from lab.artifacts.recipe import Build, Recipe
from lab.image.pom import COPY_GOAL, pom

OTHER_PLATFORM = re.compile(
    r"[.-](osx|macos|windows|linux-aarch_64|linux-ppcle_64|linux-s390)\b.*\.jar$"
)
"""Jars with native code for another platform."""

FOREIGN_NATIVE = re.compile(r"\.(dll|jnilib|dylib)$|librocksdbjni-(?!linux64\.so$)|_aarch_64\.so$")
"""Native code inside jars that carry all platforms."""

PRUNED = ("rocksdbjni", "ratis-thirdparty-misc")
"""Jars worth rewriting: 71 MB become 12."""


def alluxio_jars(component: str, build: Build) -> None:
    """Copy the jars into build.out: `component` is the field of Versions with Alluxio's version."""
    version = getattr(build.versions, component)
    project = build.scratch / "pom.xml"
    project.write_text(pom(version), encoding="utf-8")
    build.step.update(f"Maven: the jars of Alluxio {version}")
    downloaded = 0

    def count(line: str) -> None:
        nonlocal downloaded
        downloaded += line.startswith("[INFO] Downloaded") or "Downloaded from" in line
        build.step.update(f"Maven: {downloaded} files downloaded")

    goal = [COPY_GOAL, f"-DoutputDirectory={build.out}"]
    build.run(["mvn", "--batch-mode", "--file", project, *goal], cwd=build.scratch, on_line=count)
    for jar in sorted(build.out.glob("*.jar")):
        if OTHER_PLATFORM.search(jar.name):
            jar.unlink()
        elif jar.name.startswith(PRUNED):
            prune(jar)
    for jar in build.out.iterdir():
        # The archive of classes in the image names its jars with their times: all layers have this one.
        os.utime(jar, (EPOCH, EPOCH))


def prune(jar: Path) -> None:
    """Rewrite a jar without native code for other platforms; the same jar gives the same bytes."""
    smaller = jar.with_suffix(".new")
    with zipfile.ZipFile(jar) as old, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            if not FOREIGN_NATIVE.search(member.filename):
                new.writestr(member, old.read(member))
    smaller.replace(jar)


def _recipe(name: str, component: str) -> Recipe:
    return Recipe(
        name=name,
        build=partial(alluxio_jars, component),
        lane="fetch",
        seconds=40,
        components=(component,),
        packages=("maven",),
    )


RECIPES = (
    _recipe("alluxio-jars", "alluxio"),
    _recipe("alluxio-jars-old", "alluxio_older"),
)
