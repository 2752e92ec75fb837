from __future__ import annotations

DOCUMENTATION = r"""
module: journal_left
short_description: Mark the journals of masters that left the quorum as old copies
description:
  - The journal volume of a master that was taken out of the quorum stays, with its claim. What lies in it is an old
    copy from then on, and a majority of old copies would be taken for the truth where the journals of the masters that
    stayed are lost. So its marker gets C(left_at) and C(left_by), with a short-lived Job, and
    M(alluxops.cache.journal) refuses to start from it.
  - Old are the journals of masters that neither run nor are members of the quorum that serves. Where nobody leads, it
    waits, and fails.
  - A volume on a node that is not Ready, or that no Job can look into, is passed over with a warning; run again, it is
    marked.
  - M(alluxops.cache.journal) with C(stale) empties the volume before a master of that number joins again, the mark with
    it; M(alluxops.cache.journal_marker) takes the mark away from one that is a member again.
options:
  values:
    description: The chart's effective values, with the type of journal in use.
    type: dict
    required: true
  by:
    description: The verb that takes them out, or finds them out.
    type: str
    required: true
  ordinals:
    description: Only the journals of these masters; empty for all that left.
    type: list
    elements: int
    default: []
  passed_over:
    description: Not those of these masters, which were seen to before.
    type: list
    elements: int
    default: []
  wait_timeout_s:
    description: How long each Job's pod may take to start, in seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Looks at nothing.
    support: full
  diff_mode:
    description: Shows the markers before and after.
    support: full
"""

EXAMPLES = r"""
- name: Mark the journal of master 2 as an old copy
  alluxops.cache.journal_left:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    values: "{{ __alluxio_chart.effective }}"
    by: scale-masters
    ordinals: [2]
"""

RETURN = r"""
left:
  description: Numbers of the masters whose journals carry the mark.
  returned: success
  type: list
  elements: int
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("journal_left")


if __name__ == "__main__":
    main()
