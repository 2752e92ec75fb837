from __future__ import annotations

DOCUMENTATION = r"""
module: chart_values
short_description: Compute the values that the chart is deployed with
description:
  - Merges, in Helm's order, our defaults, the user's values files, C(alluxio_values), and what other variables
    decide.
  - Refuses values that contradict those variables, that the chart would ignore, that carry secrets, or that cannot
    work.
options:
  settings:
    description: What M(alluxops.cache.settings) returned.
    type: dict
    required: true
  chart:
    description:
      - For a chart from a repository, what M(alluxops.cache.helm_release) with C(state=chart) returned as C(chart).
    type: dict
    default: {}
author: alluxops
extends_documentation_fragment:
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Check and merge the values
  alluxops.cache.chart_values:
    settings: "{{ __alluxops_settings }}"
  register: __alluxio_chart
"""

RETURN = r"""
values:
  description: The values to give to Helm, complete.
  returned: success
  type: dict
effective:
  description: The same over the chart's own defaults, which is what its templates see.
  returned: success
  type: dict
claims:
  description:
    - "PersistentVolumeClaims that need a volume: {name, kind, ordinal, node, path, size, access_modes, storage_class,
      precreate, shared, provisioned, seen_from}."
  returned: success
  type: list
  elements: dict
family:
  description: C(ours), or C(upstream) for any other chart.
  returned: success
  type: str
chart_name: {description: Name of the chart., type: str, returned: success}
chart_version: {description: Version of the chart., type: str, returned: success}
tolerations:
  description: "{masters, workers, zookeeper}: lists of the tolerations that each kind of pod gets."
  returned: success
  type: dict
worker_selector:
  description: Labels that the user's values ask of the workers' nodes, beside that of M(alluxops.cache.node_labels).
  returned: success
  type: dict
zookeeper:
  description: The values of the ZooKeeper that is deployed beside the cache; empty where there is none.
  returned: success
  type: dict
restart_digest:
  description: "{master, worker}: changes whenever what their processes read at start does."
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("chart_values")


if __name__ == "__main__":
    main()
