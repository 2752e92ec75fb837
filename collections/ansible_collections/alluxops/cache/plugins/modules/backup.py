from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Make a backup of the cache's metadata
description:
  - Has Alluxio write a backup of every path, mount, pin, TTL and ACL, sees that it is there and whole, and removes
    older ones. A standby master writes it where there is one; else the leader does, and changes wait meanwhile.
  - Each run makes a new one, so it is always changed.
  - Where masters serve from another journal than the one that its claim speaks of, the backup lies in C(before-changes)
    of that directory, no older one is removed, and there is a warning.
  - A backup holds the options of mounts, credentials among them. On the controller only its owner can read it.
options:
  to:
    description:
      - C(ufs), the directory C(alluxio_backups/NAMESPACE/RELEASE/CLUSTER) of the root under store, or the absolute path
        of a directory on the controller, below which NAMESPACE/RELEASE/CLUSTER is made. CLUSTER is the uid of the
        namespace C(kube-system), so that clusters which share a store keep apart.
    type: str
    default: ufs
  keep:
    description: How many of the backups there stay; 0 keeps all. Files of other names are never touched.
    type: int
    default: 0
  wait_timeout_s:
    description: How long it may take, in seconds.
    type: int
    default: 3600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Says where the backup would be.
    support: full
  diff_mode:
    description: Shows the new file, and those that are removed.
    support: full
"""

EXAMPLES = r"""
- name: Make a backup, keep a week of them
  alluxops.cache.backup:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    to: /var/backups/alluxio
    keep: 7
"""

RETURN = r"""
backup:
  description: The backup that was made; null in check mode.
  returned: success
  type: dict
  contains:
    uri:
      description: >-
        What alluxio.master.journal.init.from.backup takes: its address in the root under store, or the path inside a
        master's journal volume where one of the controller has to be put first.
      type: str
      returned: success
    where:
      description: Where it is, for a person.
      type: str
      returned: success
    name:
      description: Its file's name.
      type: str
      returned: success
    file:
      description: Its path on the controller, or empty.
      type: str
      returned: success
    taken_at:
      description: When it was begun (ISO 8601, UTC).
      type: str
      returned: success
    version:
      description: The Alluxio that wrote it.
      type: str
      returned: success
    entries:
      description: How many entries it holds, or null where that was not told.
      type: int
      returned: success
    size_bytes:
      description: Its size.
      type: int
      returned: success
    seconds:
      description: How long it took.
      type: float
      returned: success
    pruned:
      description: Names of the older backups that were removed.
      type: list
      elements: str
      returned: success
summary:
  description: One line on where it is, how large, how long it took.
  returned: success
  type: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("backup")


if __name__ == "__main__":
    main()
