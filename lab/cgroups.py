"""A cgroup per node and per service: what is in it belongs to the lab, whoever started it.

With cgroup v1 a group is a directory of the same name under every controller; with v2 it is one
directory. A process enters its group before it becomes the program it will be, so there is no
moment in which the lab has a process that its cgroups do not show.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from lab.commands import wait_for
from lab.errors import LabError
from lab.state import LabState, Node

MOUNT = Path("/sys/fs/cgroup")
CPU_WEIGHT = {"cpu.shares": "8192", "cpu.weight": "800"}
"""Of a whole node, in v1 and in v2: as much as eight ordinary processes of the host. With the weight
of one, a node whose neighbours are a compiler's processes cannot keep its API server alive."""


def prefix(state: LabState) -> str:
    """How the names of all cgroups of a lab begin."""
    return f"alluxops-{state.slot}-{state.name}-"


def node_group(state: LabState, node: Node) -> str:
    """The name of a node's cgroup."""
    return f"{prefix(state)}{node.name}"


def services_group(state: LabState) -> str:
    """The name of the cgroup of the services on the host."""
    return f"{prefix(state)}services"


def hierarchies() -> list[Path]:
    """The roots under which a group has a directory: one with cgroup v2, one per controller with v1."""
    if (MOUNT / "cgroup.controllers").exists():
        return [MOUNT]
    found = [path for path in sorted(MOUNT.iterdir()) if (path / "cgroup.procs").exists()]
    # cpu -> cpu,cpuacct and the like are links to one hierarchy.
    return [path for path in found if not path.is_symlink()]


def create(group: str) -> None:
    """Make a group; nothing to do where it exists. Processes in it may use all CPUs and memory."""
    for root in hierarchies():
        directory = root / group
        directory.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            setting = directory / name
            # v1 starts a group with no CPU at all, and no process can then enter it.
            if (root / name).exists() and not setting.read_text().strip():
                setting.write_text((root / name).read_text())
        for name, weight in CPU_WEIGHT.items():
            if (directory / name).exists():
                (directory / name).write_text(weight)
        inherit = directory / "cgroup.clone_children"
        if inherit.exists():
            inherit.write_text("1")


def entry_script(group: str) -> str:
    """Shell text that moves the shell into the group and then becomes the command given to it as arguments."""
    files = " ".join(f"'{root / group}/cgroup.procs'" for root in hierarchies())
    return f'set -e; for f in {files}; do echo $$ > "$f"; done; exec "$@"'


def directories(group: str) -> list[Path]:
    """The group's directories that exist."""
    return [root / group for root in hierarchies() if (root / group).is_dir()]


def groups_of(state: LabState) -> list[str]:
    """All groups of a lab that exist in any hierarchy."""
    start = prefix(state)
    return sorted(
        {
            path.name
            for root in hierarchies()
            for path in root.iterdir()
            if path.name.startswith(start) and path.is_dir()
        }
    )


def processes(group: str) -> list[int]:
    """The host's process numbers of everything in the group, sub-groups included."""
    found: set[int] = set()
    for directory in directories(group):
        for folder, _, _ in os.walk(directory):
            try:
                text = (Path(folder) / "cgroup.procs").read_text()
            except OSError:
                continue  # removed while we looked
            found.update(int(word) for word in text.split())
    # A process of another PID namespace than ours shows as 0.
    return sorted(found - {0})


def init_of(group: str) -> int | None:
    """The host's process number of the init of the container in the group: process 1 one namespace below the host's."""
    for pid in processes(group):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith("NSpid:"):
                numbers = line.split()[1:]
                if len(numbers) == 2 and numbers[1] == "1":
                    return pid
    return None


def kill(group: str, *, timeout_s: float = 20) -> None:
    """End everything in the group and wait until it is gone.

    A container ends with its init, and systemd-nspawn then removes what it made; whatever is left
    after that is killed one by one.
    """
    init = init_of(group)
    if init is not None:
        _signal(init)
        end = time.monotonic() + 5
        while processes(group) and time.monotonic() < end:
            time.sleep(0.02)

    def is_empty() -> bool:
        left = processes(group)
        for pid in left:
            _signal(pid)
        return not left

    wait_for(
        f"cgroup {group} has no processes left",
        is_empty,
        timeout_s=timeout_s,
        why_not=lambda: f"still there: {', '.join(map(str, processes(group)))}",
    )


def remove(group: str) -> None:
    """Remove an empty group with its sub-groups. Raises LabError when the kernel still holds one."""
    for directory in directories(group):
        for folder, _, _ in os.walk(directory, topdown=False):
            _rmdir(Path(folder))


def _rmdir(path: Path) -> None:
    # The kernel says "busy" for a moment after the last process has ended.
    for _ in range(100):
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise LabError(f"{path} cannot be removed", cause="the kernel says it is busy for 2 s")


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
