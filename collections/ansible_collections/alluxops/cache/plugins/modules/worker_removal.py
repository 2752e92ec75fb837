from __future__ import annotations

DOCUMENTATION = r"""
module: worker_removal
short_description: Take workers out of a cache without losing what is pinned, or only cached
description:
  - C(asked) refuses a run without C(--limit), or whose hosts are not confirmed.
  - C(tiers) says where workers keep blocks on their nodes.
  - C(planned) refuses what cannot work before anything changes, and says the steps that are left. It reads from
    the workers how full they are and which files they have blocks of.
  - C(copied) copies to workers that stay every block that only the leaving workers have, of files that are pinned or
    that no under store has. It ends once the workers that stay say that they have each of these blocks.
  - C(retired) takes the workers out of service in the way that the running Alluxio offers. From 2.9.4 on they are
    decommissioned and waited for until they are idle, from 2.9.1 on their blocks are freed, before that nothing is
    there to be done.
  - C(gone) waits until their pods have ended and the leader counts them no more. Their label is taken away by
    M(alluxops.cache.node_labels) before.
  - C(cleaned) takes from the nodes that were cleaned the note that they have yet to be. M(alluxops.cache.node_labels)
    has set it as it took the label, and a run after an interrupted one relies on it.
  - C(told) sums up.
options:
  state:
    description: What is to be done.
    type: str
    choices: [asked, tiers, planned, copied, retired, gone, cleaned, told]
    required: true
  hosts:
    description: The hosts that shall carry no worker, each with the name of its node; empty for the host's own.
    type: dict
    default: {}
  listed:
    description: The hosts of C(cache_workers) and C(new_workers). For C(told) those of C(cache_workers).
    type: list
    elements: str
    default: []
  masters:
    description: The hosts of C(cache_masters). For C(planned).
    type: list
    elements: str
    default: []
  looks:
    description: >-
      What M(alluxops.cache.node_check) said on each host, with its C(membership). A host that is there and could not be
      looked at, is another machine than its node, belongs to another cluster or runs the control plane is refused. For
      C(planned).
    type: dict
    default: {}
  found:
    description: What M(alluxops.cache.node_residue) said on each host before anything changed. For C(planned).
    type: dict
    default: {}
  limit:
    description: C(--limit). For C(asked) and C(planned).
    type: str
    default: ''
  confirm:
    description: C(alluxio_confirm_remove). For C(asked) and C(planned).
    type: str
    default: ''
  evicts:
    description: Whether cached data that the workers that stay cannot hold may be evicted. For C(planned).
    type: bool
    default: false
  loses:
    description: C(remove_workers_loses). For C(planned).
    type: str
    default: ''
  drain:
    description: Whether the nodes are to be drained. For C(planned).
    type: bool
    default: false
  leave:
    description: Whether the nodes are to leave the cluster. For C(planned) and C(told).
    type: bool
    default: false
  labels:
    description: >-
      C(bootstrap_workers_labels), which go with a worker whose node has no note of what it was given. For C(planned).
    type: dict
    default: {}
  taints:
    description: C(bootstrap_workers_taints), as with O(labels). For C(planned).
    type: list
    elements: dict
    default: []
  results:
    description: What M(alluxops.cache.node_residue) said on each host. For C(cleaned) and C(told).
    type: dict
    default: {}
  devices:
    description: What M(alluxops.cache.node_device) said on each host. For C(told).
    type: dict
    default: {}
  kept:
    description: Nodes that stay in the cluster, as their hosts were not reached. For C(told).
    type: list
    elements: str
    default: []
  removed_before:
    description: Hosts that carried no worker before the run. For C(told).
    type: list
    elements: str
    default: []
  wait_timeout_s:
    description: How long a state may take, in seconds.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Plans, and says which steps are left.
    support: full
  diff_mode:
    description: Shows the steps, the files that are copied and the workers that are retired.
    support: full
"""

EXAMPLES = r"""
- name: Plan the steps
  alluxops.cache.worker_removal:
    state: planned
    hosts: {n3: n3.example.com}
    listed: "{{ groups['cache_workers'] }}"
    limit: "{{ ansible_limit | default('') }}"
    confirm: "{{ alluxio_confirm_remove }}"
"""

RETURN = r"""
shown: {description: The steps for a person., type: list, elements: str, returned: with O(state=planned)}
method:
  description: How a worker is retired, C(decommission), C(free) or C(stop).
  type: str
  returned: with O(state=planned) or O(state=retired)
copies: {description: 'Who takes which files: {node, [path]}.', type: dict, returned: with O(state=planned)}
nodes: {description: Names of the nodes., type: list, elements: str, returned: with O(state=planned)}
node_of: {description: The name of each host's node., type: dict, returned: with O(state=planned)}
present: {description: Those that the cluster has., type: list, elements: str, returned: with O(state=planned)}
uncleaned:
  description: Nodes that have yet to be cleaned.
  type: list
  elements: str
  returned: with O(state=planned)
tiers:
  description: Directories of the nodes that only this release's workers have as tiers.
  type: list
  elements: str
  returned: with O(state=tiers)
told:
  description: Tiers that others have too, or in which it is not known what is a worker's.
  type: list
  elements: str
  returned: with O(state=tiers)
removed_before: {description: Hosts that carried no worker., type: list, elements: str, returned: with O(state=planned)}
mount_points: {description: Where FUSE pods mount., type: list, elements: str, returned: with O(state=planned)}
copied: {description: Paths that were copied., type: list, elements: str, returned: with O(state=copied)}
retired: {description: Nodes whose workers were retired., type: list, elements: str, returned: with O(state=retired)}
summary: {description: A line for each host., type: list, elements: str, returned: with O(state=told)}
lines: {description: What to write into the inventory., type: list, elements: str, returned: with O(state=told)}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("worker_removal")


if __name__ == "__main__":
    main()
