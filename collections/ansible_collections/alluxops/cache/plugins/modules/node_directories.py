#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Make the cache's directories on a node: one round trip for all of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_directories
short_description: Make the directories of the cache on a node
version_added: 0.1.0
author: alluxops contributors
description:
  - Makes directories with the given owner and mode and corrects those that differ, all in one round trip.
  - Touches the listed directories only, never what lies in them.
  - Refuses a symlink or a file in the place of a directory. A file system mounted on a directory stays mounted.
  - A directory right below C(/) that exists keeps its owner and mode, since it belongs to the system.
  - Parents that are missing and not listed are made as root:root 0755.
options:
  directories:
    description: The directories, in any order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      owner:
        description: Number of the owning user.
        type: int
        default: 0
      group:
        description: Number of the owning group.
        type: int
        default: 0
      mode:
        description: Mode in octal digits; write permission for everybody is refused.
        type: str
        default: "0755"
attributes:
  check_mode:
    description: Says what it would do.
    support: full
  diff_mode:
    description: Shows owner and mode of each directory that changes.
    support: full
"""

EXAMPLES = r"""
- name: Make the directories of the cache
  alluxops.cache.node_directories:
    directories:
      - path: /mnt/fuse3
      - path: /mnt/fuse3/alluxio/alluxio/journal
        owner: 1000
        group: 1000
        mode: "0750"
"""

RETURN = r"""
made:
  description: Paths that were made, or would be.
  returned: success
  type: list
  elements: str
corrected:
  description: Paths whose owner or mode was changed, or would be.
  returned: success
  type: list
  elements: str
"""

import contextlib
import errno
import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import directories, host_mounts
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def look(path: str) -> directories.Found:
    """What lies at path. Raises CacheError when the file system does not answer."""
    try:
        entry = os.lstat(path)
    except FileNotFoundError:
        return directories.Found("missing")
    except NotADirectoryError:
        # A file stands where a parent should be; the parent's own check names it, unless the parent is not listed.
        raise CacheError(
            f"a part of {path} is a file, not a directory.",
            fix="move that file away, or choose another path.",
        ) from None
    except OSError as fault:
        raise unreachable(path, fault) from fault
    if stat.S_ISLNK(entry.st_mode):
        return directories.Found("symlink", target=os.path.realpath(path))
    if not stat.S_ISDIR(entry.st_mode):
        return directories.Found("other")
    return directories.Found(
        "directory",
        owner=entry.st_uid,
        group=entry.st_gid,
        mode=stat.S_IMODE(entry.st_mode),
    )


def take(step: directories.Step) -> None:
    """Make or correct one directory, through descriptors so that nothing can be put in its place meanwhile."""
    wanted = step.directory
    parent = os.open(os.path.dirname(wanted.path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        name = os.path.basename(wanted.path)
        if step.make:
            with contextlib.suppress(
                FileExistsError
            ):  # made meanwhile: the next line refuses all but a directory
                os.mkdir(name, 0o700, dir_fd=parent)
        opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            if (wanted.owner, wanted.group) != (step.found.owner, step.found.group) or step.make:
                os.fchown(opened, wanted.owner, wanted.group)
            os.fchmod(opened, wanted.mode)
        finally:
            os.close(opened)
    finally:
        os.close(parent)


def unreachable(path: str, fault: OSError) -> CacheError:
    """The error for a directory that the system refuses, with what to do about the usual reasons."""
    what = f"{path}: {fault.strerror or fault}."
    if fault.errno in host_mounts.STALE:
        return CacheError(
            what,
            "A FUSE or network mount is left there whose server is gone.",
            f"umount --lazy {path}, then run again.",
        )
    if fault.errno == errno.EROFS:
        return CacheError(
            what,
            "Its file system is mounted read-only.",
            "mount it read-write, or choose another node_storage_root.",
        )
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return CacheError(what, "Its file system is full.", "free space or inodes on it.")
    if fault.errno in (errno.EPERM, errno.EACCES):
        return CacheError(
            what,
            "Only root may give a directory to another user, and some network file systems refuse even root.",
            "run with become: true, or choose a node_storage_root on a local disk.",
        )
    return CacheError(what)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "directories": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "owner": {"type": "int", "default": 0},
                    "group": {"type": "int", "default": 0},
                    "mode": {"type": "str", "default": "0755"},
                },
            }
        },
        supports_check_mode=True,
    )
    try:
        wanted = directories.wanted_directories(module.params["directories"])
        steps = directories.plan(wanted, look)
        if not module.check_mode:
            for step in steps:
                try:
                    take(step)
                except OSError as fault:
                    raise unreachable(step.directory.path, fault) from fault
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(
        changed=bool(steps),
        diff=directories.describe(steps),
        made=[step.directory.path for step in steps if step.make],
        corrected=[step.directory.path for step in steps if not step.make],
    )


if __name__ == "__main__":
    main()
