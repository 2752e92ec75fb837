"""A file tree with all that a journal alone knows, and its fingerprint: times, owners, pins, TTLs, ACLs, mounts.

`make` fills a directory, `read` takes the fingerprint, `FileTree.differences` says what changed. Both take a function
that runs a bash script where `alluxio` is (a master's or worker's container) and returns what it prints. A command of
Alluxio's is a JVM of its own, so both use wildcards: three JVMs read a tree of any size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Run = Callable[[str], str]
"""Runs a bash script beside `alluxio`, raises where it fails, returns its standard output."""

FILES = 80
"""Files in the under store as well."""
CACHED = 60
"""Files that lie in workers only."""
PINNED, PINNED_CACHED = "files/f*7", "cached/c*5"
"""Some of both, for `make` to pin."""
DIRECTORIES = 140
"""Directories that only the journal knows."""
POLICY = "alluxio.client.block.policy.SpecificHostPolicy"
TTL_MS = 30 * 24 * 3600 * 1000
KEPT = (
    # of what `alluxio fs stat` prints. The id tells an entry that was kept from one read again from the under store.
    *("fileId", "length", "creationTimeMs", "lastModificationTimesMs", "completed", "folder"),
    *("pinned", "pinnedlocation", "replicationMin", "replicationMax"),
    *("ttl", "ttlAction", "owner", "group", "mode"),
)
_ENTRY = re.compile(r"^URIStatus\{info=FileInfo\{(.*)$", re.MULTILINE)
_MOUNT = re.compile(
    r"^(\S+)\s+on\s+(\S+)\s+\(.*?((?:not )?read-only), ((?:not )?shared)", re.MULTILINE
)
_SHOWN = 20


@dataclass(frozen=True)
class FileTree:
    """What a cache knows of a directory. entries: by path, a text of what is kept; mounts: the whole mount table."""

    entries: Mapping[str, str]
    mounts: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Equal for equal trees."""
        lines = [*(f"{path} {text}" for path, text in sorted(self.entries.items())), *self.mounts]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def differences(self, after: FileTree) -> list[str]:
        """What a later reading lacks, has beside, or has otherwise: a line each; empty for equal trees."""
        found = []
        for path in sorted({*self.entries, *after.entries}):
            then, now = self.entries.get(path), after.entries.get(path)
            if now is None:
                found.append(f"{path} is gone")
            elif then is None:
                found.append(f"{path} is new")
            elif then != now:
                found.append(f"{path}: {_changed(then, now)}")
        found += [f"mount {mount} is gone" for mount in self.mounts if mount not in after.mounts]
        found += [f"mount {mount} is new" for mount in after.mounts if mount not in self.mounts]
        more = len(found) - _SHOWN
        return [*found[:_SHOWN], f"and {more} more"] if more > 0 else found


def _changed(then: str, now: str) -> str:
    pairs = zip(then.split(" "), now.split(" "), strict=False)
    return ", ".join(f"{before} is now {after}" for before, after in pairs if before != after)


def make(run: Run, root: str, pinned: Iterable[str] = ()) -> None:
    """Fill a directory that does not exist yet.

    pinned: names below it, with wildcards, of files to pin. Without a tier on the nodes' disks those in workers only
    are lost when workers restart; a pin means nothing then, and Alluxio may take it away.
    """
    pins = "\n".join(f"fs pin '{root}/{name}'" for name in pinned)
    run(f"""
        set -euo pipefail
        # Alluxio tells its errors on standard output.
        fs() {{ local said; said=$(alluxio fs "$@" 2>&1) || {{ echo "alluxio fs $*: $said" >&2; return 1; }}; }}
        cached=-Dalluxio.user.file.writetype.default=MUST_CACHE
        through=-Dalluxio.user.file.writetype.default=CACHE_THROUGH
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        mkdir "$scratch/files" "$scratch/cached"
        for i in $(seq -w 1 {FILES}); do echo "entry $i" >"$scratch/files/f$i"; done
        for i in $(seq -w 1 {CACHED}); do seq "$i" >"$scratch/cached/c$i"; done
        fs "$cached" mkdir $(seq -f '{root}/directories/d%03g' 1 {DIRECTORIES})
        # One worker takes all of them, and a file by itself before: two uploads at once, where they are its first,
        # close its connection to the store (2.9.6, docs/runbooks/verify.md).
        worker=$(alluxio fsadmin report capacity | awk '$1 ~ /^[0-9.]+$/ && !/LOST/ {{ print $1; exit }}')
        there=(-Dalluxio.worker.hostname="$worker")
        there+=(-Dalluxio.user.file.copyfromlocal.block.location.policy.class={POLICY})
        # Else each file that is being written has 64 MiB of the worker, and several are at once.
        there+=(-Dalluxio.user.file.reserved.bytes=1MB)
        echo first >"$scratch/first"
        fs "${{there[@]}}" "$through" copyFromLocal "$scratch/first" {root}/first
        fs rm {root}/first
        fs "${{there[@]}}" "$through" copyFromLocal "$scratch/files" {root}/files
        fs "$cached" copyFromLocal "$scratch/cached" {root}/cached
        fs pin '{root}/directories/d06*'
        {pins}
        fs setTtl --action free '{root}/cached/c*2' {TTL_MS}
        fs setTtl '{root}/directories/d00*' {TTL_MS}
        fs chmod 750 '{root}/directories/d01*'
        # Not `chown user:group`: the master asks its own machine whether the user is in the group.
        fs chown reader '{root}/directories/d02*'
        fs chgrp readers '{root}/directories/d05*'
        fs setfacl -m user:guest:r-x,group:guests:--x '{root}/directories/d03*'
        # With owner, group and others: else Alluxio shows the directory's, and none after its next start (2.9.6).
        fs setfacl -d -m user::rwx,group::r-x,other::r-x,user:guest:rwx '{root}/directories/d04*'
        fs mount --readonly {root}/mounted /opt/alluxio/conf
        # Its entries are known once it has been listed.
        fs ls {root}/mounted
    """)


def read(run: Run, root: str) -> FileTree:
    """The directory two levels deep, as `make` fills it, and the mount table."""
    return parse(
        run(f"""
        set -euo pipefail
        alluxio fs stat '{root}/*'
        alluxio fs stat '{root}/*/*'
        alluxio fs mount
    """)
    )


def parse(text: str) -> FileTree:
    """A FileTree from what `alluxio fs stat` and `alluxio fs mount` print."""
    entries = {}
    for body in _ENTRY.findall(text):
        path = _field(body, "path")
        # What Alluxio unpins and alluxops pins again was modified by both.
        is_pinned = _field(body, "pinned") == "true" and _field(body, "folder") == "false"
        left_out = {"lastModificationTimesMs"} if is_pinned else set()
        kept = [f"{name}={'' if name in left_out else _field(body, name)}" for name in KEPT]
        # The lists of ACL entries hold commas and stand last but for the extended attributes.
        lists = re.search(r"\bacl=(.*), defaultAcl=(.*?)(?:, xattr=|\})", body)
        kept += [f"acl={lists[1]}", f"defaultAcl={lists[2]}"] if lists else []
        entries[path] = " ".join(kept)
    mounts = sorted(
        f"{ufs} on {path} {how}, {shared}" for ufs, path, how, shared in _MOUNT.findall(text)
    )
    return FileTree(entries, tuple(mounts))


def _field(body: str, name: str) -> str:
    found = re.search(rf"\b{name}=([^,}}]*)", body)
    return found[1] if found else ""
