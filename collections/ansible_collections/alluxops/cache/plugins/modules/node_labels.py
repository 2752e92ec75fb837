from __future__ import annotations

DOCUMENTATION = r"""
module: node_labels
short_description: Label the nodes that carry a release's workers
description:
  - Workers run on the nodes that carry the label C(alluxops.io/NAMESPACE.RELEASE=worker). A node that gets it gets a
    worker, and no other worker is restarted for that.
  - Labels nothing else, and takes the label from no node that is not named. Nodes that carry it besides are told.
  - With C(absent) go too the labels and taints that M(alluxops.cache.worker_arrival) has noted as its own, where
    nobody has changed them since and no other cache's worker on the node got them as well.
  - Needs the right to list and to patch nodes; where all nodes are labelled already, listing is enough.
options:
  state:
    description: C(absent) takes the label away, which ends the nodes' workers, and what was given to the nodes with it.
    type: str
    choices: [present, absent]
    default: present
  nodes:
    description: Kubernetes names of the nodes.
    type: list
    elements: str
    required: true
  uncleaned:
    description: >-
      Those of the nodes that have yet to be cleaned. That is noted on each, as an annotation, in the same change that
      takes the label away. For C(absent).
    type: list
    elements: str
    default: []
  labels:
    description: >-
      What a worker's node without a note of M(alluxops.cache.worker_arrival) is taken to have got. For C(absent).
    type: dict
    default: {}
  taints:
    description: The same of taints. For C(absent).
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - alluxops.cache.api
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the labels that change.
    support: full
"""

EXAMPLES = r"""
- name: Label the workers' nodes
  alluxops.cache.node_labels:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    nodes: "{{ __preflight_settings.settings.cache_workers | map(attribute='name') | list }}"
"""

RETURN = r"""
changed_nodes: {description: Nodes whose label changed., type: list, elements: str, returned: success}
others: {description: Nodes that carry the label and were not named., type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("node_labels")


if __name__ == "__main__":
    main()
