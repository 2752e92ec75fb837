"""Reading and replacing whole files on a host. Standard library only, Python 3.9."""

from __future__ import annotations

import os
import tempfile


def read_bytes(path: str) -> bytes | None:
    """The content of a file, or None where there is no file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError):
        return None


def read_text(path: str) -> str | None:
    """The content of a text file, or None where there is no file."""
    data = read_bytes(path)
    return None if data is None else data.decode("utf-8", "replace")


def write_bytes(path: str, data: bytes, mode: int = 0o644) -> None:
    """Put a file in place in one step: readers see the old content or the new, a kill leaves one of them."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".alluxops-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def restore(path: str, before: bytes | None) -> None:
    """Put back what read_bytes found: the old content, or no file."""
    if before is not None:
        write_bytes(path, before)
    elif os.path.lexists(path):
        os.unlink(path)
