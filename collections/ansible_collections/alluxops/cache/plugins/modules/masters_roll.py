from __future__ import annotations

DOCUMENTATION = r"""
module: masters_roll
short_description: Restart masters that have not read the release's last settings, the leader last
description:
  - Where the masters' StatefulSet leaves restarts to us (update strategy C(OnDelete), which our chart has with several
    masters), deletes the pods of an older revision one at a time. Standbys go first, the leader last.
  - A master is restarted only while the others can do without it. With an embedded journal every other member of the
    quorum answers and they are a majority; else every other master is ready. A leader serves. What was restarted is
    ready again before the next one.
  - Masters that cannot elect a leader for a minute are restarted together, since nothing serves that could be lost.
  - Does nothing where every pod is of the last revision, or where Kubernetes restarts them. Interrupted, the next
    run goes on from there.
options:
  changes:
    description: For check mode, whether the release's next revision changes the masters' pods.
    type: bool
    default: false
  wait_timeout_s:
    description: How long all restarts together may take, in seconds.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Says which pods would be restarted, in which order.
    support: full
  diff_mode:
    description: Shows the pods in the order of their restarts.
    support: full
"""

EXAMPLES = r"""
- name: Restart the masters one by one
  alluxops.cache.masters_roll:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
"""

RETURN = r"""
restarted:
  description: Names of the pods that were restarted, in order; in check mode those that would be.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("masters_roll")


if __name__ == "__main__":
    main()
