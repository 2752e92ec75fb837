from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_check
short_description: Check that the cluster can carry the release
description:
  - Checks each thing that would make the deployment fail later, and says value and fix for each.
  - Fails, refused, when any check fails. Nothing is changed.
options:
  masters:
    description: Kubernetes node names of the hosts in C(cache_masters), in inventory order.
    type: list
    elements: str
    required: true
  workers:
    description: Kubernetes node names of the hosts in C(cache_workers).
    type: list
    elements: str
    required: true
  master_count:
    description: Number of masters wanted (C(alluxio_masters)).
    type: int
    default: 1
  ha:
    description: High availability wanted (C(alluxio_ha)).
    type: str
    choices: [none, embedded, zookeeper]
    default: none
  scaling:
    description: The number of masters and the HA mode of a running release are about to be changed, so they may differ.
    type: bool
    default: false
  places:
    description: Where variables were set, as M(alluxops.cache.settings) returned it; one at its default is not in it.
    type: dict
    default: {}
  worker_quota_bytes:
    description: Size of a worker's first tier in bytes when it lies in memory; 0 skips the memory check.
    type: int
    default: 0
  secret:
    description: Name of the Secret with the under store's credentials, read for its keys; empty when there is none.
    type: str
    default: ''
  secret_is_given:
    description: The credentials come with the settings, so the Secret will be made by this run.
    type: bool
    default: false
  claims:
    description: The claims of M(alluxops.cache.chart_values), to check volumes that exist; empty skips it.
    type: list
    elements: dict
    default: []
  zookeeper_nodes:
    description: Kubernetes names of the nodes for our own ZooKeeper, one a server; empty without it.
    type: list
    elements: str
    default: []
  zookeeper_addresses:
    description: host:port of each ZooKeeper server that the masters are to elect through; empty without ZooKeeper.
    type: list
    elements: str
    default: []
  tolerations:
    description: What each kind of pod tolerates, as M(alluxops.cache.chart_values) returned it.
    type: dict
    default: {}
    suboptions:
      masters: {description: Tolerations of the masters., type: list, elements: dict, default: []}
      workers: {description: Tolerations of the workers., type: list, elements: dict, default: []}
      zookeeper: {description: Tolerations of our own ZooKeeper., type: list, elements: dict, default: []}
  worker_selector:
    description: The C(worker_selector) of M(alluxops.cache.chart_values), which the workers' nodes must carry.
    type: dict
    default: {}
  version:
    description: Image tag that the settings want (C(alluxio_version)); empty skips the check against what runs.
    type: str
    default: ''
  version_change:
    description:
      - Whether a running release may be taken to another version. C(refused) as in C(site), C(upward) as in C(upgrade).
      - C(restore) refuses as C(refused) does, and says what somebody may have meant who restores a backup.
    type: str
    choices: [refused, restore, upward, any]
    default: refused
  restores:
    description:
      - The verb restores a backup, or formats the journals, and may go on with a restore that did not end. Any other is
        refused while masters serve from journals that a restore was left in.
    type: bool
    default: false
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Check that the cluster can carry the release
  alluxops.cache.cluster_check:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    masters: "{{ groups['cache_masters'] | map('extract', hostvars, 'alluxio_node_name') | list }}"
    workers: "{{ groups['cache_workers'] | map('extract', hostvars, 'alluxio_node_name') | list }}"
    master_count: "{{ alluxio_masters }}"
    ha: "{{ alluxio_ha }}"
"""

RETURN = r"""
checks:
  description: Each check made.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: What was checked.
      type: str
      returned: success
    ok:
      description: Whether it holds.
      type: bool
      returned: success
    value:
      description: What was found.
      type: str
      returned: success
    fix:
      description: What to do; empty where it holds.
      type: str
      returned: success
noted:
  description: What the claims of masters say of a journal that lies in their volume, by claim. Empty with O(restores).
  returned: always
  type: dict
leads:
  description: Whether a master leads; asked only where a journal is noted.
  returned: always
  type: bool
serves:
  description: The type of journal that the release has, while a master leads; else empty.
  returned: always
  type: str
away:
  description: Whether the release has no masters, so that journals alone tell how many it had. False with O(restores).
  returned: always
  type: bool
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cluster_check")


if __name__ == "__main__":
    main()
