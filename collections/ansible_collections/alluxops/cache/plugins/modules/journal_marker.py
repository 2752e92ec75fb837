from __future__ import annotations

DOCUMENTATION = r"""
module: journal_marker
short_description: Write down in the journals which Alluxio has served from them
description:
  - Each journal volume carries a small file, C(.alluxops.json), that names the release, the master, the type of the
    journal and the newest Alluxio that has served from it. This action brings it up to date through the masters' own
    containers, while they serve; a journal that someone else formatted gets one.
  - On the claim of each journal it notes since when one lies there, and which (annotation
    C(alluxops.io/holds-journal)). Where a claim says so and the journal has no marker, it fails, as masters have begun
    anew in the place of a disk that is not mounted; a minority of a quorum, which the others have brought up to date,
    is accepted. Where the journal is another one than the claim speaks of, it fails too, as that is an old one.
  - The marker of another release is left as it is, with a warning. So is that of a master which left the quorum (see
    M(alluxops.cache.journal_left)) and runs all the same; a member of the quorum loses that mark.
  - Without a journal volume (C(emptyDir), HDFS) there is nothing to do.
options:
  values:
    description: The chart's effective values; the journal's folder and type are taken from them.
    type: dict
    required: true
  restored:
    description: A restore into these journals has ended and was checked; the note that it goes on is taken out.
    type: bool
    default: false
  upcoming:
    description:
      - The Alluxio that is about to start on these journals, or has just come to serve, written into the markers before
        it can write. A run that dies then leaves word of what may have written to them. It stands in place of what an
        earlier run was about to start.
    type: str
    default: ''
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reads the markers and writes none.
    support: full
  diff_mode:
    description: Shows the markers before and after.
    support: full
"""

EXAMPLES = r"""
- name: Write down which Alluxio the journals serve
  alluxops.cache.journal_marker:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    values: "{{ __alluxio_chart.effective }}"
"""

RETURN = r"""
markers:
  description: What each ready master's marker said and says; null for none. With ZooKeeper the leader's only.
  returned: success
  type: list
  elements: dict
  contains:
    pod: {description: The master., type: str, returned: success}
    before: {description: The marker found., type: dict, returned: success}
    after: {description: The marker now., type: dict, returned: success}
leads:
  description: Whether a master leads. Without one, nothing is written; that fails, unless O(upcoming) is given.
  returned: success
  type: bool
noted:
  description: The claims on which was noted that a journal lies there.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("journal_marker")


if __name__ == "__main__":
    main()
