from __future__ import annotations

DOCUMENTATION = r"""
module: cache_verify
short_description: Prove that the cache serves
description:
  - Writes a file on one worker, reads it on another, and compares digests and the workers' byte counters.
  - Runs C(alluxio runTests) and removes what it leaves, runs C(alluxio fs checkConsistency) and reads its text (its
    exit code says nothing), and asks the web endpoints.
  - Paths of the under store that nobody has asked the cache for yet are loaded where they would count as inconsistent.
  - Removes its own files, also when it fails.
  - A proof that could not be made fails; one that was made and came out wrong is returned, for
    M(alluxops.cache.cache_status) to judge.
options:
  run_tests:
    description: Run C(alluxio runTests), about 20 s.
    type: bool
    default: true
  consistency_path:
    description: Path that C(checkConsistency) compares with the under store; empty skips it.
    type: str
    default: /
  consistency_is_required:
    description: Paths that differ make the cache unhealthy, rather than being only reported.
    type: bool
    default: true
  root_ufs:
    description: The root under store. With C(ephemeral), nothing is expected to be found there.
    type: str
    default: ''
  size_bytes:
    description: Size of the file that is written and read, in bytes.
    type: int
    default: 4194304
  wait_timeout_s:
    description: How long each command in a pod may take, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - alluxops.cache.api
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
  check_mode:
    description: Runs nothing and returns C(verify) as null.
    support: full
  diff_mode:
    description: It changes nothing, so there is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Prove that the cache serves
  alluxops.cache.cache_verify:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
  register: __verify_proof
"""

RETURN = r"""
verify:
  description: What was proved.
  returned: success
  type: dict
  contains:
    run_tests:
      description: '{passed, total, failed: [...]}, or null.'
      type: dict
      returned: success
    write_read:
      description: '{writer, reader, digest_equal, size_bytes, bytes_remote, bytes_local, bytes_ufs, persisted}.'
      type: dict
      returned: success
    consistency:
      description: '{path, inconsistent: [...], unknown}, or null. The last counts the paths that were loaded.'
      type: dict
      returned: success
    endpoints:
      description: "URL paths that answer, with their port."
      type: list
      elements: str
      returned: success
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cache_verify")


if __name__ == "__main__":
    main()
