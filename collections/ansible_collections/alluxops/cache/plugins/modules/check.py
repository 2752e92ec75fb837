from __future__ import annotations

DOCUMENTATION = r"""
module: check
short_description: Compare what a cache serves with what its under stores hold
description:
  - Compares names, sizes and hashes of files, and reads their content through the cache, some or all of it. Changes
    nothing, in the cache or in a store, and has nothing cached.
  - A Job with the release's image lists the stores with a master of its own, and reads files with clients whose
    reads leave no trace. Bytes stay in the cluster; a digest a file comes back.
  - A check that was interrupted is taken up by the same one. The report is a file on the controller.
options:
  paths:
    description: Directories and files of the cache; empty for all of every mount.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.comparing
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: It only reads, so it does the same.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
- name: Read every file of a dataset through the cache and compare
  alluxops.cache.check:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    paths: [/imagenet]
    content: all
"""

RETURN = r"""
consistent: {description: Whether nothing was found., type: bool, returned: success}
counts:
  description: How many findings there are of each kind.
  returned: success
  type: dict
told: {description: The same as text., type: str, returned: success}
findings:
  description: The first findings, each with C(path), C(kind) and C(detail); the report has all.
  returned: success
  type: list
  elements: dict
files: {description: Files with the same size and hash on both sides., type: int, returned: success}
bytes: {description: Their size., type: int, returned: success}
read_files: {description: Files whose content this run has read., type: int, returned: success}
read_bytes: {description: Their size., type: int, returned: success}
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
    refuse("check")


if __name__ == "__main__":
    main()
