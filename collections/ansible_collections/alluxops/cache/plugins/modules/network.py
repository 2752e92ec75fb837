from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Measure what the links between nodes, the store and the tiers carry
description:
  - Starts a pod on each node, measures throughput with iperf3 and latency with TCP connections between pairs of them,
    reads an object of the root under store with boto3 from each, alone and together, and blocks in the workers'
    tiers. Says what is the narrowest of these.
  - Pairs go in rounds, so that no node is measured twice at once. The pods are removed at the end; those of a run that
    died, before. Nothing is written to a store.
options:
  image:
    description: Image with Python 3, boto3 and iperf3, made from C(images/toolbox).
    type: str
    required: true
  compute_nodes:
    description: Names of nodes that read through the cache, besides the workers' own.
    type: list
    elements: str
    default: []
  pairs:
    description: Most pairs of nodes. Of more, a sample is measured.
    type: int
    default: 50
  seconds:
    description: How long each direction of a pair, and each read of the store, is measured.
    type: int
    default: 2
  streams:
    description: Over how many connections.
    type: int
    default: 4
  seed:
    description: Another number takes another sample of pairs.
    type: int
    default: 0
  host_network:
    description: Measure the nodes' own network in place of the pods'.
    type: bool
    default: false
  root_ufs:
    description: The root under store. One that is not C(s3://) is not measured.
    type: str
    default: ""
  root_ufs_options:
    description: Its options, as C(alluxio_root_ufs_options) has them.
    type: dict
    default: {}
  secret:
    description: Name of the Secret with C(accessKeyId) and C(secretKey). Empty means what the nodes themselves may.
    type: str
    default: ""
  store_object:
    description: Key of the object that is read. Empty means the largest of the first 1000 below the root.
    type: str
    default: ""
  report:
    description: Absolute path of the report on the controller. Empty means C(alluxops/checks) in C(XDG_STATE_HOME).
    type: str
    default: ""
  wait_timeout_s:
    description: How many seconds the pods may take to start.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.no_diff
attributes:
  check_mode:
    description: Looks at the nodes and says what would be measured.
    support: full
"""

EXAMPLES = r"""
- name: See what the network allows between workers and two nodes with GPUs
  alluxops.cache.network:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    image: "{{ alluxops_toolbox_image }}"
    compute_nodes: [gpu1, gpu2]
    root_ufs: "{{ alluxio_root_ufs }}"
    root_ufs_options: "{{ alluxio_root_ufs_options }}"
    secret: datasets-s3
"""

RETURN = r"""
measured:
  description: >-
    The report. C(links) is a list of C(source), C(target), C(bytes_per_s), C(latency_ms), C(retransmits); C(store)
    what each node got C(alone) and all C(together), or null; C(disks) the tiers; C(narrowest) what bounds them all;
    C(not_measured) what is missing and why; C(figures) tables for a page. Empty in check mode.
  returned: success
  type: dict
report: {description: Where the report is., type: str, returned: success}
summary:
  description: A few lines.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("network")


if __name__ == "__main__":
    main()
