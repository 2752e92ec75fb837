"""Attributes that several modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by ansible-doc as alluxops.cache.attributes.NAME, with the name in lower case."""

    CONTROLLER = r"""
attributes:
  action:
    description: Runs on the controller, inside the playbook's own Python.
    support: full
"""

    ONLY_READS = r"""
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: It changes nothing, so there is nothing to show.
    support: none
"""

    NO_DIFF = r"""
attributes:
  diff_mode:
    description: It changes nothing, so there is nothing to show.
    support: none
"""
