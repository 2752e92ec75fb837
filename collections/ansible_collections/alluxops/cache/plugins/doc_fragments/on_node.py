"""Options that say whose directory on a node a module is about."""

from __future__ import annotations


class ModuleDocFragment:
    """Found by ansible-doc as alluxops.cache.on_node."""

    DOCUMENTATION = r"""
options:
  root:
    description: The storage root, C(node_storage_root).
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  release:
    description: Name of the release.
    type: str
    required: true
"""
