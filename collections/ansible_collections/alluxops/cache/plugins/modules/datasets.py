from __future__ import annotations

DOCUMENTATION = r"""
module: datasets
short_description: Bring the datasets of a cache to what is declared
description:
  - Compares what is mounted, pinned, kept in replicas, limited by a TTL and loaded with what is declared, and does
    what is left. Nothing in an under store is ever deleted.
  - Credentials come from Secrets and go to the leader in the body of a request. Alluxio keeps them in its journal.
  - Stores that are to be mounted are listed first by a Job with a master of its own, so that wrong credentials, a
    missing bucket and what does not fit are refused before the cache is touched.
options:
  state:
    description:
      - C(planned) looks at what the cache knows, refuses and shows the steps.
      - C(applied) has the cache learn what is new in the stores of datasets that are loaded or pinned, and does the
        steps. What the cache knows already is left as it is, whatever became of it in its store.
    type: str
    choices: [planned, applied]
    default: applied
  datasets:
    description: The datasets, as C(alluxio_datasets) has them.
    type: list
    elements: dict
    required: true
  checked:
    description: Whether a task with state C(planned) has just seen the stores, so that they need not be listed again.
    type: bool
    default: false
  confirm_remount:
    description: Names, separated by commas, of datasets whose mounts may be made anew.
    type: str
    default: ""
  loses:
    description: Names, separated by commas, of datasets whose files that are in no under store may be lost.
    type: str
    default: ""
  wait_timeout_s:
    description: How many seconds one step may stand still.
    type: int
    default: 600
extends_documentation_fragment:
  - alluxops.cache.api
  - alluxops.cache.attributes.controller
attributes:
  check_mode:
    description:
      - Shows the steps. A Job still lists the stores that would be mounted, which it mounts read-only. No other store
        is asked.
    support: full
  diff_mode:
    description: Shows what differs from what is declared.
    support: full
"""

EXAMPLES = r"""
- name: Bring the datasets to what is declared
  alluxops.cache.datasets:
    kubeconfig: "{{ alluxops_kubeconfig }}"
    namespace: "{{ alluxio_namespace }}"
    release: "{{ alluxio_release }}"
    datasets:
      - name: imagenet
        ufs: s3://research/imagenet/
        secret: research-s3
        load: [train, val]
        pin: true
"""

RETURN = r"""
steps:
  description: What is left to do, a line a step.
  returned: success
  type: list
  elements: str
datasets:
  description: Each dataset as the cache has it now.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: success
    path:
      description: Where it is in the cache.
      type: str
      returned: success
    ufs:
      description: What is mounted there, or empty.
      type: str
      returned: success
    state:
      description: What was declared.
      type: str
      returned: success
    mounted:
      description: Whether it is mounted.
      type: bool
      returned: success
    pinned:
      description: Whether its directory is pinned.
      type: bool
      returned: success
    files:
      description: Files that the cache knows of, below the paths to load where there are such.
      type: int
      returned: success
    bytes:
      description: Their size.
      type: int
      returned: success
    loaded_files:
      description: Those that are cached whole.
      type: int
      returned: success
    cached_bytes:
      description: How many of the bytes are cached.
      type: int
      returned: success
    steps:
      description: What was left to do for it.
      type: list
      elements: str
      returned: success
looks:
  description:
    - A line for each dataset of which files may be new in its store. Only C(applied) learns them.
    - In check mode also one for each path that the cache does not know of yet, as only a run looks for it in a store.
  returned: success
  type: list
  elements: str
summary:
  description: A line a dataset.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.alluxops.cache.plugins.module_utils.controller_side import refuse


def main() -> None:
    """Say who does the work."""
    refuse("datasets")


if __name__ == "__main__":
    main()
