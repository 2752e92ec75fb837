"""The option of modules that make directories on a node."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by ansible-doc as alluxops.cache.on_directories."""

    DOCUMENTATION = r"""
options:
  directories:
    description: The directories, in any order.
    type: list
    elements: dict
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      owner:
        description: Number of the owning user.
        type: int
        default: 0
      group:
        description: Number of the owning group.
        type: int
        default: 0
      mode:
        description: Mode in octal digits; write permission for everybody is refused.
        type: str
        default: "0755"
"""
