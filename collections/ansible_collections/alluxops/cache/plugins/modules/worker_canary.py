from __future__ import annotations

DOCUMENTATION = r"""
module: worker_canary
short_description: Read a file that was written elsewhere through each of some workers
description:
  - Writes one file through another worker, past its cache, and reads it through each worker of the nodes, which can
    have it from the under store only. Digests and the workers' byte counters are compared. With an ephemeral root the
    file is in the other worker's cache.
  - Does not fail for a worker that does not give the file, so that the others are tried. What was wrong is in C(nodes).
  - The file is removed.
options:
  nodes:
    description: Kubernetes names of the nodes whose workers are tried.
    type: list
    elements: str
    required: true
  root_ufs:
    description: C(alluxio_root_ufs).
    type: str
    required: true
  size_bytes:
    description: Size of the file.
    type: int
    default: 4194304
  wait_timeout_s:
    description: How many seconds one command in a pod may take.
    type: int
    default: 120
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.no_diff
attributes:
  check_mode:
    description: Writes and reads nothing.
    support: full
"""

EXAMPLES = r"""
- name: Read through the new workers what was written elsewhere
  alluxops.cache.worker_canary:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    nodes: [n4]
    root_ufs: "{{ alluxio_root_ufs }}"
  run_once: true
"""

RETURN = r"""
writer: {description: Node of the worker that wrote., type: str, returned: success}
nodes:
  description: "By node: {took_s, bytes_ufs, problem}. problem is empty where the file came back as it was written."
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("worker_canary")


if __name__ == "__main__":
    main()
