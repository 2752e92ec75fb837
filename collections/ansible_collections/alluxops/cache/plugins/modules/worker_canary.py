from __future__ import annotations

DOCUMENTATION = r"""
module: worker_canary
short_description: Read a file that was written elsewhere through each of some workers
description:
  - Writes one file through another worker, past its cache, and reads it through each worker of the nodes, which can
    have it from the under store only. Digests and the workers' byte counters are compared. Where all workers that serve
    are tried, one of them writes.
  - With an ephemeral root each worker that is tried writes a file into its own cache, and must have served it to
    another one that reads it. The only worker reads it itself, and the digests alone are compared.
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
writer: {description: Node of the worker that wrote; empty with an ephemeral root., type: str, returned: success}
nodes:
  description:
    - "By node: {took_s, bytes_ufs, reader, problem}. problem is empty where the file came back as it was written."
    - "reader is, with an ephemeral root, the node whose worker's pod read what this worker wrote; else empty."
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("worker_canary")


if __name__ == "__main__":
    main()
