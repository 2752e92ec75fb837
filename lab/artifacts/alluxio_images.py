"""The Alluxio images: our launcher and the jars over Debian with Java, as upstream's chart expects them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from lab.artifacts.archive import EPOCH, Image, tree, write_image
from lab.artifacts.recipe import Build, Recipe

SOURCE = Path(__file__).resolve().parent.parent / "image"
HOME = "opt/alluxio"
UID = 1000

PROGRAMS = {
    # file of lab/image: place in the image
    "alluxio": f"{HOME}/bin/alluxio",
    "entrypoint.sh": "entrypoint.sh",
    "alluxio-fuse": f"{HOME}/integration/fuse/bin/alluxio-fuse",
}
TEXTS = {
    "common.sh": (f"{HOME}/libexec/common.sh",),
    "log4j.properties": (f"{HOME}/conf/log4j.properties", f"{HOME}/libexec/log4j.properties"),
}
TRAINING = ("train.sh", "train-inside.sh")

OWNED = (
    # Where a process of uid 1000 writes. The job master keeps its journal in /journal, whatever the chart mounts there.
    HOME, f"{HOME}/conf", f"{HOME}/logs", f"{HOME}/logs/user", f"{HOME}/underFSStorage",
    f"{HOME}/journal", f"{HOME}/metastore", "journal", "opt/domain", "opt/ramdisk",
)  # fmt: skip
EMPTY = (f"{HOME}/lib", "mnt/alluxio-fuse")

ENV = {
    "PATH": f"/{HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ALLUXIO_HOME": f"/{HOME}",
    # Outside of EC2 the S3 client waits for an address that nobody has.
    "AWS_EC2_METADATA_DISABLED": "true",
}


def alluxio_image(component: str, jars: str, build: Build) -> None:
    """Write image.tar; `component` names the version, `jars` the artifact with its jars."""
    version = getattr(build.versions, component)
    java_root, layer = build.needs["java-root"], build.scratch / "layer"
    lay_out(layer, sorted(build.needs[jars].glob("*.jar")), java_root)
    build.step.update(f"Alluxio {version}: training run")
    archive = train(build, [layer, java_root], version)
    archive.replace(layer / HOME / "libexec/classes.jsa")
    build.step.update(f"Alluxio {version}: writing the image")
    write_image(
        build.out / "image.tar",
        Image(
            name=f"alluxio/alluxio:{version}",
            entrypoint=["/entrypoint.sh"],
            env=ENV,
            user=str(UID),
            workdir=f"/{HOME}",
        ),
        [tree(java_root), tree(layer)],
    )


def lay_out(layer: Path, jars: Iterable[Path], java_root: Path) -> None:
    """Fill the image's second layer: the jars as links to the cache, everything else copied."""
    for name in (*OWNED, *EMPTY):
        (layer / name).mkdir(parents=True, exist_ok=True)
    places = []
    (layer / HOME / "jars").mkdir()
    for jar in jars:
        os.link(jar, layer / HOME / "jars" / jar.name)
        places.append(f"/{HOME}/jars/{jar.name}")
    for name, place in PROGRAMS.items():
        _copy(SOURCE / name, layer / place, 0o755)
    for name, targets in TEXTS.items():
        for place in targets:
            _copy(SOURCE / name, layer / place, 0o644)
    (layer / HOME / "libexec/classpath").write_text(":".join(places), encoding="utf-8")
    etc = layer / "etc"
    etc.mkdir()
    user = f"alluxio:x:{UID}:{UID}:Alluxio:/{HOME}:/bin/bash\n"
    _extended(java_root / "etc/passwd", etc / "passwd", user)
    _extended(java_root / "etc/group", etc / "group", f"alluxio:x:{UID}:\n")
    for name in OWNED:
        os.chown(layer / name, UID, UID)


def train(build: Build, layers: list[Path], version: str) -> Path:
    """Run the image's training and return the class archive it makes; see lab/image/train.sh."""
    stack = ":".join(str(layer) for layer in layers)
    scratch = build.scratch / "training"
    scratch.mkdir()
    namespace = ["unshare", "--net", "--mount"]
    build.run(
        [*namespace, "bash", SOURCE / "train.sh", stack, scratch, version],
        on_line=lambda line: build.step.update(f"training run: {line[:60]}"),
    )
    archive = scratch / "classes.jsa"
    os.utime(archive, (EPOCH, EPOCH))
    os.chown(archive, 0, 0)
    archive.chmod(0o644)
    return archive


def _copy(source: Path, place: Path, mode: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    place.chmod(mode)


def _extended(source: Path, place: Path, line: str) -> None:
    place.write_text(source.read_text(encoding="utf-8") + line, encoding="utf-8")
    place.chmod(0o644)


def _recipe(name: str, component: str, jars: str) -> Recipe:
    return Recipe(
        name=name,
        build=partial(alluxio_image, component, jars),
        lane="fetch",
        seconds=60,
        result="image.tar",
        components=(component,),
        inputs=tuple(SOURCE / file for file in (*PROGRAMS, *TEXTS, *TRAINING)),
        needs=(jars, "java-root"),
    )


RECIPES = (
    _recipe("images-alluxio", "alluxio", "alluxio-jars"),
    _recipe("images-alluxio-old", "alluxio_older", "alluxio-jars-old"),
)
