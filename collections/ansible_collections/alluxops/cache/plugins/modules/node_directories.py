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
    required: true
extends_documentation_fragment:
  - alluxops.cache.on_directories
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import directories, host_directories
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={"directories": {**host_directories.ARGUMENT, "required": True}},
        supports_check_mode=True,
    )
    try:
        steps = host_directories.plan(module.params["directories"])
        host_directories.refuse_missing_mounts(steps)
        if not module.check_mode:
            host_directories.have(steps)
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(
        changed=bool(steps),
        diff=directories.describe(steps),
        **host_directories.result(steps),
    )


if __name__ == "__main__":
    main()
