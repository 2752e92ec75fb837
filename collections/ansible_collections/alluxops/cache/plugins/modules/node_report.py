from __future__ import annotations

DOCUMENTATION = r"""
module: node_report
short_description: Refuse what M(alluxops.cache.node_check) found, for all nodes at once
description:
  - Fails, refused, with every problem of every node and with the nodes that could not be reached.
options:
  results:
    description: The registered result of M(alluxops.cache.node_check) by host.
    type: dict
    required: true
author: alluxops
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: It changes nothing, so there is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Refuse nodes that cannot carry the cache
  alluxops.cache.node_report:
    results: "{{ dict(hosts | zip(hosts | map('extract', hostvars, '__preflight_node'))) }}"
  vars:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
nodes: {description: The hosts that were checked., type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("node_report")


if __name__ == "__main__":
    main()
