"""Where a test's Helm comes from: signed apt repositories made with real gpg and dpkg-deb, served to nodes."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

SPARE_PORTS = range(9001, 9010)
"""Ports of the host that the lab lets nodes reach, beside those of its own services."""

DISTRIBUTION = "dists/any"
INDEX = f"{DISTRIBUTION}/main/binary-amd64"


@dataclass(frozen=True)
class Signer:
    """A GnuPG home with one key."""

    home: Path
    fingerprint: str

    @classmethod
    def make(cls, home: Path, name: str) -> Signer:
        home.mkdir(mode=0o700)
        run(*gpg(home), "--passphrase", "", "--quick-gen-key", name, "rsa3072", "sign", "never")
        listing = run(*gpg(home), "--with-colons", "--list-keys").splitlines()
        return cls(home, next(line.split(":")[9] for line in listing if line.startswith("fpr")))

    def public_key(self) -> bytes:
        """The key as publishers serve it."""
        return run(*gpg(self.home), "--armor", "--export", self.fingerprint).encode()

    def sign(self, repository: Path) -> None:
        """Write InRelease and Release.gpg over the repository's Release."""
        release = repository / DISTRIBUTION / "Release"
        command = [*gpg(self.home), "--yes", "--output"]
        run(*command, str(release.with_name("InRelease")), "--clearsign", str(release))
        run(*command, f"{release}.gpg", "--armor", "--detach-sign", str(release))

    def close(self) -> None:
        run("gpgconf", "--homedir", str(self.home), "--kill", "all")


def gpg(home: Path) -> list[str]:
    return ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--quiet"]


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def make_repository(directory: Path, signer: Signer, programs: Mapping[str, Path]) -> Path:
    """Make a signed repository of packages `helm`, laid out as Helm's own.

    programs: Helm's version -> the program that the package puts to /usr/bin/helm.
    """
    pool = directory / "pool"
    pool.mkdir(parents=True)
    for version, program in programs.items():
        tree = directory / "package"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/bin").mkdir(parents=True)
        shutil.copy(program, tree / "usr/bin/helm")
        (tree / "usr/bin/helm").chmod(0o755)
        (tree / "DEBIAN/control").write_text(
            f"Package: helm\nVersion: {version}-1\nArchitecture: amd64\n"
            "Maintainer: The lab <lab@lab.test>\nDescription: Helm, packed for a test\n"
        )
        run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(pool))
        shutil.rmtree(tree)
    (directory / INDEX).mkdir(parents=True)
    (directory / "key.asc").write_bytes(signer.public_key())
    index(directory)
    signer.sign(directory)
    return directory


def index(repository: Path) -> None:
    """Write Packages and Release for what lies in the pool; signing is another step."""
    packages = run("apt-ftparchive", "packages", "pool", cwd=repository)
    (repository / INDEX / "Packages").write_text(packages)
    fields = {"Suite": "any", "Codename": "any", "Components": "main", "Architectures": "amd64"}
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    (repository / DISTRIBUTION / "Release").unlink(missing_ok=True)
    release = run("apt-ftparchive", *options, "release", DISTRIBUTION, cwd=repository)
    (repository / DISTRIBUTION / "Release").write_text(release)


def change_signed_index(repository: Path) -> None:
    """Change what was signed, as a machine in the middle would."""
    path = repository / DISTRIBUTION / "InRelease"
    path.write_text(path.read_text().replace("Components: main", "Components: mean"))


def change_packages(repository: Path) -> None:
    """Let the index name other content for the package, at the same size."""
    path = repository / INDEX / "Packages"
    path.write_text(path.read_text().replace("SHA256: ", "SHA256: 0")[: path.stat().st_size])


def change_package(repository: Path) -> None:
    """Change octets in the middle of each package, keeping its size."""
    for path in (repository / "pool").glob("*.deb"):
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 4] = bytes(octet ^ 0xFF for octet in content[middle : middle + 4])
        path.write_bytes(content)


def drop_signature(repository: Path) -> None:
    """Leave the repository unsigned."""
    for name in ("InRelease", "Release.gpg"):
        (repository / DISTRIBUTION / name).unlink()


def tampered(repository: Path, place: Path, change: Callable[[Path], None]) -> Path:
    """A changed copy of a repository."""
    shutil.copytree(repository, place)
    change(place)
    return place


TAMPERED: Final = {
    "index": (change_signed_index, "changed after it was signed"),
    "packages": (change_packages, "not the one that the signed index names"),
    "package": (change_package, "not the one that the signed index names"),
    "unsigned": (drop_signature, "no valid signature"),
}
"""What may be done to a repository, and what the role says of it."""


def make_archive(path: Path, program: Path) -> str:
    """A release archive with this program as Helm; returns its SHA-256."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(program.resolve(), "linux-amd64/helm")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_snap(directory: Path, version: str) -> Path:
    """A classic snap `helm` that only answers with its version."""
    tree = directory / f"snap-{version}"
    (tree / "meta").mkdir(parents=True)
    (tree / "meta/snap.yaml").write_text(
        f"name: helm\nversion: '{version}'\nsummary: Helm, packed for a test\n"
        "description: Answers with its version.\narchitectures: [amd64]\nconfinement: classic\n"
        "grade: stable\napps:\n  helm:\n    command: helm\n"
    )
    (tree / "helm").write_text(f'#!/bin/sh\necho "v{version}"\n')
    (tree / "helm").chmod(0o755)
    snap = directory / f"helm_{version}.snap"
    run("mksquashfs", str(tree), str(snap), "-noappend", "-all-root", "-no-xattrs", "-no-progress")
    return snap


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@contextmanager
def served(directory: Path, address: str) -> Iterator[str]:
    """Serve a directory to the lab's nodes; yields its URL."""
    server = _listen(directory, address)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listen(directory: Path, address: str) -> ThreadingHTTPServer:
    handler = partial(_Quiet, directory=os.fspath(directory))
    for port in SPARE_PORTS:
        try:
            return ThreadingHTTPServer((address, port), handler)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE:
                raise
    raise AssertionError(f"no free port among {SPARE_PORTS} on {address}")
