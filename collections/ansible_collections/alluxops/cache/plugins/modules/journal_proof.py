from __future__ import annotations

DOCUMENTATION = r"""
module: journal_proof
short_description: Prove that all masters, and the hosts they may move to, share one journal
description:
  - For masters that elect through ZooKeeper. Called twice, with M(alluxops.cache.node_proof) on each host of
    C(cache_masters) between. At first it writes a nonce through the container of the master that leads, and reads it
    through those of the others that are ready. Then it removes the nonce, and fails, refused, where a master or a host
    did not read it.
  - Where no master leads, it writes nothing, and the first host has to.
options:
  values:
    description: The chart's effective values, which name the journal's folder.
    type: dict
    default: {}
  path:
    description: The journal's directory on the hosts, for what is said.
    type: str
    required: true
  begun:
    description: What the first call returned; empty for the first call.
    type: dict
    default: {}
  results:
    description: The registered result of M(alluxops.cache.node_proof) by host.
    type: dict
    default: {}
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Writes nothing, and returns an empty C(nonce).
    support: full
  diff_mode:
    description: Nothing stays changed.
    support: none
"""

EXAMPLES = r"""
- name: Write a nonce through the master that leads
  alluxops.cache.journal_proof:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    path: /mnt/nfs/alluxio/alluxio
  run_once: true
  register: __node_storage_proof
"""

RETURN = r"""
nonce: {description: What the hosts are to read; empty in check mode., type: str, returned: success}
writer: {description: The master through which it was written; empty where none leads., type: str, returned: success}
found: {description: What the other masters read., type: dict, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("journal_proof")


if __name__ == "__main__":
    main()
