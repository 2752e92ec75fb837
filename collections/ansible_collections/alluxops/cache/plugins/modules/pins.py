from __future__ import annotations

DOCUMENTATION = r"""
module: pins
short_description: Give files back the pins that Alluxio took from them while workers restarted
description:
  - Alluxio's master has the blocks of a pinned file copied again where there are too few. Where that fails, as it may
    while workers restart, the job that was to copy takes the pin away, with the least number of replicas and the
    medium.
  - M(alluxops.cache.helm_release) notes what is pinned in the ConfigMap C(RELEASE-pins) before it changes the pods of
    masters or workers. This module compares afterwards, pins again what lost its pin, and removes the note.
  - A file is told from a later one of the same name by when it was created. A file that was removed stays so. One that
    lay in workers only, and is lost with them, is not pinned again but named in a warning.
  - Where a pin was gone, or a pinned file must be copied from the under store again, it looks on until none is short,
    at most for the time between two checks of the master's (C(alluxio.master.replication.check.interval)), and for two
    minutes. Where these were less, it warns, and the note stays for the next run.
  - Before the first pin is given back, each of up to 64 serving workers writes a small file to the root under store by
    itself. What is pinned again is copied by several threads of a worker at once; where these are the first to use the
    under store, all uploads through that worker fail until it is started again. The files are removed. A worker that
    cannot write is named in a warning.
  - Without a note it does nothing. Pins that somebody took off meanwhile cannot be told from those that Alluxio took.
options:
  state:
    description:
      - C(given_back) compares and pins again. C(forgotten) removes the note, where other metadata are restored.
    type: str
    choices: [given_back, forgotten]
    default: given_back
  root_ufs:
    description: C(alluxio_root_ufs). Where it is not given, or is C(ephemeral), no worker writes a file.
    type: str
    default: ''
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description: Compares, and says which pins would be given back.
    support: full
  diff_mode:
    description: Shows the paths.
    support: full
"""

EXAMPLES = r"""
- name: Give files back the pins that Alluxio took from them
  alluxops.cache.pins:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    root_ufs: "{{ alluxio_root_ufs }}"
"""

RETURN = r"""
given_back:
  description: Paths of the files that were pinned again; in check mode of those that would be.
  returned: success
  type: list
  elements: str
lost:
  description: Paths of files that had lost their pin and lie nowhere any more.
  returned: success
  type: list
  elements: str
summary:
  description: What was done, in words; empty where nothing was.
  returned: success
  type: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("pins")


if __name__ == "__main__":
    main()
