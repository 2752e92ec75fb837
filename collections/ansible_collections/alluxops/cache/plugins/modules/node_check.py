#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Read from a node what the cache needs of it. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_check
short_description: Check that a node can carry a part of the cache
version_added: 0.1.0
author: alluxops contributors
description:
  - Reads Python, memory, /dev/fuse and the file system of the storage root, and says what would make the deployment
    fail later.
  - Does not fail by itself for what it finds, so that a playbook can show the problems of all nodes at once.
  - Changes nothing.
options:
  path:
    description: The storage root, C(node_storage_root). It may be missing.
    type: str
    required: true
  min_free_bytes:
    description: Bytes that must be free where the storage root lies.
    type: int
    default: 1073741824
  min_memory_bytes:
    description: Bytes of memory that the node must have.
    type: int
    default: 0
  fuse:
    description: Whether the cache needs C(/dev/fuse) on the node.
    type: bool
    default: false
  lasting:
    description: Whether the storage root must outlive a reboot, as a master's journal does.
    type: bool
    default: false
  shared:
    description: A directory that must be there, on a file system that other nodes have too; empty for none.
    type: str
    default: ''
  journal:
    description:
      - The directory of a master's journal, whose marker is read, and whether it holds entries; empty for none. It may
        be missing.
    type: str
    default: ''
  shared_journal:
    description:
      - The directory of the journal that all masters share, below O(shared), of which the same is read; empty for none.
    type: str
    default: ''
  membership:
    description: Whether to read which cluster the host belongs to, and with what it could join one.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Check the cache nodes
  alluxops.cache.node_check:
    path: "{{ node_storage_root }}"
    lasting: "{{ inventory_hostname in groups['cache_masters'] }}"
    shared: "{{ alluxio_journal_shared_path if inventory_hostname in groups['cache_masters'] else '' }}"
  register: __preflight_node
"""

RETURN = r"""
node:
  description: What was read. Sizes are in bytes.
  returned: success
  type: dict
  sample:
    python: 3.11.2
    os: Debian GNU/Linux 12 (bookworm)
    kernel: 6.1.0
    machine: x86_64
    hostname: n1
    is_root: true
    memory_bytes: 8589934592
    has_fuse: true
    storage:
      path: /mnt/fuse3
      kind: missing
      filesystem: ext4
      mount_point: /
      options: [rw, relatime]
      free_bytes: 53687091200
      free_inodes: 3276800
marker:
  description: The file C(.alluxops.json) in O(journal), in base64; empty where there is none.
  returned: success
  type: str
records:
  description: The journal types, C(UFS) and C(EMBEDDED), that O(journal) holds a master's entries of.
  returned: success
  type: list
  elements: str
shared_journal:
  description: >-
    The C(marker) and C(records) of O(shared_journal), as its owner sees them; empty where it cannot be looked into.
  returned: success
  type: dict
membership:
  description: >-
    Machine id, system, swap, versions of containerd, runc, kubelet and kubeadm, the cluster whose certificates lie on
    the host, whether a kubelet listens, and its files of a control plane.
  returned: with O(membership)
  type: dict
checks:
  description: Every check, as {check, ok, value, fix}; C(fix) is empty where it is ok.
  returned: success
  type: list
  elements: dict
problems:
  description: What is not ok, as {what, value, fix}.
  returned: success
  type: list
  elements: dict
"""

import base64
import glob
import os
import platform
import stat
import sys
from collections.abc import Sequence
from functools import partial

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    helm_host,
    host_files,
    host_marker,
    host_shared,
    node_facts,
    node_membership,
)


def read_storage(path: str) -> node_facts.Storage:
    """The storage root and the file system that it lies, or will lie, on."""
    kind, target = "directory", ""
    try:
        entry = os.lstat(path)
        if stat.S_ISLNK(entry.st_mode):
            kind, target = "symlink", os.path.realpath(path)
        elif not stat.S_ISDIR(entry.st_mode):
            kind = "other"
    except FileNotFoundError:
        kind = "missing"
    except NotADirectoryError:
        kind = "other"
    except OSError as fault:  # a FUSE or network mount whose server is gone
        return node_facts.Storage(
            path,
            "directory",
            "",
            node_facts.Mount(path, "unknown", ()),
            0,
            None,
            str(fault.strerror),
        )
    existing = os.path.realpath(path)
    while not os.path.isdir(existing):
        existing = os.path.dirname(existing)
    mounts = node_facts.parse_mountinfo(host_files.read_text("/proc/self/mountinfo") or "")
    space = os.statvfs(existing)
    return node_facts.Storage(
        path=path,
        kind=kind,
        target=target,
        mount=node_facts.mount_of(existing, mounts),
        free_bytes=space.f_bavail * space.f_frsize,
        free_inodes=space.f_favail if space.f_files else None,
    )


def read_marker(folder: str) -> str:
    """The marker in a journal's directory in base64; empty where there is none to read."""
    try:
        content = host_marker.read(folder) if folder else None
    except OSError:  # the fault of the storage is told by its own check
        content = None
    return base64.b64encode(content or b"").decode()


RECORDS = {  # what module_utils/journal_job looks for in a volume, too
    "UFS": ("*/v1/logs/**", "*/v1/checkpoints/**"),
    "EMBEDDED": ("raft/*/current/log*", "raft/*/sm/**"),
}


def read_records(folder: str) -> list[str]:
    """The types of which a journal's directory holds entries."""
    root = os.path.join(glob.escape(folder), "")
    return [
        kind
        for kind, patterns in RECORDS.items()
        if folder
        and any(
            os.path.isfile(path)
            for pattern in patterns
            for path in glob.iglob(root + pattern, recursive=True)
        )
    ]


def read_shared(folder: str) -> dict[str, object]:
    """Marker and records of the journal that all masters share; empty where nobody can tell."""
    host_shared.refresh(folder)
    try:
        with host_shared.as_owner(folder):
            host_shared.refresh(folder)
            marker = host_marker.read(folder)
            return {
                "marker": base64.b64encode(marker or b"").decode(),
                "records": read_records(folder),
            }
    except FileNotFoundError:
        return {"marker": "", "records": []}
    except OSError:  # one without rights; or the file system's fault, which its own check tells
        return {}


def output_of(module: AnsibleModule, command: Sequence[str]) -> str:
    """What a command prints; empty where it is not there or fails."""
    program = module.get_bin_path(command[0], opt_dirs=["/usr/local/bin"])
    if program is None:
        return ""
    code, out, _err = module.run_command([program, *command[1:]])
    return str(out) if code == 0 else ""


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "min_free_bytes": {"type": "int", "default": 1 << 30},
            "min_memory_bytes": {"type": "int", "default": 0},
            "fuse": {"type": "bool", "default": False},
            "lasting": {"type": "bool", "default": False},
            "shared": {"type": "str", "default": ""},
            "journal": {"type": "str", "default": ""},
            "shared_journal": {"type": "str", "default": ""},
            "membership": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    node = node_facts.Node(
        python=sys.version_info[:3],
        is_root=os.geteuid() == 0,
        memory_bytes=node_facts.parse_memory(host_files.read_text("/proc/meminfo") or ""),
        has_fuse=os.path.exists("/dev/fuse"),
        storage=read_storage(options["path"]),
    )
    wanted = node_facts.Wanted(
        options["min_free_bytes"], options["min_memory_bytes"], options["fuse"], options["lasting"]
    )
    checks = node_facts.check_node(node, wanted)
    if options["shared"]:
        checks.append(node_facts.check_shared(read_storage(options["shared"])))
    release = helm_host.parse_os_release(host_files.read_text("/etc/os-release") or "")
    storage = node.storage
    module.exit_json(
        changed=False,
        node={
            "python": platform.python_version(),
            "os": release.get("PRETTY_NAME", platform.system()),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "hostname": platform.node(),
            "is_root": node.is_root,
            "memory_bytes": node.memory_bytes,
            "has_fuse": node.has_fuse,
            "storage": {
                "path": storage.path,
                "kind": storage.kind,
                "filesystem": storage.mount.filesystem,
                "mount_point": storage.mount.point,
                "options": list(storage.mount.options),
                "free_bytes": storage.free_bytes,
                "free_inodes": storage.free_inodes,
            },
        },
        marker=read_marker(options["journal"]),
        records=read_records(options["journal"]),
        shared_journal=read_shared(options["shared_journal"]) if options["shared_journal"] else {},
        membership=node_membership.read(partial(output_of, module))
        if options["membership"]
        else {},
        checks=[
            {
                "check": entry.check,
                "ok": entry.ok,
                "value": entry.value,
                "fix": "" if entry.ok else entry.fix,
            }
            for entry in checks
        ],
        problems=[
            {"what": entry.what, "value": entry.value, "fix": entry.fix}
            for entry in checks
            if not entry.ok
        ],
    )


if __name__ == "__main__":
    main()
