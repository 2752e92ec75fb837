from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore a backup of the cache's metadata, step by step
description:
  - What a restore needs beside new journals (M(alluxops.cache.journal) with C(restoring)) and a release whose masters
    are told to start from the backup. The role C(restore) puts the steps in order.
  - C(checked) refuses what cannot work before anything changes. It wants the release's name in O(confirm), a cache that
    does not serve yet and no metadata in the journals that lie on the masters' hosts (unless O(revision) is given), and
    a backup that can be read; a file of the controller is read to its end.
  - C(chosen) sees that a backup in the root under store is there and whole, through a Job that lists its directory.
  - C(placed) puts a file of the controller into the masters' journal volumes, where they can read it.
  - C(started) starts masters that are still stopped after Helm was to start them.
  - C(finished) fails unless a master said that it has restored all of the backup, and counts what the cache holds.
  - C(restarted) restarts the masters where one has restored the backup since it started. Until its next start it reads
    every path that someone asks for again from the under store, and a directory's owner and mode with it.
  - C(noted) notes on the masters' StatefulSet that the backup was restored whole, before the configuration ceases to
    name it; C(settled) takes that note away, once it is proven that the cache serves.
options:
  state:
    description: Which step.
    type: str
    choices: [checked, chosen, placed, started, finished, restarted, noted, settled]
    required: true
  settings:
    description: The settings that M(alluxops.cache.settings) returned. For C(checked) and C(chosen).
    type: dict
    default: {}
  source:
    description: C(restore_from). For C(checked).
    type: str
    default: ''
  confirm:
    description: C(alluxio_confirm_restore). For C(checked).
    type: str
    default: ''
  revision:
    description:
      - The Helm revision that a rollback goes to, for C(checked) and C(chosen); 0 for a plain restore. The cache may
        then serve, and only backups are taken that this revision's Alluxio can read. Which one wrote a backup is told
        from its time and Helm's history; older than that, it is not known.
    type: int
    default: 0
  rollback_version:
    description: The Alluxio that this revision runs. Counts where its image's tag names none.
    type: str
    default: ''
  hosts:
    description: By host of cache_masters, what M(alluxops.cache.node_check) returned. For C(checked).
    type: dict
    default: {}
  policy:
    description: C(alluxio_journal_format). For C(checked).
    type: str
    default: if_empty
  confirm_format:
    description: C(alluxio_confirm_format). For C(checked).
    type: str
    default: ''
  plan:
    description: What C(checked) returned; for C(placed), with the RV(uri) of C(chosen).
    type: dict
    default: {}
  uri:
    description: The backup that was restored. For C(finished) and C(noted).
    type: str
    default: ''
  entries:
    description: How many entries it holds; C(finished) fails where fewer were restored. 0 where that is not known.
    type: int
    default: 0
  masters:
    description: How many masters the release has. For C(started).
    type: int
    default: 1
  claims:
    description:
      - The claims of M(alluxops.cache.chart_values). C(placed) puts the file into those of kind C(journal), C(checked)
        looks for what lies where they will.
    type: list
    elements: dict
    default: []
  values:
    description: The effective values of the chart; before a chart of a repository was read, empty.
    type: dict
    default: {}
  wait_timeout_s:
    description: How long a Job's pod may take to start, or masters to end, in seconds.
    type: int
    default: 180
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Starts no Job; whether a backup is in the under store is then not known.
    support: full
  diff_mode:
    description: Shows the files that are put into journal volumes.
    support: full
"""

EXAMPLES = r"""
- name: Refuse what cannot be restored
  alluxops.cache.restore:
    state: checked
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    settings: "{{ __preflight_settings.settings }}"
    source: "{{ restore_from }}"
    confirm: "{{ alluxio_confirm_restore }}"
  register: __restore_plan
"""

RETURN = r"""
kind:
  description: C(latest), C(ufs) or C(controller).
  returned: O(state=checked)
  type: str
value:
  description: The address or path that was asked for.
  returned: O(state=checked)
  type: str
uri:
  description: What the masters are told to start from; empty where the newest backup has yet to be looked up.
  returned: O(state=checked) or O(state=chosen)
  type: str
is_finished:
  description: An interrupted run has restored it already, and only the end is left.
  returned: O(state=checked)
  type: bool
is_settling:
  description: Of that end, the masters' restart is done as well.
  returned: O(state=checked)
  type: bool
entries:
  description: How many entries the backup holds, or how many were restored; null where that is not known.
  returned: O(state=checked) or O(state=finished)
  type: int
size_bytes:
  description: Size of the backup in the under store.
  returned: O(state=chosen), outside of check mode
  type: int
claims:
  description: Into how many volumes the file was put.
  returned: O(state=placed)
  type: int
census:
  description: How much metadata the cache holds now.
  returned: O(state=finished)
  type: dict
summary:
  description: One line on what was restored.
  returned: O(state=finished)
  type: str
lines:
  description: The census for a person, a line each.
  returned: O(state=finished)
  type: list
  elements: str
restarted:
  description: Names of the masters that were restarted.
  returned: O(state=restarted)
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("restore")


if __name__ == "__main__":
    main()
