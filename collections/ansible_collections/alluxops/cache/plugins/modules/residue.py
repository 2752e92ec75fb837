from __future__ import annotations

DOCUMENTATION = r"""
module: residue
short_description: Remove what a release leaves in the cluster when Helm is done, and say what stays
description:
  - What alluxops made for a release beside Helm goes, told by its labels. That is Jobs, Secrets, journal claims and
    volumes, the label of the workers' nodes, the lease, and the namespace if nothing else lies in it. So does what a
    chart made a hook of its installation, which Helm leaves.
  - Secrets that were given, claims that a StatefulSet made, and whatever others put into the namespace stay.
  - Deleting a claim and its volume keeps the directory on the node. The next deployment binds it anew.
options:
  state:
    description:
      - C(read) only looks.
      - C(absent) waits until the release's pods are gone and removes objects, claims and volumes.
      - C(closed) removes the lease and, where it holds nothing else and alluxops made it, the namespace.
    type: str
    choices: [read, absent, closed]
    default: read
  secret_name:
    description: Name of the Secret with the under store's credentials; it goes only if alluxops made it.
    type: str
    default: ''
  purge:
    description: Whether claims that a StatefulSet of the release made go too. What their volumes hold may be lost.
    type: bool
    default: false
  cache_nodes:
    description:
      - With O(state=read) and O(purge), the names of the nodes that the purge deletes on.
      - Each must be a node of this cluster.
    type: list
    elements: str
    default: []
  wait_timeout_s:
    description: How long pods and objects may take to be gone, in seconds.
    type: int
    default: 180
  helm_releases:
    description: With O(state=closed), the Helm releases that the run removed; for the summary.
    type: list
    elements: str
    default: []
  removed:
    description: With O(state=closed), what O(state=absent) removed; for the summary.
    type: list
    elements: str
    default: []
  nodes:
    description: With O(state=closed), the registered result of M(alluxops.cache.node_residue) by host; for the summary.
    type: dict
    default: {}
  root_ufs:
    description: The under store, for the summary.
    type: str
    default: ''
  helm_hosts:
    description: Where Helm stays installed, for the summary.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Says what would go.
    support: full
  diff_mode:
    description: Lists what goes.
    support: full
"""

EXAMPLES = r"""
- name: Remove what the release leaves
  alluxops.cache.residue:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    state: absent
"""

RETURN = r"""
removed: {description: "What was removed, as C(Kind name).", type: list, elements: str, returned: unless O(state=read)}
left:
  description: "With O(state=closed), what stays: why the namespace does (empty if it goes), claims, volumes, labels."
  type: dict
  returned: with O(state=closed)
summary: {description: What went and what stays., type: list, elements: str, returned: with O(state=closed)}
something: {description: Whether there is anything to remove., type: bool, returned: with O(state=read)}
namespace_exists: {description: Whether the namespace exists., type: bool, returned: with O(state=read)}
helm_releases: {description: Helm releases that belong to it., type: list, elements: str, returned: with O(state=read)}
mount_points: {description: Where its FUSE pods mount., type: list, elements: str, returned: with O(state=read)}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("residue")


if __name__ == "__main__":
    main()
