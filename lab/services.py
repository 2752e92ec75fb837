"""What the lab serves to its nodes on the bridge's address.

S3, an apt repository and, when asked for, a proxy for Debian packages. A service is a program in a
cgroup of its own, so "does it run" and "end it" need no process numbers.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import cgroups, detached, network, node_files
from lab.artifacts.debian import host_mirror
from lab.commands import last_lines, wait_for
from lab.errors import LabError
from lab.paths import cache_root
from lab.state import LabState, write_private

BUCKET = "datasets"
REGION = "us-east-1"
README = b"The root of the lab's cache: what is written here is an object in an S3 bucket.\n"
APT_PROXY = "apt-proxy"
DEBIAN_LIST = "usr/share/lab/debian.list"
"""Where a node's tree keeps the sources it was made from."""


def start_s3(state: LabState, gateway: Path) -> None:
    """Start the S3 gateway over a directory of the lab, with the bucket `datasets`."""
    credentials = s3_credentials(state)
    bucket = state.paths.s3_data / BUCKET
    if not bucket.exists():
        _make_bucket(bucket)
    listen = f"{state.addresses.host}:{network.S3_PORT}"
    _start(
        state,
        "s3",
        [gateway, "--port", listen, "--region", REGION, "posix", state.paths.s3_data],
        port=network.S3_PORT,
        # In the environment, since everybody may read another process's arguments.
        env={
            "ROOT_ACCESS_KEY": credentials["accessKeyId"],
            "ROOT_SECRET_KEY": credentials["secretKey"],
        },
    )


def _make_bucket(bucket: Path) -> None:
    """To the gateway a directory in its root is a bucket, and a file in it an object.

    With an object in it from the start: of an empty bucket's root the gateway says 400 where S3
    says 404, and the cache's first `ls /` would fail.
    """
    part = bucket.with_name(f".{bucket.name}.part")
    part.mkdir(mode=0o700, parents=True, exist_ok=True)
    readme = part / "README.txt"
    readme.write_bytes(README)
    os.setxattr(readme, "user.etag", f'"{hashlib.md5(README).hexdigest()}"'.encode())  # noqa: S324
    part.rename(bucket)


def s3_endpoint(state: LabState) -> str:
    """The gateway's URL, as nodes, pods and the host use it."""
    return f"http://{state.addresses.host}:{network.S3_PORT}"


def s3_credentials(state: LabState) -> dict[str, str]:
    """{accessKeyId, secretKey}: made at first use, the same for the lab's life."""
    path = state.paths.s3_credentials
    if path.exists():
        known: dict[str, str] = json.loads(path.read_text())
        return known
    made = {
        "accessKeyId": f"LAB{secrets.token_hex(8).upper()}",
        "secretKey": secrets.token_urlsafe(30),
    }
    write_private(path, json.dumps(made) + "\n")
    return made


def start_apt_repository(state: LabState, repository: Path) -> None:
    """Serve the signed apt repository over HTTP."""
    argv = [sys.executable, "-m", "http.server", str(network.APT_REPOSITORY_PORT)]
    _start(
        state,
        "apt-repository",
        [*argv, "--bind", state.addresses.host, "--directory", repository],
        port=network.APT_REPOSITORY_PORT,
    )


def apt_repository_url(state: LabState) -> str:
    """Where the lab's apt repository is served."""
    return f"http://{state.addresses.host}:{network.APT_REPOSITORY_PORT}"


def start_apt_proxy(state: LabState) -> None:
    """Start the proxy for Debian packages and tell every node of it.

    It fetches from Debian's mirrors only: a proxy that fetched anything would be a hole in the seal.
    """
    directory = state.paths.root / "apt-proxy"
    storage = cache_root() / "apt-proxy" / state.name
    logs = state.paths.logs / "apt-proxy"
    for folder in (directory, storage, logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mirror = host_mirror()
    if mirror is None:
        raise LabError(
            "this machine has no Debian mirror among its apt sources",
            fix="boot the lab without the apt proxy; only tests of other packages need it",
        )
    # The mirror is this machine's own; nodes name it as their sources do.
    archive, security = (
        url.partition("://")[2].rstrip("/") for url in (mirror.archive, mirror.security)
    )
    config = "\n".join(
        [
            f"CacheDir: {storage}",
            f"LogDir: {logs}",
            f"Port: {network.APT_PROXY_PORT}",
            f"BindAddress: {state.addresses.host}",
            f"Remap-debrep: {archive} /debian ; http://{archive}",
            *(
                [f"Remap-secdeb: {security} /debian-security ; http://{security}"]
                if security
                else []
            ),
            "ForceManaged: 1",
            "ReportPage:",
            "ExThreshold: 14",
            "",
        ]
    )
    write_private(directory / "acng.conf", config)
    _start(
        state,
        APT_PROXY,
        ["apt-cacher-ng", "-c", directory, "ForeGround=1", "SocketPath=", "PidFile="],
        port=network.APT_PROXY_PORT,
    )
    for node in state.nodes:
        root = state.paths.node(node.name).root
        sources = (root / DEBIAN_LIST).read_text()
        for path, text in node_files.apt_sources(state.addresses, sources).items():
            (root / path).write_text(text)


def _start(
    state: LabState,
    name: str,
    argv: Sequence[str | Path],
    *,
    port: int,
    env: Mapping[str, str] | None = None,
) -> None:
    group = group_of(state, name)
    record = state.paths.services / name
    command = json.dumps([str(part) for part in argv])
    if is_running(state, name):
        if record.exists() and record.read_text() == command:
            return
        cgroups.kill(group)  # it serves something of an earlier version
    write_private(record, command)
    cgroups.create(group)
    log = state.paths.logs / f"{name}.log"
    detached.start(argv, group=group, log=log, env=env)
    address = (state.addresses.host, port)

    def answers() -> bool:
        try:
            with socket.create_connection(address, timeout=1):
                return True
        except OSError:
            return False

    wait_for(
        f"{name} answers on {address[0]}:{port}",
        answers,
        timeout_s=120,
        why_not=lambda: last_lines(log.read_text(errors="replace"), 5),
    )


def group_of(state: LabState, name: str) -> str:
    """The cgroup of a service."""
    return f"{cgroups.services_group(state)}-{name}"


def is_running(state: LabState, name: str) -> bool:
    """True where the service has a process."""
    return bool(cgroups.processes(group_of(state, name)))
