from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade
short_description: Plan an upgrade or a rollback, back up before it, and explain where it stopped
description:
  - Looks, and makes backups; M(alluxops.cache.helm_release) and M(alluxops.cache.masters_roll) do the work.
options:
  state:
    description:
      - C(target) chooses the revision that a rollback goes to.
      - C(plan) says what restarts in which order, and refuses what Kubernetes would refuse half-way, or what would lose
        metadata.
      - C(backup) makes a backup of the metadata, if a master serves, and notes it on the masters' StatefulSet, with the
        revision that a rollback goes to. If none does, the backup of a run that did not end counts for a day, unless a
        master may have served since; with O(restores) only one after which all masters were stopped for that at once.
      - C(ended) takes the notes about backups away; C(settled), once it is proven that the cache serves, that of the
        revision.
      - C(explain) tells which pods run which version, and what can be done.
    type: str
    choices: [target, plan, backup, explain, ended, settled]
    required: true
  rendered:
    description: What M(alluxops.cache.helm_release) with C(state=rendered) returned.
    type: dict
    default: {}
  action:
    description: The action that it returned; C(none) means that nothing changes.
    type: str
    default: none
  reasons:
    description: The reasons that it returned.
    type: list
    elements: str
    default: []
  revision:
    description:
      - For a rollback, the revision to go to; 0 with O(state=target) chooses the one that a rollback is on its way to
        which did not end, else the last good one.
    type: int
    default: 0
  without_backup:
    description:
      - C(upgrade_without_backup). The release's name lets an upgrade go to another version where no master serves that
        could make a backup; else C(plan) refuses it.
    type: str
    default: ''
  restore_from:
    description: For a rollback, the backup that an older Alluxio may start from; empty for none.
    type: str
    default: ''
  restores:
    description: With O(state=backup), whether the journals are replaced next by those of another backup.
    type: bool
    default: false
  rollback_version:
    description: For a rollback, the Alluxio that the revision runs. Counts where its image's tag names none.
    type: str
    default: ''
  version:
    description: Image tag that the settings want.
    type: str
    default: ''
  may_hold_workers:
    description: Whether the chart can make the workers wait until the masters serve.
    type: bool
    default: false
  journal_folder:
    description: Where a master's container sees its journal.
    type: str
    default: /journal
  backup_to:
    description: C(ufs), or a directory on the controller.
    type: str
    default: ufs
  kept:
    description: With O(state=backup), whether it is the way back to another Alluxio, which no schedule removes.
    type: bool
    default: false
  backup:
    description: With O(state=explain), where the backup lies that was made before.
    type: str
    default: ''
  wait_timeout_s:
    description: How long a backup may take, in seconds.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Says where a backup would go; the rest only reads.
    support: full
  diff_mode:
    description: The plan is in the result.
    support: none
"""

EXAMPLES = r"""
- name: Plan the upgrade
  alluxops.cache.upgrade:
    state: plan
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    rendered: "{{ __upgrade_rendered.rendered }}"
    action: "{{ __upgrade_rendered.action }}"
"""

RETURN = r"""
summary: {description: The plan or the explanation., type: list, elements: str, returned: with C(plan) and C(explain)}
restarts: {description: Workloads whose pods are made anew., type: list, elements: str, returned: with O(state=plan)}
changes: {description: Whether anything changes., type: bool, returned: with O(state=plan)}
restores: {description: Whether the rollback takes a backup that is restored., type: bool, returned: with O(state=plan)}
formats_new: {description: Whether masters format a journal that is empty., type: bool, returned: with O(state=plan)}
leads: {description: Whether a master leads., type: bool, returned: with O(state=plan)}
hold_workers: {description: Whether the workers wait for the masters., type: bool, returned: with O(state=plan)}
version_changes: {description: Whether another Alluxio will run., type: bool, returned: with O(state=plan)}
image: {description: "The masters' image afterwards, without its tag.", type: str, returned: with O(state=plan)}
image_version: {description: Image tag that the pods run afterwards., type: str, returned: with O(state=plan)}
revision: {description: The revision to go to., type: int, returned: with O(state=target)}
backup: {description: The backup; empty where none was made., type: dict, returned: with O(state=backup)}
where: {description: "Where it lies, or why there is none.", type: str, returned: with O(state=backup)}
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("upgrade")


if __name__ == "__main__":
    main()
