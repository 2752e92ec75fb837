"""What the module half of a controller-side action says when something runs it on a host."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def refuse(name: str) -> None:
    """Fail: the action plugin of the same name does the work, on the controller."""
    module = AnsibleModule(argument_spec={}, add_file_common_args=False, supports_check_mode=True)
    module.fail_json(msg=f"alluxops.cache.{name} is run on the controller by its action plugin.")
