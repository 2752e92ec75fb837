from __future__ import annotations

DOCUMENTATION = r"""
module: zookeeper_wait
short_description: Wait until a cache's own ZooKeeper serves
description:
  - Waits until every server of the ensemble beside the cache is ready, which a server is only within a quorum, and of
    the newest revision. Where a majority is, the rest get O(grace_s) more seconds, and are named in a warning after.
  - Says what it waits for, and fails early, with the reason from pod status, events and last log lines, when waiting
    longer cannot help.
options:
  replicas:
    description: Number of servers.
    type: int
    required: true
  grace_s:
    description: How long to wait for the last servers once a majority serves, in seconds.
    type: int
    default: 30
  wait_timeout_s:
    description: How long to wait for the majority, in seconds.
    type: int
    default: 600
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
- name: Wait until a quorum serves
  alluxops.cache.zookeeper_wait:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    replicas: "{{ zookeeper_replicas }}"
"""

RETURN = r"""
missing:
  description: What does not serve although a majority does, a line for each server.
  returned: success
  type: list
  elements: str
waited_s:
  description: How long it took, in seconds.
  returned: success
  type: float
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("zookeeper_wait")


if __name__ == "__main__":
    main()
