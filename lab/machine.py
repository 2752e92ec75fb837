"""Can this machine run a lab? Each answer is one sentence that says what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab.commands import run
from lab.errors import LabError
from lab.paths import cache_root, labs_root
from lab.progress import Reporter

GIB = 1 << 30
CLUSTER_BYTES = 2 * GIB
MEMORY_PER_NODE_BYTES = 1 * GIB
MIN_DISK_BYTES = 6 * GIB
OWN_CLUSTER = (
    "or use your own cluster: copy inventory/example, set alluxops_kubeconfig, and run"
    " `ansible-playbook -i YOUR_INVENTORY site.yml`"
)
PROGRAMS = {
    # program: the Debian package that has it
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ss": "iproute2",
    "tc": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "losetup": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
LIMITS = {
    # Shared by all of root's processes, those in nodes included: a node's systemd, containerd and
    # kubelet take about 15. With the kernel's 128, containerd of the ninth node loads no CRI plugin.
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 1048576,
}
"""Kernel settings that a lab raises, never lowers, and leaves raised: other labs count on them."""
APT_PROXY = ("apt-cacher-ng", "apt-cacher-ng")


def prepare(reporter: Reporter, *, nodes: int) -> None:
    """Check that this many more nodes can run, and install the Debian packages they need.

    Raises LabError naming the first thing that is missing.
    """
    for problem in problems(nodes):
        raise problem
    install(PROGRAMS, reporter)
    raise_limits(Path("/proc/sys"))


def raise_limits(settings: Path) -> None:
    """Raise the kernel's limits that several nodes run into. settings: /proc/sys."""
    for name, least in LIMITS.items():
        path = settings / name
        if int(path.read_text()) < least:
            path.write_text(f"{least}\n")


def problems(nodes: int) -> Iterator[LabError]:
    """What keeps this machine from running this many more nodes, worst first."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        found = f"{platform.system()} on {platform.machine()}"
        yield _missing(f"The lab needs Linux on x86_64; this is {found}", "use such a machine")
    if os.geteuid() != 0:
        yield not_root()
    if not has_overlayfs(Path("/proc/filesystems").read_text()):
        yield _missing(
            "The kernel has no overlayfs, which each node's root is made of",
            "use a kernel with CONFIG_OVERLAY_FS",
        )
    if not Path("/sys/fs/cgroup").is_dir() or not any(Path("/sys/fs/cgroup").iterdir()):
        yield _missing("No cgroups are mounted at /sys/fs/cgroup", "mount them")
    for device in ("/dev/fuse", "/dev/kmsg"):
        if not Path(device).exists():
            yield _missing(f"{device} is missing", "load its kernel module or pass it in")
    # The control plane and a cache take what nodes alone do not.
    need = nodes * MEMORY_PER_NODE_BYTES + (CLUSTER_BYTES if nodes > 1 else 0)
    memory = available_memory_bytes(Path("/proc/meminfo").read_text())
    if memory < need:
        yield _missing(
            f"{nodes} nodes need {_gib(need)} of memory; {_gib(memory)} is available",
            "free some memory or ask for fewer nodes (LAB_ARGS='--workers 1')",
        )
    yield from _disk_problems()


def not_root() -> LabError:
    """The refusal to everybody but root."""
    return _missing(
        "The lab boots nodes with systemd-nspawn, which only root may do; you are"
        f" user {os.geteuid()}",
        "run it as root, for instance with sudo",
    )


def _disk_problems() -> Iterator[LabError]:
    for place in (labs_root(), cache_root()):
        existing = next(path for path in (place, *place.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        if free < MIN_DISK_BYTES:
            yield _missing(
                f"{place} needs {_gib(MIN_DISK_BYTES)} of disk; {_gib(free)} is free",
                "free some, or set ALLUXOPS_STATE and ALLUXOPS_CACHE to a larger disk",
            )
    existing = next(path for path in (labs_root(), *labs_root().parents) if path.exists())
    kind = run(["stat", "--file-system", "--format=%T", existing]).strip()
    if kind in {"overlayfs", "nfs", "fuseblk"}:
        yield _missing(
            f"{existing} is on {kind}, which cannot hold the writable part of an overlay",
            "set ALLUXOPS_STATE to a directory on ext4 or xfs",
        )


def has_overlayfs(filesystems: str) -> bool:
    """True where the kernel lists overlay, or can load it. filesystems: text of /proc/filesystems."""
    if "overlay" in filesystems.split():
        return True
    if shutil.which("modprobe") is None:
        return False
    done = subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
    return done.returncode == 0


def available_memory_bytes(meminfo: str) -> int:
    """MemAvailable in bytes. meminfo: text of /proc/meminfo."""
    for line in meminfo.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise LabError("/proc/meminfo has no MemAvailable")


def install(programs: dict[str, str], reporter: Reporter) -> None:
    """Install the Debian packages of the programs that are not there."""
    packages = sorted({pkg for program, pkg in programs.items() if shutil.which(program) is None})
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise _missing(
            f"{packages[0]} is not installed, and there is no apt-get to install it with",
            f"install what has {', '.join(p for p in programs if shutil.which(p) is None)}",
        )
    with reporter.step(f"install {', '.join(packages)} on this machine"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
        try:
            run(["apt-get", "update"], env=environment, timeout_s=300)
            run(command, env=environment, timeout_s=600)
        except LabError as error:
            raise _missing(
                f"{' '.join(packages)} cannot be installed ({error.cause or error.what})",
                f"run `apt-get install {' '.join(packages)}`",
            ) from error


def _missing(what: str, fix: str) -> LabError:
    return LabError(f"{what}.", fix=f"{fix}; {OWN_CLUSTER}.")


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
