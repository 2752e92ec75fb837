from __future__ import annotations

DOCUMENTATION = r"""
module: cache_verify
short_description: Prove that the cache serves
description:
  - Writes a file on one worker, reads it on another, and compares digests and the workers' byte counters.
  - Runs C(alluxio runTests) and removes what it leaves, runs C(alluxio fs checkConsistency) and reads its text (its
    exit code says nothing), and asks the web endpoints.
  - Paths of the under store that nobody has asked the cache for yet are loaded where they would count as inconsistent.
  - First waits up to a minute for the leader to forget workers that are gone, to which it sends clients until then.
  - Removes its own files, also when it fails.
  - A proof that could not be made fails; one that was made and came out wrong is returned, for
    M(alluxops.cache.cache_status) to judge.
  - Proofs that pass are noted on Helm's record of the newest revision, in the annotation C(alluxops.io/proven), which
    does not count as a change. Proofs that fail or are interrupted leave no such note.
options:
  unless_proven:
    description: Leave the proofs out where that note says that the newest revision has been proven.
    type: bool
    default: false
  run_tests:
    description: Run C(alluxio runTests), about 20 s.
    type: bool
    default: true
  compares:
    description:
      - What C(checkConsistency) compares with the under store. C(path) is O(consistency_path), all below it, with a
        read lock on it that writers wait for. C(written) is only what this proof wrote.
    type: str
    choices: [path, written]
    default: path
  consistency_path:
    description: Path that is compared with O(compares=path); empty skips it.
    type: str
    default: /
  consistency_is_required:
    description:
      - Paths that differ, and a comparison that took longer than O(wait_timeout_s), make the cache unhealthy rather
        than being only reported.
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
    description: How long each command in a pod may take, in seconds; then it is ended there.
    type: int
    default: 300
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.no_diff
attributes:
  check_mode:
    description: Runs nothing, returns C(verify) as null, and says in C(note) what would be proven.
    support: full
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
  description: What was proved; null where nothing was.
  returned: success
  type: dict
  contains:
    run_tests:
      description: '{passed, total, failed: [...], cause}, or null.'
      type: dict
      returned: success
    write_read:
      description: '{writer, reader, digest_equal, size_bytes, bytes_remote, bytes_local, bytes_ufs, persisted}.'
      type: dict
      returned: success
    consistency:
      description:
        - '{path, scope, inconsistent: [...], unknown, required, finished, timeout_s}, or null.'
        - unknown counts the paths that were loaded. finished is false where the comparison took too long and was ended.
      type: dict
      returned: success
    endpoints:
      description: "URL paths that answer, with their port."
      type: list
      elements: str
      returned: success
note:
  description: In check mode, what would be proven and why; else empty.
  returned: success
  type: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cache_verify")


if __name__ == "__main__":
    main()
