from __future__ import annotations

DOCUMENTATION = r"""
module: persistent_volumes
short_description: Make the PersistentVolumes (and journal claims) of a release
description:
  - A journal's volume is a local volume that is tied to its node and kept (C(Retain)), bound beforehand to its claim,
    so that a journal never moves away from its data. The domain socket's volume is a hostPath on every node.
  - A volume that is C(Released) because its claim was deleted is given back to the claim without touching its data.
  - Refuses to touch a volume that another claim holds, or that points to another path or node than the settings.
  - Waits until claims made here are C(Bound), and other volumes C(Available) or C(Bound).
options:
  state:
    description: C(absent) deletes claims and volumes; the directories on the nodes keep what is in them.
    type: str
    choices: [present, absent]
    default: present
  claims:
    description: The claims of M(alluxops.cache.chart_values).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the PersistentVolumeClaim.
        type: str
        required: true
      kind:
        description: What lies in it.
        type: str
        choices: [journal, domain, zookeeper]
        required: true
      ordinal:
        description: Number of the master that a journal belongs to.
        type: int
      node:
        description: Kubernetes name of the node that holds a journal, or the data of a server of ZooKeeper.
        type: str
      path:
        description: Directory on the node.
        type: str
        required: true
      size:
        description: "Capacity as Kubernetes writes it, for example C(1Gi)."
        type: str
        required: true
      access_modes:
        description: Access modes of volume and claim.
        type: list
        elements: str
        default: [ReadWriteOnce]
      storage_class:
        description: Storage class name that volume and claim carry.
        type: str
        default: ''
      precreate:
        description: The claim is made here rather than by the chart.
        type: bool
        default: false
      shared:
        description: The path is one file system on every node that uses it, so the volume is tied to none.
        type: bool
        default: false
      provisioned:
        description: The provisioner of the claim's class makes the volume, so that only the claim is made here.
        type: bool
        default: false
      seen_from:
        description: A host to look at the volume from. Not used here.
        type: str
  wait_timeout_s:
    description: How long to wait for a phase, in seconds.
    type: int
    default: 120
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
"""

EXAMPLES = r"""
- name: Make the volumes
  alluxops.cache.persistent_volumes:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    claims: "{{ __alluxio_values.claims }}"
"""

RETURN = r"""
volumes:
  description: The volumes of the claims after this action.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the PersistentVolume.
      type: str
      returned: success
    claim:
      description: Name of its claim.
      type: str
      returned: success
    phase:
      description: Its phase; C(absent) in check mode before the first run.
      type: str
      returned: success
    action:
      description: 'What was done: C(none), C(create), C(update), C(recover) or C(delete).'
      type: str
      returned: success
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("persistent_volumes")


if __name__ == "__main__":
    main()
