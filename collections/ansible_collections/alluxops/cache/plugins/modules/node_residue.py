#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Say what a release leaves on a node, detach its dead mounts, and delete its directories when that is asked for."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_residue
short_description: Say what a release leaves on a node, detach its dead mounts, and purge its directories
version_added: 0.1.0
author: alluxops contributors
description:
  - Reads the release's directory C(ROOT/NAMESPACE/RELEASE) and Alluxio's FUSE mounts.
  - A FUSE mount on one of O(mount_points) whose process is gone is detached. One that answers stays, and is reported.
  - With O(purge), the release's directory is deleted. Nothing outside of it is touched, no symlink is followed, and a
    file system that is mounted in it stays with what it holds.
options:
  root:
    description: The storage root, C(node_storage_root).
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  release:
    description: Name of the release.
    type: str
    required: true
  mount_points:
    description: Where the release's FUSE pods mount on the node.
    type: list
    elements: str
    default: []
  more:
    description: Other directories of the release, such as a journal that masters share. They are told, never purged.
    type: list
    elements: str
    default: []
  purge:
    description: Whether the release's directory is deleted.
    type: bool
    default: false
attributes:
  check_mode:
    description: Says what it would do.
    support: full
  diff_mode:
    description: Lists what goes.
    support: full
"""

EXAMPLES = r"""
- name: See what lies on the node
  alluxops.cache.node_residue:
    root: "{{ node_storage_root }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
  register: __uninstall_node
"""

RETURN = r"""
directories:
  description: What lies in the release's directory afterwards, as {path, files, bytes, formatted}.
  returned: success
  type: list
  elements: dict
mounts:
  description: Alluxio's FUSE mounts, as {point, state}. The state is C(serving), C(dead) or C(detached).
  returned: success
  type: list
  elements: dict
purged: {description: "Paths that were deleted, or would be.", type: list, elements: str, returned: success}
kept: {description: File systems mounted in it that the purge left., type: list, elements: str, returned: success}
"""

import errno
import os
import shutil
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import host_files, node_residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

STALE = (errno.ENOTCONN, errno.ESTALE, errno.EIO)


def sizes(path: str) -> dict[str, object]:
    """What lies in a directory: how many files, their bytes, and whether it is a journal that was formatted."""
    files, total, formatted = 0, 0, False
    for folder, folders, names in os.walk(path):
        formatted = formatted or "raft" in folders
        for name in names:
            formatted = formatted or name.startswith("_format_")
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
            files += 1
    return {"path": path, "files": files, "bytes": total, "formatted": formatted}


def children(path: str) -> list[str]:
    """Names in the release's directory; none where there is none. Raises CacheError for what is no plain directory."""
    parts = path.split("/")
    for depth in range(len(parts) - 2, len(parts) + 1):
        walked = "/".join(parts[:depth])
        try:
            entry = os.lstat(walked)
        except FileNotFoundError:
            return []
        if not stat.S_ISDIR(entry.st_mode):
            raise CacheError(
                f"{walked} is no directory.",
                "What it points to is not known to be the cache's.",
                "remove it by hand, and run again.",
            )
    return os.listdir(path)


def state(point: str) -> str:
    """Whether a mount's process answers."""
    try:
        os.stat(point)
    except OSError as fault:
        return "dead" if fault.errno in STALE else "serving"
    return "serving"


def read_mounts() -> list[node_residue.Mount]:
    """What is mounted."""
    return node_residue.parse_mounts(host_files.read_text("/proc/self/mountinfo") or "")


def detach(module: AnsibleModule, point: str) -> None:
    """Detach a mount that nothing serves any more."""
    umount = module.get_bin_path("umount", required=True)
    code, out, err = module.run_command([umount, "--lazy", point])
    if code != 0:
        raise CacheError(
            f"{point} cannot be detached.", (err or out).strip(), f"umount --lazy {point}"
        )


def purge(path: str, *, dry: bool) -> node_residue.Purge:
    """Delete the release's directory, as far as no other file system is mounted in it."""
    names = children(path)
    plan = node_residue.plan_purge(path, names, read_mounts())
    if dry:
        return plan
    try:
        for child in plan.delete:
            if os.path.isdir(child) and not os.path.islink(child):
                shutil.rmtree(child)
            else:
                os.unlink(child)
        if plan.whole and os.path.isdir(path):
            os.rmdir(path)
    except OSError as fault:
        raise CacheError(
            f"{fault.filename or path} cannot be deleted: {fault.strerror}.",
            fix="see what uses it (`fuser -v`), and run again.",
        ) from fault
    return plan


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "release": {"type": "str", "required": True},
            "mount_points": {"type": "list", "elements": "str", "default": []},
            "more": {"type": "list", "elements": "str", "default": []},
            "purge": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    purged, kept, mounts, went = [], [], [], []
    try:
        path = node_residue.directory(options["root"], options["namespace"], options["release"])
        for mount in node_residue.fuse_mounts(read_mounts(), options["mount_points"]):
            found = state(mount.point)
            if found == "dead" and mount.point in options["mount_points"]:
                if not module.check_mode:
                    detach(module, mount.point)
                found = "detached"
                went.append(f"mount {mount.point}")
            mounts.append({"point": mount.point, "state": found})
        if options["purge"]:
            exists = os.path.isdir(path)
            plan = purge(path, dry=module.check_mode)
            purged = list(plan.delete) + ([path] if plan.whole and exists else [])
            kept = list(plan.stay)
            went += purged
        left = [f"{path}/{name}" for name in sorted(children(path))]
        if module.check_mode:
            left = [one for one in left if one not in purged]
        left += [one for one in options["more"] if os.path.isdir(one) and one not in left]
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(
        changed=bool(went),
        directories=[sizes(one) for one in left],
        mounts=mounts,
        purged=purged,
        kept=kept,
        diff={"before": "".join(f"{one}\n" for one in went), "after": ""},
    )


if __name__ == "__main__":
    main()
