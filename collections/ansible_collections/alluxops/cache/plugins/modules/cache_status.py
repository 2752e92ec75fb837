from __future__ import annotations

DOCUMENTATION = r"""
module: cache_status
short_description: Report the health of a cache
description:
  - Reads pods, the leader, its workers with capacity and use, and the web endpoints that answer. Changes nothing.
options:
  workers:
    description: Kubernetes names of the nodes that must carry a worker; empty expects those the DaemonSet wants.
    type: list
    elements: str
    default: []
  masters:
    description: Number of masters expected; 0 expects what the StatefulSet wants.
    type: int
    default: 0
  settle_timeout_s:
    description: How long an unhealthy cache may take to become healthy before it is reported so, in seconds.
    type: int
    default: 0
  verify:
    description: What M(alluxops.cache.cache_verify) returned as C(verify), to become part of the report.
    type: dict
  notes:
    description: What is worth saying and is no problem, for report and summary.
    type: list
    elements: str
    default: []
  journals:
    description: What M(alluxops.cache.journal) returned as C(journals), for the summary.
    type: list
    elements: dict
    default: []
  changed:
    description: Number of changes of this run, for the summary; -1 leaves it out.
    type: int
    default: -1
  elapsed_s:
    description: How long this run took so far, in seconds, for the summary; -1 leaves it out.
    type: float
    default: -1.0
  root_ufs:
    description: The root under store, for the summary.
    type: str
    default: ''
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Report the cache's health
  alluxops.cache.cache_status:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
  register: __verify_status
"""

RETURN = r"""
report:
  description:
    - '{release, namespace, cluster: {version, platform, nodes}, version, wanted: {masters, workers},
      masters: [{pod, node, ready, role, reason}], quorum: {leader, members, healthy, shown},
      workers: [{pod, node, ready, registered, capacity_bytes, used_bytes, reason}],
      endpoints, verify, healthy, problems, notes}. A reason says why a pod is not ready; empty for one that is.'
  returned: success
  type: dict
summary:
  description: Lines that can be pasted in a ticket.
  returned: success
  type: list
  elements: str
explanation:
  description: What is wrong and what to do; empty when the cache is healthy.
  returned: success
  type: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cache_status")


if __name__ == "__main__":
    main()
