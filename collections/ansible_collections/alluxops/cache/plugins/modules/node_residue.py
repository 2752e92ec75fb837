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
  - A FUSE mount on one of O(mount_points) whose process is gone is detached. One that answers stays, and so does one
    whose process hangs; both are reported.
  - With O(purge), the release's directory is deleted. Nothing outside of it is touched, no symlink is followed, and a
    file system that is mounted in it stays with what it holds. What a process of the node has mounted of it, such as a
    pod's volume, is not deleted; the task fails and names it.
options:
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
  only:
    description: Names in the release's directory that a purge deletes, such as a worker's; all where none is given.
    type: list
    elements: str
    default: []
  tiers:
    description: >-
      Directories of the node that the release's workers have as tiers. Of each, the worker's own directory
      C(alluxioworker) is told, and deleted by a purge; nothing beside it is. It stays where a pod has the tier mounted,
      and where it is a link or has a file system mounted in it.
    type: list
    elements: str
    default: []
  only_check_use:
    description: Change nothing, and only say whether a process of the node has mounted the directory or a part of it.
    type: bool
    default: false
extends_documentation_fragment:
  - alluxops.cache.on_node
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
  description: >-
    What lies in the release's directory afterwards, as {path, files, bytes, formatted, is_old_copy, mounted}; of a
    journal, C(is_old_copy) says that its master left the quorum, or the release moved its journal elsewhere.
  returned: success
  type: list
  elements: dict
tiers:
  description: >-
    What workers have in O(tiers) afterwards, as {path, files, bytes, mounted, used}; C(used) says which pods kept a
    purge from it.
  returned: success
  type: list
  elements: dict
mounts:
  description: Alluxio's FUSE mounts, as {point, state}. The state is C(serving), C(dead), C(hung) or C(detached).
  returned: success
  type: list
  elements: dict
in_use:
  description: Why the directory may not be purged; empty where it may.
  type: str
  returned: with O(only_check_use)
purged: {description: "Paths that were deleted, or would be.", type: list, elements: str, returned: success}
kept: {description: File systems mounted in it that the purge left., type: list, elements: str, returned: success}
"""

import json
import os
import shutil
import stat
import time
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_marker,
    host_mounts,
    node_residue,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

END_WAIT_S = 15.0
"""How long a container may take to end that Kubernetes has told to be gone."""


def sizes(path: str, hung: Sequence[str] = ()) -> dict[str, object]:
    """What lies in a directory: how many files, their bytes, and whether it is a journal that was formatted.

    hung: mounts that do not answer: a look into one would not return.
    """
    if any(point == path or point.startswith(f"{path}/") for point in hung):
        none = {"files": 0, "bytes": 0, "formatted": False, "is_old_copy": False}
        return {"path": path, **none, "hung": True}
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
    return {
        "path": path,
        "files": files,
        "bytes": total,
        "formatted": formatted,
        "is_old_copy": is_old_copy(path),
    }


def is_old_copy(path: str) -> bool:
    """Whether a journal's marker says that its master, or the whole release, has gone on without it."""
    try:
        marker = json.loads(host_marker.read(path) or b"{}")
    except (OSError, ValueError):  # told by the next run that would use it
        return False
    return isinstance(marker, dict) and bool(marker.get("left_at"))


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


def resolved(path: str) -> str:
    """The release's directory as the kernel lists mounts: the way to it may lead over links.

    Not its last three parts, which children refuses where they are links.
    """
    parts = path.split("/")
    head = os.path.realpath("/".join(parts[:-3]) or "/")
    return os.path.join(head, *parts[-3:])


def has_mount(path: str) -> bool:
    """Whether a file system is mounted on a directory or in it, so that a purge leaves it."""
    return any(
        mount.point == path or mount.point.startswith(f"{path}/") for mount in host_mounts.read()
    )


def refuse_used(
    path: str,
    *,
    wait_s: float = END_WAIT_S,
    proc: str = host_mounts.PROC,
    logs: str = host_mounts.POD_LOGS,
) -> None:
    """Raise CacheError where a process has the directory, or a part of it, mounted: a purge would delete under it."""
    users = users_left(path, wait_s=wait_s, proc=proc, logs=logs)
    if users:
        raise CacheError(
            f"{path} is in use: {users}. Nothing of it was deleted.",
            "the release still runs here, in the cluster of this host: the kubeconfig may be another cluster's, or"
            " a pod was deleted by force and its container lives on.",
            "compare `kubectl get nodes -o wide` with this host; uninstall the release from the cluster that runs"
            " it, and run again.",
        )


def users_left(
    path: str,
    *,
    wait_s: float,
    proc: str = host_mounts.PROC,
    logs: str = host_mounts.POD_LOGS,
    is_tier: bool = False,
) -> str:
    """Who has the directory, or a part of it, mounted after this time, in words; empty as soon as nobody has."""
    limit = time.monotonic() + wait_s
    while True:
        users = host_mounts.who_uses(path, proc, logs, only_pods=is_tier)
        if not users or time.monotonic() >= limit:
            more = f" and {len(users) - 3} more" if len(users) > 3 else ""
            return "; ".join(users[:3]) + more
        time.sleep(0.5)


def in_use(path: str) -> str:
    """Why a directory may not be purged; empty where it may, or is not there."""
    try:
        if os.path.isdir(path):
            refuse_used(resolved(path))
    except CacheError as error:
        return str(error)
    return ""


def purge(path: str, *, dry: bool, only: Sequence[str] = ()) -> node_residue.Purge:
    """Delete the release's directory, or only what is named in it, as far as no other file system is mounted there."""
    names = children(path)
    path = resolved(path)
    plan = node_residue.plan_purge(path, names, host_mounts.read(), only)
    if dry:
        return plan
    # With names, others may be in use: a master's journal beside a worker's directories.
    for used in plan.delete if only else [path] if plan.delete or plan.whole else []:
        refuse_used(used)
    try:
        for child in plan.delete:
            if os.path.isdir(child) and not os.path.islink(child):
                shutil.rmtree(child)
            else:
                os.unlink(child)
        if plan.whole and os.path.isdir(path):
            os.rmdir(path)
    except OSError as fault:
        raise undeleted(fault, path) from fault
    return plan


def undeleted(fault: OSError, path: str) -> CacheError:
    """The error for what cannot be deleted."""
    return CacheError(
        f"{fault.filename or path} cannot be deleted: {fault.strerror}.",
        fix="see what uses it (`fuser -v`), and run again.",
    )


def blocks_folders(tiers: Sequence[str], release: str) -> dict[str, str]:
    """The workers' own directories in tiers, each with its tier. release: its directory, whose `tier0` goes with it."""
    found = {}
    for tier in map(os.path.realpath, tiers):
        folder = os.path.join(tier, node_residue.BLOCKS)
        if os.path.lexists(folder) and not f"{tier}/".startswith(f"{release}/tier0/"):
            found[folder] = tier
    return found


def purge_blocks(folder: str, tier: str, *, wait_s: float = END_WAIT_S) -> str:
    """Delete a worker's own directory in a tier. Returns who has the tier mounted, where that keeps it, in words."""
    users = users_left(tier, wait_s=wait_s, is_tier=True)
    if not users:
        try:
            shutil.rmtree(folder)
        except OSError as fault:
            raise undeleted(fault, folder) from fault
    return users


def handle_tiers(
    tiers: Sequence[str], release: str, *, delete: bool, dry: bool
) -> tuple[list[str], list[dict[str, object]]]:
    """The workers' directories in tiers that went, or would go, and what is there of the others."""
    purged, left = [], []
    for folder, tier in blocks_folders(tiers, release).items():
        is_plain = os.path.isdir(folder) and not os.path.islink(folder) and not has_mount(folder)
        used = ""
        if delete and is_plain:
            used = "" if dry else purge_blocks(folder, tier)
            if not used:
                purged.append(folder)
                continue
        left.append({**sizes(folder), "mounted": not is_plain, "used": used})
    return purged, left


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            **node_residue.ARGUMENTS,
            "mount_points": {"type": "list", "elements": "str", "default": []},
            "more": {"type": "list", "elements": "str", "default": []},
            "purge": {"type": "bool", "default": False},
            "only": {"type": "list", "elements": "str", "default": []},
            "tiers": {"type": "list", "elements": "str", "default": []},
            "only_check_use": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    purged, kept, mounts, went = [], [], [], []
    try:
        path = resolved(
            node_residue.directory(options["root"], options["namespace"], options["release"])
        )
        if options["only_check_use"]:
            module.exit_json(changed=False, in_use=in_use(path))
        for mount in node_residue.fuse_mounts(host_mounts.read(), options["mount_points"]):
            found = host_mounts.state(mount.point)
            if found == host_mounts.DEAD and mount.point in options["mount_points"]:
                if not module.check_mode:
                    host_mounts.detach(module, mount.point)
                found = "detached"
                went.append(f"mount {mount.point}")
            mounts.append({"point": mount.point, "state": found})
        if options["purge"]:
            exists = os.path.isdir(path)
            plan = purge(path, dry=module.check_mode, only=options["only"])
            purged = list(plan.delete) + ([path] if plan.whole and exists else [])
            kept = list(plan.stay)
        gone, tiers = handle_tiers(
            options["tiers"], path, delete=options["purge"], dry=module.check_mode
        )
        purged += gone
        went += purged
        left = [f"{path}/{name}" for name in sorted(children(path))]
        if module.check_mode:
            left = [one for one in left if one not in purged]
        left += [one for one in options["more"] if os.path.isdir(one) and one not in left]
    except CacheError as error:
        module.fail_json(**error.result())
    hung = [one["point"] for one in mounts if one["state"] == host_mounts.HUNG]
    module.exit_json(
        changed=bool(went),
        directories=[{**sizes(one, hung), "mounted": has_mount(one)} for one in left],
        tiers=tiers,
        mounts=mounts,
        purged=purged,
        kept=kept,
        diff={"before": "".join(f"{one}\n" for one in went), "after": ""},
    )


if __name__ == "__main__":
    main()
