from __future__ import annotations

DOCUMENTATION = r"""
module: node_report
short_description: Refuse what M(alluxops.cache.node_check) found, for all nodes at once
description:
  - Fails, refused, with every problem of every node and with the nodes that could not be reached. Where there is none,
    returns what was checked and found.
  - Refuses masters that would not find their journals, as C(cache_masters) lists its hosts in another order than when
    they served; and masters whose journal is not where their claim says that it lies, before anything makes a directory
    in its place. A minority of a quorum passes while a master leads. Also journals that are other ones than the claims
    speak of, those of more masters than there are to be, those on the hosts of masters that are to have theirs in
    another kind of place, those on the hosts from before the release had its own in another kind of place, one that all
    masters share and that is not the same on each of C(cache_masters), and what is asked of journals in no volume.
    While the release is there, also journals of other masters in the places of masters that have none, and a journal
    that serves while its marker names one of the other type as newer.
options:
  results:
    description: The registered result of M(alluxops.cache.node_check) by host.
    type: dict
    required: true
  masters:
    description: The hosts of C(cache_masters) in their order, as M(alluxops.cache.settings) returned them.
    type: list
    elements: dict
    default: []
    suboptions:
      host: {description: Name in the inventory., type: str}
      name: {description: Name of the Kubernetes node., type: str}
  claims:
    description: The claims of M(alluxops.cache.chart_values); empty does not look for journals that are left out.
    type: list
    elements: dict
    default: []
  namespace:
    description: Namespace of the release whose journals these are.
    type: str
    default: ''
  release:
    description: That release.
    type: str
    default: ''
  folder:
    description: The C(journal) of M(alluxops.cache.node_check), where it looked for journals.
    type: str
    default: ''
  noted:
    description: The C(noted) of M(alluxops.cache.cluster_check).
    type: dict
    default: {}
  leads:
    description: The C(leads) of M(alluxops.cache.cluster_check).
    type: bool
    default: false
  serves:
    description: The C(serves) of M(alluxops.cache.cluster_check).
    type: str
    default: ''
  away:
    description: The C(away) of M(alluxops.cache.cluster_check).
    type: bool
    default: false
  policy:
    description: What is to be done about the journals (C(alluxio_journal_format)).
    type: str
    default: if_empty
  restores:
    description: A backup is to be restored into new journals.
    type: bool
    default: false
  values:
    description: The chart's effective values, which name the type of journal.
    type: dict
    default: {}
  cluster_checks:
    description: The checks of M(alluxops.cache.cluster_check), to be told with those of the nodes.
    type: list
    elements: dict
    default: []
  held_by:
    description: What M(alluxops.cache.lease) noted of a run that is at work.
    type: str
    default: ''
  title:
    description: What was checked, for the summary.
    type: str
    default: preflight
author: alluxops
extends_documentation_fragment:
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
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
left_behind:
  description:
    - What is to stand in the marker on a host, by host, once the release serves from journals that lie on no host. It
      says that what lies there is an old copy, and where the release has its journal.
  type: dict
  returned: success
summary: {description: "Each check with the value found, a line each.", type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("node_report")


if __name__ == "__main__":
    main()
