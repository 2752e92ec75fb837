"""Action of alluxops.cache.node_check: it runs on every host, so it goes there without Ansible's library."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.plugin_utils.piped_action import PipedAction


class ActionModule(PipedAction):
    """Runs the module."""

    module = "node_check"
