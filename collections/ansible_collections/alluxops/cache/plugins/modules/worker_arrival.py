from __future__ import annotations

DOCUMENTATION = r"""
module: worker_arrival
short_description: Label nodes, and wait until each carries a worker that is registered with the leader
description:
  - Labels and taints the nodes as soon as they are in the cluster, then waits until they are Ready and their workers
    serve. All nodes are looked at with the same few list calls.
  - Notes on each node, as an annotation, which of the labels and taints it did not have before. They go with the
    worker.
  - Does not fail for a node that does not get there, so that the others go on. What keeps it is in C(nodes).
options:
  nodes:
    description: Kubernetes names of the nodes.
    type: list
    elements: str
    required: true
  marks:
    description: >-
      By node: C(labels) that it gets beside the one that M(alluxops.cache.node_labels) sets, and C(taints), as {key,
      value, effect}. Others stay.
    type: dict
    default: {}
  joined:
    description: >-
      Those of the nodes that have joined the cluster in this run. The taints that they came with are ours too.
    type: list
    elements: str
    default: []
  wait_timeout_s:
    description: How many seconds it may take.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
  check_mode:
    description: Waits for nothing, and reports what would be labelled.
    support: full
  diff_mode:
    description: Shows the labels and taints that are set.
    support: full
"""

EXAMPLES = r"""
- name: Wait until the workers have come
  alluxops.cache.worker_arrival:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    nodes: [n4]
  run_once: true
"""

RETURN = r"""
nodes:
  description:
    - "By node: {changed, ready_s, registered_s, registered_at, capacity_bytes, problem}. problem is empty where its
      worker serves. registered_s counts from its label, registered_at is the controller's time of day, in seconds."
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("worker_arrival")


if __name__ == "__main__":
    main()
