from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_plan
short_description: Plan what makes hosts workers, and refuse those that cannot become one
description:
  - Compares the hosts with the cluster (one list of its nodes) and with the release in it. Fails, refused, with all
    that stands against any of them.
  - Reads of each host C(bootstrap_workers_join), C(bootstrap_workers_labels), C(bootstrap_workers_taints),
    C(bootstrap_workers_install_method) and C(bootstrap_workers_device), and looks once at each of its
    C(bootstrap_workers_files).
  - Refused are hosts that C(--limit) names and the inventory does not have, a limit that leaves no host of
    C(new_workers) and C(cache_workers), hosts of another cluster, hosts that have to join and cannot, nodes to which
    the release's workers would not come, and a C(bootstrap_workers_device) on which none of the workers' tiers would
    lie.
  - Hosts that could not be looked at are left out, where they are no more than O(max_fail_percentage) allows and
    nothing stands against the others.
options:
  results:
    description:
      - The registered result of M(alluxops.cache.node_check), with C(membership), by host. Without it nothing is judged
        but C(--limit), and the cluster is not asked.
    type: dict
    default: {}
  root:
    description: C(node_storage_root), below which a disk for the tier would be mounted.
    type: str
    default: /mnt/fuse3
  max_fail_percentage:
    description: C(bootstrap_workers_max_fail_percentage), here of all hosts together.
    type: int
    default: 0
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Plan the bootstrap
  alluxops.cache.bootstrap_plan:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    results: "{{ dict(hosts | zip(hosts | map('extract', hostvars, '__bootstrap_workers_check'))) }}"
  vars:
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
plans: {description: "By host: {host, node, step, is_worker, labels, taints}.", type: dict, returned: success}
offers: {description: "By host: what its files bring.", type: dict, returned: success}
left_out: {description: "By host that could not be looked at: its error.", type: dict, returned: success}
version: {description: The cluster's version., type: str, returned: success}
cgroup_driver: {description: How the cluster's kubelets make control groups., type: str, returned: success}
mount_points: {description: Where the release's FUSE pods mount., type: list, elements: str, returned: success}
shown: {description: "The plan, a line a host.", type: list, elements: str, returned: success}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("bootstrap_plan")


if __name__ == "__main__":
    main()
