from __future__ import annotations

DOCUMENTATION = r"""
module: quorum_member
short_description: Bring one master into the quorum of an embedded journal, out of it, or to lead it
description:
  - Works on what the leader says of its quorum (C(alluxio fsadmin journal quorum info)), and changes nothing where that
    is already so. The volume of a master that is to join is emptied by M(alluxops.cache.journal) with C(stale).
options:
  ordinal:
    description: Number of the master.
    type: int
    required: true
  state:
    description:
      - C(present) waits until it is a member that answers, every other member does, and one leads.
      - C(leader) moves the leader to it.
      - C(absent) takes it out of the masters' and the job masters' quorum, once those that stay answer and are a
        majority without it. Where it leads, master 0 leads first.
    type: str
    choices: [present, leader, absent]
    required: true
  masters:
    description:
      - With C(absent), how many masters are left once all that are to go have left. Each of these must answer before a
        member leaves; others may be dead as long as a majority answers. Without it, all masters below O(ordinal) stay.
    type: int
  wait_timeout_s:
    description: How long it may take, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reports a change, and reads nothing.
    support: full
  diff_mode:
    description: The quorum is in the result.
    support: none
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
