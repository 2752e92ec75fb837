from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Read what a release needs to know of its cluster
description:
  - Reads the server's version, what the cluster is (OpenShift or plain Kubernetes), nodes, storage classes, and the
    objects of one release, in one pass with as few calls as possible.
  - Secrets are listed by name only; their contents are never asked for.
options: {}
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
  - alluxops.cache.attributes.only_reads
"""

EXAMPLES = r"""
- name: Read the cluster
  alluxops.cache.cluster_info:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
  register: found
"""

RETURN = r"""
cluster:
  description: What was found.
  returned: success
  type: dict
  contains:
    version:
      description: The server's version, for example C(1.34.4).
      type: str
      returned: success
    platform:
      description: C(openshift) or C(kubernetes).
      type: str
      returned: success
    nodes:
      description: List of {name, ready, schedulable, internal_ip, memory_bytes, taints, labels, kubelet,
        runtime, os}.
      type: list
      elements: dict
      returned: success
    namespace:
      description: '{exists, phase, pod_security}.'
      type: dict
      returned: success
    storage_classes:
      description: List of {name, default, provisioner, binding_mode}.
      type: list
      elements: dict
      returned: success
    volumes:
      description: PersistentVolumes that belong to, or are claimed from, the release's namespace.
      type: list
      elements: dict
      returned: success
    claims:
      description: 'PersistentVolumeClaims of the namespace: {name, phase, volume, storage_class, holds_journal_since}.'
      type: list
      elements: dict
      returned: success
    masters:
      description: 'The StatefulSet: {name, replicas, ready, image, ha, count (as its settings name them)}, or null.'
      type: dict
      returned: success
    workers:
      description: 'The DaemonSet: {name, desired, ready, image}, or null.'
      type: dict
      returned: success
    pods:
      description: List of {name, role, node, pod_ip, host_ip, phase, ready, containers}.
      type: list
      elements: dict
      returned: success
    leader_version:
      description: The version that the leader tells, where the images' tags name none; else empty.
      type: str
      returned: success
    revisions:
      description: 'Helm revisions, oldest first: {revision, status, secret}.'
      type: list
      elements: dict
      returned: success
    pending_revisions:
      description: Numbers of the revisions a dead or running Helm left pending.
      type: list
      elements: int
      returned: success
    secrets:
      description: Names of the namespace's Secrets.
      type: list
      elements: str
      returned: success
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("cluster_info")


if __name__ == "__main__":
    main()
