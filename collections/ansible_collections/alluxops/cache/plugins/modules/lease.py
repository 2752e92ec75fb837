from __future__ import annotations

DOCUMENTATION = r"""
module: lease
short_description: Let one run at a time work on a release
description:
  - Takes the Lease object C(alluxops-RELEASE) in the release's namespace for the running C(ansible-playbook), and
    refuses where another living run holds it. A process of its own renews it and frees it the moment the run ends.
  - A run that died on the same machine is recognised at once by its process; one on another machine, or before a reboot
    of this one, by a lease that nobody renewed for 30 s.
  - A run that finds its lease taken by another since, as after its machine slept, is ended with SIGTERM and told why.
options:
  state:
    description:
      - C(present) takes it; the namespace must exist. C(checked) only refuses beside a living run, C(noted) only says
        so. C(absent) gives it back.
    type: str
    choices: [present, checked, noted, absent]
    default: present
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: As O(state=checked).
    support: full
  diff_mode:
    description: Holding a lease is no change.
    support: none
"""

EXAMPLES = r"""
- name: Let no other run in
  alluxops.cache.lease:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
"""

RETURN = r"""
holder: {description: This run., type: str, returned: success}
held_by:
  description: With O(state=noted), the living run that holds it and since when; else empty.
  type: str
  returned: success
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("lease")


if __name__ == "__main__":
    main()
