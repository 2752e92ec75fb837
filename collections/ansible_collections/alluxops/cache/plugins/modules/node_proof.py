#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""See on a host what another one, or a master, has written to the directory that they share."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_proof
short_description: Read a nonce from the shared journal on a host
version_added: 0.1.0
author: alluxops contributors
description:
  - Reads the file C(.alluxops-proof) of a directory that several hosts share, as the directory's owner, and again for
    10 s until it holds the nonce.
  - Does not fail where it is missing or another one; M(alluxops.cache.journal_proof) judges that, for all hosts at
    once.
options:
  path:
    description: The directory.
    type: str
    required: true
  nonce:
    description: What the file is to hold; empty reads nothing.
    type: str
    default: ''
  writes:
    description: Whether to write it first.
    type: bool
    default: false
  removes:
    description: Whether to remove the file at the end.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads and writes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Read on each host what the leader wrote
  alluxops.cache.node_proof:
    path: /mnt/nfs/alluxio/alluxio
    nonce: "{{ __node_storage_proof.nonce }}"
  become: true
"""

RETURN = r"""
found: {description: What the file holds; empty where there is none., type: str, returned: success}
fault: {description: Why it cannot be read; else empty., type: str, returned: success}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import host_shared


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "nonce": {"type": "str", "default": ""},
            "writes": {"type": "bool", "default": False},
            "removes": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options, found, fault = module.params, "", ""
    folder, nonce = options["path"], options["nonce"]
    try:
        if nonce and not module.check_mode:
            if options["writes"]:
                host_shared.write(folder, nonce)
            found = host_shared.read_until(folder, nonce)
        if options["removes"] and not module.check_mode:
            host_shared.remove(folder)
    except OSError as error:
        fault = str(error.strerror or error)
    module.exit_json(changed=False, found=found, fault=fault)


if __name__ == "__main__":
    main()
