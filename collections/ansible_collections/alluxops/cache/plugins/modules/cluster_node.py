from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_node
short_description: Empty nodes of pods, or take them out of the cluster
description:
  - C(drained) cordons the nodes and evicts their pods through the API, which keeps to disruption budgets. Pods of
    DaemonSets and the kubelet's own stay.
  - C(absent) deletes the Node objects of hosts that were reset. Elsewhere the kubelet may run, and would make its node
    anew.
options:
  state:
    description: What is to be done.
    type: str
    choices: [drained, absent]
    required: true
  nodes:
    description: Names of the nodes. One that is no node of the cluster is passed over.
    type: list
    elements: str
    required: true
  resets:
    description: What the reset of its host said, by node. A node whose host was not reached stays. For C(absent).
    type: dict
    default: {}
  wait_timeout_s:
    description: How long a drain may take, in seconds.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Says what would go.
    support: full
  diff_mode:
    description: Lists what goes.
    support: full
"""

EXAMPLES = r"""
- name: Drain a node
  alluxops.cache.cluster_node:
    state: drained
    nodes: [n3]
"""

RETURN = r"""
went:
  description: Nodes that were schedulable, and pods and nodes that went.
  type: list
  elements: str
  returned: success
kept: {description: Nodes that stay as their hosts were not reset., type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cluster_node")


if __name__ == "__main__":
    main()
