"""What is mounted on a host, by whom, and how what nothing serves any more goes. Standard library only, Python 3.9."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import host_files, node_residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

STALE = (errno.ENOTCONN, errno.ESTALE, errno.EIO)
"""What a system call on a mount says whose process is gone."""
SERVING, DEAD, HUNG = "serving", "dead", "hung"
"""What state() says of a mount."""
ANSWERS_WITHIN_S = 5.0
LOOK_EVERY_S = 0.02
LOOK = """
import os, sys
try:
    os.stat(sys.argv[1])
except OSError as fault:
    sys.exit(fault.errno)
"""
PROC = "/proc"
POD_LOGS = "/var/log/pods"
"""Kubelet keeps a directory NAMESPACE_NAME_UID there for each pod of the node."""
FSTAB = "/etc/fstab"


def read() -> list[node_residue.Mount]:
    """What is mounted."""
    return node_residue.parse_mounts(host_files.read_text("/proc/self/mountinfo") or "")


def is_missing(point: str) -> bool:
    """Whether /etc/fstab mounts a file system on a directory at boot, and none is mounted there."""
    listed = [line.split() for line in (host_files.read_text(FSTAB) or "").splitlines()]
    mounted = any(
        fields[1] == point and "noauto" not in fields[3].split(",")
        for fields in listed
        if len(fields) >= 4 and not fields[0].startswith("#")
    )
    return mounted and not os.path.ismount(point)


def state(point: str, *, limit_s: float = ANSWERS_WITHIN_S) -> str:
    """Whether a mount answers, has lost its process, or has one that hangs.

    Another process asks: a system call on a mount that hangs may never return, not even for a signal. For that it is
    not waited for either, and has none of our descriptors: who reads what we print would wait for it.
    """
    command = [sys.executable, "-I", "-S", "-c", LOOK, point]
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=nowhere)
    limit = time.monotonic() + limit_s
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return DEAD if os.waitstatus_to_exitcode(status) in STALE else SERVING
        if time.monotonic() >= limit:
            os.kill(pid, signal.SIGKILL)
            return HUNG
        time.sleep(LOOK_EVERY_S)


def detach(module: Any, point: str) -> None:
    """Detach a mount that nothing serves any more. module: an AnsibleModule. Raises CacheError."""
    umount = module.get_bin_path("umount", required=True)
    code, out, err = module.run_command([umount, "--lazy", point])
    if code != 0:
        raise CacheError(
            f"{point} cannot be detached.", (err or out).strip(), f"umount --lazy {point}"
        )


def who_uses(
    path: str, proc: str = PROC, logs: str = POD_LOGS, *, only_pods: bool = False
) -> list[str]:
    """What of the directory is mounted by which process, in words; one process for each set of mounts.

    only_pods: it is a tier, perhaps a disk of its own, which every process sees: only those of pods count.
    """
    held_by = node_residue.held_by_pod if only_pods else node_residue.held_by
    own = node_residue.parse_mounts(host_files.read_text(f"{proc}/self/mountinfo") or "")
    found: dict[str, str] = {}
    for pid in sorted((name for name in os.listdir(proc) if name.isdigit()), key=int):
        try:
            text = host_files.read_text(f"{proc}/{pid}/mountinfo") or ""
            if text in found:
                continue
            if only_pods and not _pod(proc, pid):
                continue
            held = held_by(path, own, node_residue.parse_mounts(text))
            found[text] = (
                f"{_process(proc, pid, logs)} has {held[0].root} mounted on {held[0].point}"
                if held
                else ""
            )
        except OSError:
            continue  # it has ended
    return [text for text in found.values() if text]


def _process(proc: str, pid: str, logs: str) -> str:
    """A process, with its pod, in words."""
    name = (host_files.read_text(f"{proc}/{pid}/comm") or "?").strip()
    uid = _pod(proc, pid)
    if not uid:
        return f"{name} (process {pid})"
    folders = os.listdir(logs) if os.path.isdir(logs) else []
    known = [folder.rpartition("_")[0] for folder in folders if folder.endswith(f"_{uid}")]
    pod = known[0].replace("_", "/") if known else uid
    return f"{name} (process {pid} of pod {pod})"


def _pod(proc: str, pid: str) -> str:
    return node_residue.pod_uid(host_files.read_text(f"{proc}/{pid}/cgroup") or "")
