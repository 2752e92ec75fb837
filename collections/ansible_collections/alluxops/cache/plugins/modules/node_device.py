#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Format a device for a worker's tier and mount it, or refuse to; unmount it again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_device
short_description: Format a device for a worker's tier and mount it, or unmount it
version_added: 0.1.0
author: alluxops contributors
description:
  - Makes an ext4 file system on a blank device, mounts it on the tier's directory, and writes that into C(/etc/fstab).
  - A device that it has formatted for this release before is only mounted. What lies on it stays. Where C(/etc/fstab)
    does not name it, it may be that of another cluster's release, and is mounted once that is confirmed.
  - The line there makes containerd and kubelet wait for the disk at boot, for 90 seconds; one that an earlier version
    wrote is renewed. A boot does not fail without the disk. The directory below it belongs to root and is closed to all
    others, so that a worker does not fill the system's disk in its place, but stops.
  - Refuses a device for a directory that holds a worker's blocks, which the mount would hide, and for one that a
    process has mounted, such as a worker that has no blocks yet.
  - Refuses a device that is mounted or used, and, unless that is confirmed, one that holds a file system or partitions.
  - With O(state=absent) a device that it has formatted for this release is unmounted from the tier's directory, and
    its line in C(/etc/fstab) goes. What lies on the device stays, and so does a mount or a line that others have made.
  - Refuses to format on a host without C(mkfs.ext4), before anything is wiped.
options:
  state:
    description: Whether the tier lies on the device.
    type: str
    choices: [present, absent]
    default: present
  device:
    description: A disk, a partition or a loop device. Needed with O(state=present).
    type: str
  host:
    description: The host's name in the inventory, for errors and for the confirmation. Needed with O(state=present).
    type: str
  confirmation:
    description: C(alluxio_confirm_format_device).
    type: str
    default: ''
  packages:
    description: Debian packages that are installed, where they are missing, before it is formatted.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - alluxops.cache.on_node
attributes:
  check_mode:
    description: Says what it would do, and refuses the same.
    support: full
  diff_mode:
    description: Shows what the device holds before and after, or which mount and which line go.
    support: full
"""

EXAMPLES = r"""
- name: Format the disk of the worker's tier
  alluxops.cache.node_device:
    device: /dev/sdb
    root: /mnt/fuse3
    namespace: alluxio
    release: alluxio
    host: n4
  become: true

- name: Unmount it
  alluxops.cache.node_device:
    state: absent
    root: /mnt/fuse3
    namespace: alluxio
    release: alluxio
  become: true
"""

RETURN = r"""
step: {description: "C(format), C(mount), C(line) or C(none).", type: str, returned: with O(state=present)}
point: {description: The tier's directory., type: str, returned: with O(state=absent)}
unmounted: {description: The device that was unmounted; empty for none., type: str, returned: with O(state=absent)}
taken: {description: "What was done with the device, or would be.", type: str, returned: with O(state=present)}
"""

import os
import stat
import uuid

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_files,
    host_mounts,
    host_packages,
    node_device,
    node_residue,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

SYS_DEVICES = "/sys/dev/block"


def look(module: AnsibleModule, device: str, point: str) -> node_device.Found:
    """The device as it is."""
    number = device_number(device)
    if not number:
        return node_device.Found("other" if os.path.exists(device) else "missing", {})
    folder = f"{SYS_DEVICES}/{number}"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    partitions = [name for name in names if os.path.exists(f"{folder}/{name}/partition")]
    numbers = {number} | {
        (host_files.read_text(f"{folder}/{name}/dev") or "").strip() for name in partitions
    }
    text = fstab_text()
    coming = module.params["packages"] if module.get_bin_path("dpkg-query") else []
    mounts, place = host_mounts.read(), kernels_path(point)
    probed = probe(module, device)
    return node_device.Found(
        "block",
        probed,
        partitions=partitions,
        users=users(folder, partitions, numbers),
        mounted_on=[
            point if mount.point == place else mount.point
            for mount in mounts
            if mount.device in numbers
        ],
        there=next((mount.source for mount in mounts if mount.point == place), ""),
        blocks=first_file(point),
        held_by=host_mounts.who_uses(place),
        listed=node_device.lists(text, probed.get("UUID", ""), point),
        outdated=node_device.fstab_renewed(text, point) != text,
        lacks=[
            name
            for name, package in node_device.PACKAGES.items()
            if package not in coming and not module.get_bin_path(name)
        ],
    )


def fstab_text() -> str:
    """The content of /etc/fstab."""
    return host_files.read_text(host_mounts.FSTAB) or ""


def kernels_path(point: str) -> str:
    """A mount point as the kernel lists it: where the links on the way to it lead."""
    return os.path.join(os.path.realpath(os.path.dirname(point)), os.path.basename(point))


def first_file(folder: str) -> str:
    """The path of a file below a directory; empty for none. A worker leaves directories of its own without blocks."""
    for place, _, names in os.walk(folder):
        if names:
            return os.path.join(place, min(names))
    return ""


def users(folder: str, partitions: list[str], numbers: set[str]) -> list[str]:
    """What uses a device or a partition of it without a mount of its own."""
    holders = [f"{folder}/holders", *(f"{folder}/{name}/holders" for name in partitions)]
    found = {name for place in holders if os.path.isdir(place) for name in os.listdir(place)}
    for path in node_device.swaps(host_files.read_text("/proc/swaps") or ""):
        if device_number(path) in numbers:
            found.add(f"swap on {path}")
    return sorted(found)


def device_number(path: str) -> str:
    """The number of a block device, as sysfs has it; empty for what is none."""
    try:
        entry = os.stat(path)
    except OSError:
        return ""
    if not stat.S_ISBLK(entry.st_mode):
        return ""
    return f"{os.major(entry.st_rdev)}:{os.minor(entry.st_rdev)}"


def probe(module: AnsibleModule, device: str) -> dict[str, str]:
    """What lies on a device, read from it and not from a cache."""
    code, out, err = module.run_command(
        [module.get_bin_path("blkid", required=True), "-p", "-o", "export", device]
    )
    if code not in (0, 2):  # 2: it is blank
        raise CacheError(f"{device} cannot be read: {(err or out).strip()}.")
    return node_device.parse_probe(out)


def run(module: AnsibleModule, program: str, *arguments: str) -> None:
    """Run a program that must succeed."""
    path = module.get_bin_path(program, required=True)
    code, out, err = module.run_command([path, *arguments])
    if code != 0:
        raise CacheError(f"{program} {' '.join(arguments)} failed: {(err or out).strip()}")


def take(module: AnsibleModule, step: str, point: str, ours: str) -> None:
    """Format where that is the step, then mount, now and at boot."""
    device = module.params["device"]
    before = fstab_text()
    if step == "line":
        write_fstab(node_device.fstab_renewed(before, point))
        return
    if step == "format":
        host_packages.install(module, module.params["packages"])
        for program in node_device.PACKAGES:  # before anything is wiped
            module.get_bin_path(program, required=True)
        name = str(uuid.uuid4())
    else:
        name = probe(module, device)["UUID"]
    os.makedirs(point, mode=0o755, exist_ok=True)
    close(point)
    # The line before the file system: by it the next run knows as ours what a run that is killed here has made. One
    # that names no device yet does no harm: a boot goes on without it, and the next run writes it anew.
    write_fstab(node_device.fstab(before, name, point))
    if step == "format":
        try:
            make(module, device, ours, name)
        except CacheError:
            write_fstab(before)
            raise
    run(module, "mount", "-t", node_device.FILESYSTEM, "-o", node_device.OPTIONS, device, point)


def make(module: AnsibleModule, device: str, ours: str, name: str) -> None:
    """Make the file system. ours: its label. name: its UUID."""
    run(module, "wipefs", "--all", device)
    mkfs = f"mkfs.{node_device.FILESYSTEM}"
    run(module, mkfs, "-q", "-L", ours, "-U", name, "-m", "0", device)


def write_fstab(text: str) -> None:
    """Replace the content of /etc/fstab."""
    host_files.write_bytes(host_mounts.FSTAB, text.encode())


def close(point: str) -> None:
    """Let nobody but root into the directory below a mount: a worker without its disk stops there, and is seen."""
    os.chmod(point, 0)
    os.chown(point, os.geteuid(), os.getegid())


def mounted_by_us(module: AnsibleModule, point: str, ours: str, *, is_written: bool) -> str:
    """The device on a mount point, where its file system is one that was made for this release; "" for none.

    is_written: whether our line is in /etc/fstab, which is believed of a disk that can be read no more.
    """
    mounts = host_mounts.read()
    place = kernels_path(point)
    # Of several on one point the last covers the others.
    there = [mount for mount in mounts if mount.point == place][-1:]
    device = there[0].source if there and there[0].filesystem == node_device.FILESYSTEM else ""
    if not device.startswith("/"):
        return ""
    try:
        return device if probe(module, device).get("LABEL") == ours else ""
    except CacheError:
        return device if is_written else ""


def leave(module: AnsibleModule, point: str, ours: str) -> None:
    """Unmount what was mounted for the tier, now and at boot."""
    before = fstab_text()
    after = node_device.fstab_without(before, point)
    device = mounted_by_us(module, point, ours, is_written=after != before)
    if not module.check_mode:
        # The line last: where the disk is busy, or the run is killed in between, the next one still knows it as ours,
        # also when it can be read no more.
        if device:
            run(module, "umount", point)
        if after != before:
            write_fstab(after)
    gone = [line for line in before.splitlines() if line not in after.splitlines()]
    went = [*([f"{device} mounted on {point}"] if device else []), *gone]
    module.exit_json(
        changed=bool(went),
        point=point,
        unmounted=device,
        diff={"before": "".join(f"{line}\n" for line in went), "after": ""},
    )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **node_residue.ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "device": {"type": "str"},
            "host": {"type": "str"},
            "confirmation": {"type": "str", "default": ""},
            "packages": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "present", ("device", "host"))],
        supports_check_mode=True,
    )
    options = module.params
    device, host = options["device"], options["host"]
    ours = node_device.label(options["namespace"], options["release"])
    try:
        parts = (options["root"], options["namespace"], options["release"])
        point = node_device.mount_point(*parts)
        if options["state"] == "absent":
            leave(module, point, ours)
        found = look(module, device, point)
        confirmed = node_device.is_confirmed(options["confirmation"], host, device)
        step = node_device.plan(device, point, found, ours=ours, confirmed=confirmed, host=host)
        if step != "none" and not module.check_mode:
            take(module, step, point, ours)
    except CacheError as error:
        module.fail_json(**error.result())
    holds = node_device.contents(found) or "nothing"
    after = f"{device}: ext4 ({ours}) on {point}\n"
    before = after if step == "none" else f"{device}: {holds}\n"
    if step == "line":
        before = f"{device}: its line in {host_mounts.FSTAB} is an earlier version's\n"
    module.exit_json(
        changed=step != "none",
        step=step,
        taken=node_device.taken(device, point, step, holds),
        diff={"before": before, "after": after},
    )


if __name__ == "__main__":
    main()
