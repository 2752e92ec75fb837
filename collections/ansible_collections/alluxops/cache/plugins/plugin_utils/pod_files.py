"""Files to and from containers, through exec: in pieces, each tried again when it fails, then compared by digest."""

from __future__ import annotations

import binascii
import hashlib
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube

PIECE_BYTES: Final = 8 * 1024**2
PIECE_TIMEOUT_S: Final = 120
TRIES: Final = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class PodFiles:
    """The files of one container. say is told how far a transfer is."""

    kube: Kube
    namespace: str
    pod: str
    container: str
    say: Say = lambda _: None

    def size(self, path: str) -> int | None:
        """Bytes of a file, or None where there is none."""
        done = self.shell(f"[ -f {shlex.quote(path)} ] && wc -c < {shlex.quote(path)}")
        text = done.stdout.strip()
        return int(text) if done.returncode == 0 and text.isdigit() else None

    def digest(self, path: str) -> str:
        """SHA-256 of a file."""
        done = self.shell(f"sha256sum < {shlex.quote(path)}", timeout_s=900)
        words = done.stdout.split()
        if done.returncode != 0 or not words or len(words[0]) != 64:
            raise self._failure(f"read {path}", done)
        return words[0]

    def remove(self, *paths: str) -> None:
        """Remove files; not an error where they are not there."""
        done = self.shell("rm -f -- " + " ".join(shlex.quote(path) for path in paths))
        if done.returncode != 0:
            raise self._failure(f"remove {paths[0]}", done)

    def fetch(self, path: str, target: Path) -> int:
        """Copy a file here, readable by its owner alone and under its name only once it is whole; how many bytes."""
        size = self.size(path)
        if size is None:
            raise CacheError(f"{self.pod} has no file {path}")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        seen = hashlib.sha256()
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                for start in range(0, size, PIECE_BYTES):
                    piece = self._read(path, start, min(PIECE_BYTES, size - start))
                    seen.update(piece)
                    file.write(piece)
                    self.say(f"fetched {start + len(piece)} of {size} bytes")
                file.flush()
                os.fsync(file.fileno())
            if seen.hexdigest() != self.digest(path):
                raise CacheError(
                    f"{path} of {self.pod} did not arrive as it is: its digest differs.",
                    fix="run again; something changes the file, or the connection.",
                )
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return size

    def place(self, source: Path, path: str) -> int:
        """Copy a file of this machine into the container; how many bytes. It appears under its name only once whole."""
        size, seen = source.stat().st_size, hashlib.sha256()
        pieces: list[str] = []
        quoted = shlex.quote(path)
        folder = shlex.quote(str(PurePosixPath(path).parent))
        self._must(f"umask 077 && mkdir -p {folder} && rm -f {quoted}.part*")
        with source.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                seen.update(piece)
                pieces.append(f"{quoted}.part{len(pieces):06d}")
                self._write(pieces[-1], piece)
                self.say(f"sent {min(len(pieces) * PIECE_BYTES, size)} of {size} bytes")
        whole = f"{quoted}.whole"
        script = f"umask 077 && : > {whole}"
        if pieces:
            script += f' && for piece in {quoted}.part*; do cat "$piece" >> {whole} && rm "$piece" || exit 1; done'
        self._must(script, timeout_s=900)
        if self.digest(f"{path}.whole") != seen.hexdigest():
            raise CacheError(f"{source} did not arrive in {self.pod} as it is.", fix="run again.")
        self._must(f"mv {whole} {quoted}")
        return size

    def shell(
        self, script: str, *, timeout_s: float = PIECE_TIMEOUT_S, stdin: bytes = b""
    ) -> ExecResult:
        """Run a line of shell in the container."""
        return self.kube.exec(
            self.namespace,
            self.pod,
            self.container,
            ["/bin/sh", "-c", script],
            timeout_s=timeout_s,
            stdin=stdin,
        )

    def _must(self, script: str, *, timeout_s: float = PIECE_TIMEOUT_S) -> None:
        done = self.shell(script, timeout_s=timeout_s)
        if done.returncode != 0:
            raise self._failure("write there", done)

    def _read(self, path: str, start: int, size: int) -> bytes:
        script = f"tail -c +{start + 1} {shlex.quote(path)} | head -c {size} | base64"

        def once() -> bytes:
            done = self.shell(script)
            piece = binascii.a2b_base64(done.stdout.encode())
            if len(piece) != size:
                raise self._failure(f"read {size} bytes of {path} at {start}", done)
            return piece

        return _tried(once)

    def _write(self, quoted: str, piece: bytes) -> None:
        script = f"umask 077 && head -c {len(piece)} > {quoted} && wc -c < {quoted}"

        def once() -> None:
            done = self.shell(script, stdin=piece)
            if done.stdout.strip() != str(len(piece)):
                raise self._failure(f"write {len(piece)} bytes", done)

        _tried(once)

    def _failure(self, what: str, done: ExecResult) -> CacheError:
        told = done.stderr.strip().splitlines()[-1:] or [
            f"the command ended with {done.returncode}"
        ]
        return CacheError(
            f"cannot {what} in {self.namespace}/{self.pod} ({self.container}).", told[0]
        )


def _tried[Value](once: Callable[[], Value]) -> Value:
    """The value of a call that may fail for a moment, as connections through an API server do."""
    for _ in range(TRIES - 1):
        try:
            return once()
        except (CacheError, binascii.Error):
            continue
    return once()
