"""A containerd directory with the images already in it, made once per set of images and shared by all nodes.

Importing images into every node costs 10 to 30 s a lab. A seed costs that once: image blobs and
unpacked layers are never written to again, so each node gets them as hard links (the page cache
then holds one copy for all nodes), and the small databases as copies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from lab.commands import run
from lab.errors import LabError
from lab.paths import cache_root
from lab.processes import Process

UNUSED_S = 14 * 24 * 3600
"""A seed that no lab was made from for this long is removed when another is made."""
NEVER_WRITTEN = (
    "io.containerd.content.v1.content/blobs",
    "io.containerd.snapshotter.v1.overlayfs/snapshots",
)

# Runs in its own mount and PID namespace: what it mounts and starts ends with it, even if it is killed.
SCRIPT = """
set -eu
root=$1 data=$2 scratch=$3; shift 3
mount --make-rprivate /
mkdir -p "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" "$scratch/root"
cd "$scratch/root"
mkdir -p run var/lib/containerd
mount -t tmpfs tmpfs run
mount -t proc proc proc
mount --bind /dev dev
mount --bind "$data" var/lib/containerd
printf 'version = 2\\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\\n' > run/config.toml
chroot . containerd --config /run/config.toml > "$scratch/containerd.log" 2>&1 &
daemon=$!
for try in $(seq 200); do [ -S run/containerd/containerd.sock ] && break; sleep 0.05; done
for tar in "$@"; do
  chroot . ctr -n k8s.io images import --snapshotter overlayfs - < "$tar" \
    || { tail -n 5 "$scratch/containerd.log" >&2; exit 1; }
done
kill "$daemon"; wait "$daemon" || :
"""


def image_files(places: Sequence[Path]) -> list[Path]:
    """The image archives: a place is an archive, or a directory of them."""
    found: list[Path] = []
    for place in places:
        found += sorted(place.glob("*.tar")) if place.is_dir() else [place]
    return found


def key(node_root: Path, archives: Sequence[Path]) -> str:
    """Names what a seed is made from: which archives, by path, size and age, and whose containerd."""
    digest = hashlib.sha256(f"{SCRIPT}\0{node_root.resolve()}".encode())
    for archive in archives:
        status = archive.stat()
        digest.update(f"\0{archive.resolve()} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def is_made(node_root: Path, places: Sequence[Path]) -> bool:
    """True where the seed with these images exists."""
    return _directory(node_root, image_files(places)).is_dir()


def ensure(node_root: Path, places: Sequence[Path]) -> Path:
    """The seed with these images; made where missing (about 15 s). Two makers at once do no harm."""
    archives = image_files(places)
    directory = _directory(node_root, archives)
    if directory.is_dir():
        os.utime(directory)
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    _sweep(directory.parent)
    scratch = directory.parent / f".{directory.name}.{os.getpid()}"
    data = scratch / "containerd"
    data.mkdir(parents=True)
    own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        run([*own, "sh", "-c", SCRIPT, "sh", node_root, data, scratch, *archives], timeout_s=600)
        with contextlib.suppress(OSError):  # another maker was first
            data.rename(directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not directory.is_dir():
        raise LabError(f"{directory} could not be made")
    return directory


def _directory(node_root: Path, archives: Sequence[Path]) -> Path:
    return cache_root() / "lab-seeds" / key(node_root, archives)


def _sweep(folder: Path) -> None:
    """Remove what dead makers left, and seeds that no lab was made from for a while.

    Nodes keep what they have of a seed: its files are theirs as well.
    """
    for path in folder.iterdir():
        if path.name.startswith("."):
            is_dead = Process.of(int(path.name.rpartition(".")[2])) is None
        else:
            is_dead = time.time() - path.stat().st_mtime > UNUSED_S
        if is_dead:
            shutil.rmtree(path, ignore_errors=True)


def plant(seed: Path, target: Path) -> None:
    """Give a node its containerd directory: links to what is never written, copies of the rest.

    A half-planted directory of a killed `up` is replaced.
    """
    part = target.with_name(f".{target.name}.part")
    for old in (part, target):
        if old.exists():
            shutil.rmtree(old)
    shared = {seed / name for name in NEVER_WRITTEN}

    def skip(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder, name) in shared}

    shutil.copytree(seed, part, ignore=skip, symlinks=True)
    part.chmod(0o711)
    linkable = seed.stat().st_dev == target.parent.stat().st_dev
    how = "--archive --link" if linkable else "--archive"
    for source in sorted(shared):
        if not source.is_dir():
            raise LabError(f"{seed} lacks {source.relative_to(seed)}", fix=f"remove {seed}")
        run(["cp", *how.split(), source, (part / source.relative_to(seed)).parent])
    part.rename(target)
