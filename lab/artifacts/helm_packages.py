"""The lab's own packages of the Helm it built, a .deb and a snap; and the signed apt repository of its .debs."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.artifacts.recipe import Build, Recipe

MAINTAINER = "alluxops lab <lab@alluxops.invalid>"
SUITE = "any"
"""Name of the suite and of the directory it is served from, as in Helm's own repository."""
PACKED = ("helm-deb", "kubernetes-debs")
"""The artifacts whose packages the repository has."""

SNAP_CORE = """\
name: core
version: "16"
summary: the least that snapd takes for a core snap
description: Lets snapd install classic snaps without asking a store; it holds no programs.
type: os
architectures: [amd64]
confinement: strict
grade: stable
"""

SNAP_HELM = """\
name: helm
version: "{version}"
summary: Helm, built by the lab
description: The Kubernetes package manager.
architectures: [amd64]
confinement: classic
grade: stable
apps:
  helm:
    command: helm
"""


def deb_name(version: str) -> str:
    """File name of the package of a Helm version."""
    return f"helm_{version}-1_amd64.deb"


def helm_deb(build: Build) -> None:
    """Pack the built Helm as Debian's tools do, deb_name(VERSION) under build.out."""
    version = build.versions.helm
    package = build.scratch / "package"
    program = package / "usr/bin/helm"
    program.parent.mkdir(parents=True)
    shutil.copyfile(build.needs["helm4"], program)
    program.chmod(0o755)
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN/control").write_text(
        f"Package: helm\nVersion: {version}-1\nArchitecture: amd64\nMaintainer: {MAINTAINER}\n"
        "Section: admin\nPriority: optional\nDescription: Helm, the Kubernetes package manager\n",
        encoding="utf-8",
    )
    # Quick gzip: the package is unpacked once, and Debian 11's dpkg knows no zstd.
    pack = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build"]
    build.run([*pack, package, build.out / "helm.deb"])
    (build.out / "helm.deb").rename(build.out / deb_name(version))


def apt_repository(build: Build) -> None:
    """Make build.out/any, a repository with the packages, signed; beside it key.asc and fingerprint."""
    place = build.out / SUITE
    for need in PACKED:
        for deb in build.needs[need].glob("*.deb"):
            name = deb.name.partition("_")[0]
            pool = place / "pool/main" / name[0] / name
            pool.mkdir(parents=True, exist_ok=True)
            os.link(deb, pool / deb.name)
    dist = place / "dists" / SUITE
    packages = dist / "main/binary-amd64"
    packages.mkdir(parents=True)
    index = build.run(["apt-ftparchive", "packages", "pool"], cwd=place)
    (packages / "Packages").write_text(index, encoding="utf-8")
    fields = {
        "Origin": "alluxops",
        "Suite": SUITE,
        "Codename": SUITE,
        "Components": "main",
        "Architectures": "amd64",
    }
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    release = build.run(["apt-ftparchive", *options, "release", "."], cwd=dist)
    (dist / "Release").write_text(release, encoding="utf-8")
    sign(build, dist / "Release")


def sign(build: Build, release: Path) -> None:
    """Write InRelease and Release.gpg beside `release`, and the public key and its fingerprint.

    The key is made once per cache and lies in it, readable for its owner only: it vouches for nothing
    outside the lab.
    """
    kept = build.cache / "keys" / "apt-repository.asc"
    with _gpg(build) as gpg:
        if kept.is_file():
            gpg("--import", kept)
        else:
            gpg("--passphrase", "", "--quick-generate-key", MAINTAINER, "rsa3072", "sign", "never")
            secret = gpg("--passphrase", "", "--armor", "--export-secret-keys")
            _write_private(kept, secret)
        listing = gpg("--with-colons", "--list-secret-keys")
        found = re.search(r"^fpr:+([0-9A-F]{40}):", listing, re.MULTILINE)
        if found is None:
            raise ValueError(f"gpg lists no key:\n{listing}")
        (build.out / "fingerprint").write_text(f"{found[1]}\n", encoding="utf-8")
        (build.out / "key.asc").write_text(gpg("--armor", "--export"), encoding="utf-8")
        gpg("--output", release.with_name("InRelease"), "--clearsign", release)
        gpg("--output", release.with_name("Release.gpg"), "--armor", "--detach-sign", release)


@contextmanager
def _gpg(build: Build) -> Iterator[Callable[..., str]]:
    # Not in the cache: the path of a GnuPG home may be 80 octets long, or its agent cannot listen.
    with tempfile.TemporaryDirectory(prefix="lab-gpg-") as home:

        def gpg(*arguments: str | Path) -> str:
            options = [
                "--homedir",
                home,
                "--batch",
                "--no-tty",
                "--quiet",
                "--pinentry-mode",
                "loopback",
            ]
            return build.run(["gpg", *options, *arguments])

        yield gpg


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def helm_snap(build: Build) -> None:
    """Pack helm_VERSION_amd64.snap (classic) and the core snap that snapd wants first."""
    version = build.versions.helm
    _snap(build, "core_16_amd64.snap", SNAP_CORE, {})
    name = f"helm_{version}_amd64.snap"
    _snap(build, name, SNAP_HELM.format(version=version), {"helm": build.needs["helm4"]})


def _snap(build: Build, name: str, metadata: str, programs: Mapping[str, Path]) -> None:
    tree = build.scratch / name
    (tree / "meta").mkdir(parents=True)
    (tree / "meta/snap.yaml").write_text(metadata, encoding="utf-8")
    for program, source in programs.items():
        shutil.copyfile(source, tree / program)
        (tree / program).chmod(0o755)
    options = ["-noappend", "-comp", "gzip", "-all-root", "-no-xattrs", "-no-progress"]
    build.run(["mksquashfs", tree, build.out / name, *options])


RECIPES = (
    Recipe(
        name="helm-deb", build=helm_deb, lane="fetch", seconds=5,
        components=("helm",), needs=("helm4",), packages=("dpkg-dev",),
    ),
    Recipe(
        name="apt-repository", build=apt_repository, lane="fetch", seconds=3,
        needs=PACKED, packages=("apt-utils", "gpg", "gpg-agent"),
    ),
    Recipe(
        name="helm-snap", build=helm_snap, lane="fetch", seconds=10,
        components=("helm",), needs=("helm4",), packages=("squashfs-tools",),
    ),
)  # fmt: skip
