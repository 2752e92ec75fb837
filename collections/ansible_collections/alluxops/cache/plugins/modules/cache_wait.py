from __future__ import annotations

DOCUMENTATION = r"""
module: cache_wait
short_description: Wait until the cache serves
description:
  - Waits until every master pod and every expected worker pod is ready and every expected worker is registered with the
    leader, which is found through the masters' web API.
  - With an embedded journal, waits for every member of the quorum. Where the leader goes on missing one whose pod is
    ready, leadership is handed to another member.
  - Waits up to a minute more for the leader to forget workers that are gone, to which it sends clients until then. That
    never fails.
  - Says what it waits for, and fails early, with the reason from pod status, events and last log lines, when waiting
    longer cannot help.
options:
  masters:
    description: Number of masters.
    type: int
    default: 1
  workers:
    description: Kubernetes names of the nodes that must carry a worker.
    type: list
    elements: str
    required: true
  part:
    description: C(masters) waits until the masters serve, whatever the workers do meanwhile.
    type: str
    choices: [all, masters]
    default: all
  wait_timeout_s:
    description: How long to wait, in seconds.
    type: int
    default: 600
  restoring:
    description:
      - The masters start from a backup. O(wait_timeout_s) then is how long they may take to apply no more of it, as far
        as their logs tell.
    type: bool
    default: false
  image_version:
    description: Image tag that the pods must run; empty accepts any. Pods of an older revision are waited out.
    type: str
    default: ''
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.no_diff
attributes:
  check_mode:
    description: Returns at once.
    support: full
"""

EXAMPLES = r"""
- name: Wait until the cache serves
  alluxops.cache.cache_wait:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    masters: "{{ alluxio_masters }}"
    workers: "{{ groups['cache_workers'] | map('extract', hostvars, 'alluxio_node_name') | list }}"
"""

RETURN = r"""
leader:
  description: Name of the leader's pod.
  returned: success
  type: str
waited_s:
  description: How long it took, in seconds.
  returned: success
  type: float
pins_noted:
  description: Whether pins were noted that M(alluxops.cache.pins) has not yet compared with, by this run or a dead one.
  returned: success
  type: bool
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cache_wait")


if __name__ == "__main__":
    main()
