"""The options of modules that compare a cache with its stores: how much of the content, and where the report goes."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by ansible-doc as alluxops.cache.comparing."""

    DOCUMENTATION = r"""
options:
  content:
    description: Whose content is read. C(sample) of O(sample) files, C(all) that are cached, or C(none).
    type: str
    choices: [sample, all, none]
    default: sample
  sample:
    description: How many files a sample has.
    type: int
    default: 200
  seed:
    description: Another number chooses other files; the same one the same.
    type: int
    default: 0
  report:
    description: Absolute path of the report on the controller. Empty means C(alluxops/checks) in C(XDG_STATE_HOME).
    type: str
    default: ""
  datasets:
    description: The datasets, as C(alluxio_datasets) has them, which say whose Secrets open stores.
    type: list
    elements: dict
    default: []
  wait_timeout_s:
    description: How many seconds one step may stand still.
    type: int
    default: 600
"""
