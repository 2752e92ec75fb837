from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_report
short_description: Say what became of the hosts of C(bootstrap-workers)
description:
  - A line for each host with its own times, what was installed and mended there, and what to write into the inventory.
options:
  hosts:
    description:
      - "By host: what the tasks of the role registered, as {plan, packages, node, device, join, arrival, canary,
        began}; an empty one was not begun, as too many hosts before it failed."
    type: dict
    required: true
  failed:
    description: Hosts that did not get to the end.
    type: list
    elements: str
    default: []
  workers:
    description: The hosts of C(cache_workers).
    type: list
    elements: str
    default: []
author: alluxops
extends_documentation_fragment:
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Say what became of the hosts
  alluxops.cache.bootstrap_report:
    hosts: "{{ dict(hosts | zip(hosts | map('extract', hostvars, '__bootstrap_workers_done'))) }}"
    workers: "{{ groups['cache_workers'] }}"
  vars:
    hosts: "{{ ansible_play_hosts }}"
  run_once: true
"""

RETURN = r"""
summary: {description: A line for each host., type: list, elements: str, returned: success}
notes: {description: What to write into the inventory., type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("bootstrap_report")


if __name__ == "__main__":
    main()
