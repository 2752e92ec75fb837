from __future__ import annotations

DOCUMENTATION = r"""
module: journal
short_description: Read the journals of a release and format them once
description:
  - Reads what lies in each journal volume with a short-lived Job per volume, decides which to format (never one that
    holds metadata, unless forced), formats those and leaves a marker in the volume. A journal that someone else
    formatted is accepted and marked; one whose marker names another release or cannot be read is refused, and so is
    one whose master left the quorum (M(alluxops.cache.journal_left)).
  - Starts no Job for a master that is ready, unless O(read), a forced format, O(stale) or O(restoring) asks for it.
    While some serve, only the journals of those that fail are looked at, and of those that are not ready where the
    claim says nothing of a journal (below).
  - Notes on each claim since when a journal of ours lies in its volume, and which (annotation
    C(alluxops.io/holds-journal)), before a master can start on it. Where a claim says so and the volume is empty, or
    what lies there has no marker, it formats and adopts nothing, such as on a disk that is not mounted; but a minority
    of a quorum while a master leads. A journal that is another one than the claim speaks of is refused, unless it is
    formatted on purpose.
  - Where a newer Alluxio is going to start on a journal, that is written into its marker before. An older one than that
    is refused where no release is there any more, of which preflight knows what has served.
  - A forced format of journals that hold metadata takes a backup first, through the leader, and is refused without one.
  - With ZooKeeper all claims must lead to one file system; that is proved with a file written through one of them.
  - A Job that an interrupted run left is removed first.
options:
  claims:
    description: The claims of M(alluxops.cache.chart_values); those of kind C(journal) are looked at.
    type: list
    elements: dict
    required: true
  values:
    description: The final values of the chart; image, user, journal and properties are taken from them.
    type: dict
    required: true
  policy:
    description: C(alluxio_journal_format).
    type: str
    choices: [if_empty, never, force]
    default: if_empty
  confirm:
    description: C(alluxio_confirm_format); a forced format needs the release's name here.
    type: str
    default: ''
  read:
    description: Read the journals even when masters serve.
    type: bool
    default: false
  ordinals:
    description: Look at and format the journals of these masters only, and of those that are not ready; empty for all.
    type: list
    elements: int
    default: []
  stale:
    description:
      - The journals of O(ordinals) are old copies of masters that are no members of the quorum that serves; they are
        formatted whatever they hold, unless they are new. Refused when these are all masters, and for one that runs or
        is a member.
    type: bool
    default: false
  restoring:
    description:
      - The backup that is going to be restored. All journals are made new and marked with it, and the masters stay
        stopped, for Helm to start with C(alluxio.master.journal.init.from.backup). A journal that holds metadata is
        refused, unless it is of a restore of the same backup that did not end and from which no master has served,
        O(backed_up) is given, or O(policy=force) is confirmed. Where a master serves from it, a backup is taken first.
    type: str
    default: ''
  backed_up:
    description:
      - With O(restoring), where this verb has put a backup of the metadata that are about to be replaced. It is noted
        on the masters' StatefulSet, for a run that goes on after an interruption.
    type: str
    default: ''
  backup_to:
    description: Where that backup goes, C(ufs) or a directory on the controller; apart from those of a schedule.
    type: str
    default: ufs
  wait_timeout_s:
    description: How long a Job's pod may take to start, in seconds.
    type: int
    default: 180
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Starts no Job; reports whether journals would be formatted where that can be told without one.
    support: full
  diff_mode:
    description: Shows the state of each journal before and after.
    support: full
"""

EXAMPLES = r"""
- name: Format the journal once
  alluxops.cache.journal:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    claims: "{{ __alluxio_values.claims }}"
    values: "{{ __alluxio_values.values }}"
    policy: "{{ alluxio_journal_format }}"
    confirm: "{{ alluxio_confirm_format }}"
"""

RETURN = r"""
journals:
  description: What lies in each journal volume after this action; empty when nothing had to be read.
  returned: success
  type: list
  elements: dict
  contains:
    ordinal:
      description: Number of the master.
      type: int
      returned: success
    claim:
      description: Name of the claim.
      type: str
      returned: success
    state:
      description:
        - For the type of journal in use, C(absent), C(empty), C(formatted), C(adopted) (formatted, and there was no
          marker), C(other) (another release's), C(unfinished), C(foreign) or C(unreadable).
      type: str
      returned: success
    types:
      description: The types of journal that are formatted in the volume, C(UFS) or C(EMBEDDED).
      type: list
      elements: str
      returned: success
    holds:
      description: The types that hold a master's entries.
      type: list
      elements: str
      returned: success
    marker:
      description: The marker, or null.
      type: dict
      returned: success
    formatted_at:
      description: When alluxops formatted it (ISO 8601, UTC), or null.
      type: str
      returned: success
    formatted_now:
      description: This action formatted it.
      type: bool
      returned: success
    adopted_now:
      description: This action marked it as ours.
      type: bool
      returned: success
why:
  description: Why these were formatted, or none.
  returned: when journals were read
  type: str
backup:
  description: The backup that a forced format took first, or null.
  returned: when journals were read
  type: dict
told:
  description:
    - For the end of a run, where the backup is that was made of what was formatted; in check mode, where it would be.
      Empty where no journal that holds metadata is formatted.
  returned: when journals were read, and in check mode
  type: list
  elements: str
serving:
  description: A master served, so nothing had to be read.
  returned: success
  type: bool
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("journal")


if __name__ == "__main__":
    main()
