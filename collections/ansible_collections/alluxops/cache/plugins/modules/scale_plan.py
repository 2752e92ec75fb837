from __future__ import annotations

DOCUMENTATION = r"""
module: scale_plan
short_description: Plan the steps to another number of masters, from what runs now
description:
  - Reads the release's settings, how many masters run, and the quorum, and plans the steps from there to what is
    wanted. Interrupted work is recognised by what it left, and the plan has the steps that are left.
  - Refuses what could lose the journal or cannot work, before anything is changed.
options:
  masters:
    description: Number of masters wanted (C(alluxio_masters)).
    type: int
    required: true
  ha:
    description: High availability wanted (C(alluxio_ha)).
    type: str
    choices: [none, embedded, zookeeper]
    required: true
  hosts:
    description: How many hosts C(cache_masters) lists.
    type: int
    required: true
  family:
    description: Whose chart it is, as M(alluxops.cache.chart_values) says.
    type: str
    choices: [ours, upstream]
    default: ours
  values:
    description: The chart's values as the settings make them, which the steps end with.
    type: dict
    default: {}
  settle_timeout_s:
    description: How long a quorum may take to become healthy, in seconds; four times as long where none leads.
    type: int
    default: 45
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reports a change where there are steps.
    support: full
  diff_mode:
    description: Shows the steps.
    support: full
"""

EXAMPLES = r"""
- name: Plan the steps
  alluxops.cache.scale_plan:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    masters: "{{ alluxio_masters }}"
    ha: "{{ alluxio_ha }}"
    hosts: "{{ groups['cache_masters'] | length }}"
"""

RETURN = r"""
steps:
  description: 'The steps: {what, why, journal_type, count, running, ordinal, from_type, stops, values}.'
  returned: success
  type: list
  elements: dict
shown:
  description: The steps for a person.
  returned: success
  type: list
  elements: str
costs:
  description: What the steps cost those who use the cache; empty where there is nothing to do.
  returned: success
  type: list
  elements: str
lines:
  description: The inventory lines that say what is wanted.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("scale_plan")


if __name__ == "__main__":
    main()
