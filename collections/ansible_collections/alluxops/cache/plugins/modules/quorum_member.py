from __future__ import annotations

DOCUMENTATION = r"""
module: quorum_member
short_description: Bring one master into the quorum of an embedded journal, out of it, or to lead it
description:
  - Works on what the leader says of its quorum (C(alluxio fsadmin journal quorum info)), and changes nothing where that
    is already so.
options:
  ordinal:
    description: Number of the master.
    type: int
    required: true
  state:
    description:
      - C(formatted) empties its journal volume for it to join with. Refused while it is a member, or runs.
      - C(present) waits until it is a member that answers, every other member does, and one leads.
      - C(leader) moves the leader to it.
      - C(absent) takes it out of the masters' and the job masters' quorum. Refused while it leads.
    type: str
    choices: [formatted, present, leader, absent]
    required: true
  claims:
    description: The claims of M(alluxops.cache.chart_values), for O(state=formatted).
    type: list
    elements: dict
    default: []
  values:
    description: The final values of the chart, for O(state=formatted).
    type: dict
    default: {}
  wait_timeout_s:
    description: How long it may take, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - alluxops.cache.api
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
  check_mode:
    description: Reports a change, and reads nothing.
    support: full
  diff_mode:
    description: Shows what lay in a journal volume that is formatted.
    support: full
"""

EXAMPLES = r"""
- name: Wait until master 2 takes part
  alluxops.cache.quorum_member:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    ordinal: 2
    state: present
"""

RETURN = r"""
quorum:
  description: 'The quorum now: {domain, leader, members, healthy, shown}.'
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("quorum_member")


if __name__ == "__main__":
    main()
