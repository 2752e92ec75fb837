from __future__ import annotations

DOCUMENTATION = r"""
module: journal_conversion
short_description: Turn a single master's journal into one of another type
description:
  - Needs the masters stopped. Reads the marker in the volume of master 0 first. Where that names O(to_type) already,
    the journal was converted, and nothing is done, whatever type the release names.
  - Starts master 0 alone in a pod that nobody else reaches, backs its journal up into the journal's volume, formats a
    journal of the new type beside the one in use and restores the backup into it.
  - The new journal is started once more by itself and must hold what the old one holds. Only then the marker in the
    volume names it. The old journal and the backup stay in the volume.
  - Until the marker names the new journal the old one is in use, so an interrupted conversion is simply done again.
options:
  from_type:
    description: The type that the release names. It is the one in use where there is no marker.
    type: str
    choices: [UFS, EMBEDDED]
    required: true
  to_type:
    description: The type wanted.
    type: str
    choices: [UFS, EMBEDDED]
    required: true
  values:
    description: The final values of the chart; the journal's folder and port are taken from them.
    type: dict
    required: true
  wait_timeout_s:
    description: How long each start of the master may take, in seconds.
    type: int
    default: 600
  backup_timeout_s:
    description:
      - How long the backup may take, and to read it again, in seconds; O(wait_timeout_s) where that is longer. The
        default is that of M(alluxops.cache.backup).
    type: int
    default: 3600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Reports a change, and starts nothing.
    support: full
  diff_mode:
    description: Shows the types, and what the journal holds.
    support: full
"""

EXAMPLES = r"""
- name: Turn the journal into an embedded one
  alluxops.cache.journal_conversion:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    from_type: UFS
    to_type: EMBEDDED
    values: "{{ __alluxio_chart.effective }}"
"""

RETURN = r"""
backup:
  description: 'The backup in the volume: {uri, entries}; empty where nothing was converted.'
  returned: success
  type: dict
census:
  description: What both journals hold; empty where nothing was converted.
  returned: success
  type: dict
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("journal_conversion")


if __name__ == "__main__":
    main()
