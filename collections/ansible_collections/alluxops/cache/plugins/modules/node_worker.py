#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Give a node what a worker needs of it, and mend what is broken there: one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_worker
short_description: Give a node what a worker needs of it, and mend what is broken there
version_added: 0.1.0
author: alluxops contributors
description:
  - Installs packages that are missing, by apt; loads the kernel's FUSE, after a reboot too where it is a module.
  - Detaches FUSE mounts of the release whose process is gone (C(umount --lazy)). Those that answer stay, and so do
    those whose process hangs, which are told.
  - Removes domain sockets of the release that nobody listens on. Those that are listened on stay.
  - Makes directories as M(alluxops.cache.node_directories) does, in the same round trip.
  - Says what it mended. Touches nothing of another release.
options:
  mount_points:
    description: Where the release's FUSE pods mount.
    type: list
    elements: str
    default: []
  packages:
    description: Debian packages that must be there. On hosts without dpkg they are not looked at.
    type: list
    elements: str
    default: []
  directories:
    default: []
extends_documentation_fragment:
  - alluxops.cache.on_node
  - alluxops.cache.on_directories
attributes:
  check_mode:
    description: Says what it would do.
    support: full
  diff_mode:
    description: Shows what is mended.
    support: full
"""

EXAMPLES = r"""
- name: Prepare the node, and mend what is broken
  alluxops.cache.node_worker:
    root: "{{ node_storage_root }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    packages: [fuse3]
    directories: [{path: /mnt/fuse3}]
  become: true
"""

RETURN = r"""
mended:
  description: What was mended or made, or would be, a line each.
  returned: success
  type: list
  elements: str
hung:
  description: FUSE mounts whose process is there and does not answer, and what to do, a line each.
  returned: success
  type: list
  elements: str
made:
  description: Directories that were made, or would be.
  returned: success
  type: list
  elements: str
corrected:
  description: Directories whose owner or mode was changed, or would be.
  returned: success
  type: list
  elements: str
"""

import os
import socket
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    directories,
    host_directories,
    host_files,
    host_mounts,
    host_packages,
    node_mend,
    node_residue,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

CONNECT_TIMEOUT_S = 2.0


def broken_mounts(points: list[str], release: str) -> tuple[list[str], list[str]]:
    """The release's FUSE mounts whose process is gone, and those whose process hangs."""
    fuse = node_mend.fuse_points(host_mounts.read(), points, release)
    states = {point: host_mounts.state(point) for point in fuse}
    dead, hung = (
        [point for point in fuse if states[point] == state]
        for state in (host_mounts.DEAD, host_mounts.HUNG)
    )
    return dead, hung


def dead_sockets(folder: str) -> list[str]:
    """The sockets in a directory that nobody listens on."""
    found = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # missing, which the directories' own task mends
        return []
    for name in names:
        path = os.path.join(folder, name)
        try:
            if stat.S_ISSOCK(os.lstat(path).st_mode) and not is_listened_on(folder, name):
                found.append(path)
        except FileNotFoundError:
            continue  # its worker has just ended
    return found


def is_listened_on(folder: str, name: str) -> bool:
    """Whether a process takes connections on a socket. A path may be longer than an address, hence the descriptor."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(CONNECT_TIMEOUT_S)
    try:
        client.connect(f"/proc/self/fd/{opened}/{name}")
    except ConnectionRefusedError:
        return False
    except OSError:  # busy, or none of ours to judge
        return True
    finally:
        client.close()
        os.close(opened)
    return True


def load_fuse(module: AnsibleModule) -> list[str]:
    """Have FUSE in the kernel, now and after a reboot; what was done, in words."""
    said = []
    was_loaded = False
    if not os.path.exists("/dev/fuse"):
        was_loaded = True
        if not module.check_mode:
            modprobe = module.get_bin_path("modprobe", required=True)
            code, out, err = module.run_command([modprobe, "fuse"])
            if code != 0 or not os.path.exists("/dev/fuse"):
                raise CacheError(
                    "/dev/fuse is missing and cannot be made.",
                    (err or out).strip() or "the kernel has no FUSE",
                    "boot a kernel with FUSE (CONFIG_FUSE_FS); in a container, hand /dev/fuse in.",
                )
        said.append("the kernel's module fuse was loaded")
    modules = host_files.read_text("/proc/modules") or ""
    lasts = host_files.read_text(node_mend.MODULES_LOAD) == node_mend.MODULES_LOAD_TEXT
    if node_mend.keeps_fuse(modules, was_loaded=was_loaded) and not lasts:
        if not module.check_mode:
            host_files.write_bytes(node_mend.MODULES_LOAD, node_mend.MODULES_LOAD_TEXT.encode())
        said.append(f"{node_mend.MODULES_LOAD} was written")
    return said


def mend(module: AnsibleModule) -> dict[str, list[str]]:
    """Do all of it; what was done, by kind."""
    options = module.params
    release = node_residue.directory(options["root"], options["namespace"], options["release"])
    mounts, hung = broken_mounts(options["mount_points"], release)
    for point in () if module.check_mode else mounts:
        host_mounts.detach(module, point)
    sockets = dead_sockets(f"{release}/domain")
    for path in () if module.check_mode else sockets:
        if not is_listened_on(*os.path.split(path)):  # a worker may have come meanwhile
            os.unlink(path)
    return {
        "mounts": mounts,
        "hung": hung,
        "sockets": sockets,
        "packages": host_packages.install(module, options["packages"]),
        "fuse": load_fuse(module),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **node_residue.ARGUMENTS,
            "mount_points": {"type": "list", "elements": "str", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "directories": {**host_directories.ARGUMENT, "default": []},
        },
        supports_check_mode=True,
    )
    try:
        found = mend(module)
        lines = node_mend.told(found)
        # After the dead mounts, which would be in the way.
        steps = host_directories.plan(module.params["directories"])
        if not module.check_mode:
            # Not in check mode: the disk that is mounted before this is not there then.
            host_directories.refuse_missing_mounts(steps)
            host_directories.have(steps)
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(
        changed=bool(lines or steps),
        mended=lines,
        hung=node_mend.hung(found["hung"], module.params["namespace"]),
        diff=[
            {"before": "", "after": "".join(f"{line}\n" for line in lines)},
            directories.describe(steps),
        ],
        **host_directories.result(steps),
    )


if __name__ == "__main__":
    main()
