"""Container images as docker-archive tars, written in one pass and the same bytes for the same files."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

EPOCH = 1_700_000_000
"""Modification time of everything in a layer, in seconds since 1970."""


@dataclass(frozen=True)
class Entry:
    """One thing in a layer: the file, link or directory `source`, as `place` (no leading slash).

    mode and owner replace those of the source when given.
    """

    place: str
    source: Path
    mode: int | None = None
    owner: tuple[int, int] | None = None


@dataclass(frozen=True)
class Image:
    """What the image is called and how it starts; user is `UID[:GID]` or empty for root."""

    name: str
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = "/"


DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def tree(root: Path, below: str = "") -> Iterator[Entry]:
    """Everything under `root`, parents before children, in a stable order; sockets are left out."""
    for path in sorted(root.iterdir()):
        place = f"{below}{path.name}"
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            yield Entry(place, path)
        if stat.S_ISDIR(mode):
            yield from tree(path, f"{place}/")


def write_image(out: Path, image: Image, layers: Sequence[Iterable[Entry]]) -> None:
    """Write the archive `out`. The layers' contents are read once, and nothing is copied in between."""
    digests: list[str] = []
    with out.open("wb") as file:
        for number, entries in enumerate(layers):
            digests.append(_append_layer(file, f"layer{number}.tar", entries))
        config = _config(image, digests)
        manifest = [
            {
                "Config": "config.json",
                "RepoTags": [image.name],
                "Layers": [f"layer{number}.tar" for number in range(len(digests))],
            }
        ]
        _append_bytes(file, "config.json", json.dumps(config, sort_keys=True).encode())
        _append_bytes(file, "manifest.json", json.dumps(manifest).encode())
        file.write(b"\0" * 2 * tarfile.BLOCKSIZE)


def _config(image: Image, digests: Sequence[str]) -> dict[str, object]:
    env = {"PATH": DEFAULT_PATH, **image.env}
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2023-11-14T22:13:20Z",
        "config": {
            "Entrypoint": list(image.entrypoint) or None,
            "Cmd": list(image.command) or None,
            "Env": [f"{name}={value}" for name, value in env.items()],
            "User": image.user,
            "WorkingDir": image.workdir,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": "alluxops lab"} for _ in digests],
    }


class _Hashing(io.RawIOBase):
    """Passes on what is written, and keeps its SHA-256 and length."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        view = memoryview(cast("bytes", data))
        self.sha256.update(view)
        self.length += len(view)
        self._file.write(view)
        return len(view)


def _append_layer(file: IO[bytes], name: str, entries: Iterable[Entry]) -> str:
    """Append a layer as a member of the archive, and return the layer's SHA-256.

    Its size stands before it and is known after it, so the header is written twice.
    """
    start = file.tell()
    file.write(_header(name, 0))
    body = _Hashing(file)
    with tarfile.open(fileobj=cast("IO[bytes]", body), mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            _add(tar, entry)
    _pad(file, body.length)
    end = file.tell()
    file.seek(start)
    file.write(_header(name, body.length))
    file.seek(end)
    return body.sha256.hexdigest()


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tar.gettarinfo(str(entry.source), arcname=entry.place)
    info.mtime = EPOCH
    info.uname = info.gname = ""
    if entry.mode is not None:
        info.mode = entry.mode
    if entry.owner is not None:
        info.uid, info.gid = entry.owner
    if info.isreg():
        with entry.source.open("rb") as data:
            tar.addfile(info, data)
    else:
        tar.addfile(info)


def _append_bytes(file: IO[bytes], name: str, data: bytes) -> None:
    file.write(_header(name, len(data)))
    file.write(data)
    _pad(file, len(data))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mtime = EPOCH
    return info.tobuf(tarfile.GNU_FORMAT)


def _pad(file: IO[bytes], length: int) -> None:
    file.write(b"\0" * (-length % tarfile.BLOCKSIZE))
