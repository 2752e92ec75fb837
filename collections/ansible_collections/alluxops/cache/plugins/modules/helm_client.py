#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""See whether Helm can be installed on a host in the chosen way, and which Helm is there. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_client
short_description: Check how Helm can be installed on a host, and which Helm is there
version_added: 0.1.0
author: alluxops contributors
description:
  - Refuses an install method that cannot work on the host, before anything is changed.
  - With O(state=installed), checks that the Helm of that method is there, answers, and has a version that works.
  - Changes nothing.
options:
  method:
    description: How Helm comes to the host.
    type: str
    choices: [apt, snap, binary, present]
    required: true
  version:
    description: The wanted version. With C(present) and C(snap) another one is only mentioned in the result.
    type: str
    default: ""
  checksum:
    description: SHA-256 of the archive, checked for its form with C(binary).
    type: str
    default: ""
  state:
    description: What to check. V(installable) looks at the host, V(installed) at Helm itself.
    type: str
    choices: [installable, installed]
    default: installable
attributes:
  check_mode:
    description: Changes nothing anyway. A Helm that is still missing is no failure then.
    support: full
"""

EXAMPLES = r"""
- name: Check that Helm is there
  alluxops.cache.helm_client:
    method: present
    state: installed
"""

RETURN = r"""
path:
  description: The Helm to use; empty when there is none yet, in check mode.
  returned: with O(state=installed)
  type: str
version:
  description: What it answers, such as C(v4.3.1); empty with an empty C(path).
  returned: with O(state=installed)
  type: str
major:
  description: Its major version; 0 with an empty C(path).
  returned: with O(state=installed)
  type: int
"""

import http.client
import os
import platform
import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import helm_host, host_files, snapd
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


def read_host() -> helm_host.Host:
    """What the choice of a method depends on, on this host."""
    release = helm_host.parse_os_release(host_files.read_text("/etc/os-release") or "")
    return helm_host.Host(
        os_name=release.get("PRETTY_NAME") or platform.system(),
        os_like=(release.get("ID", ""), *release.get("ID_LIKE", "").split()),
        machine=platform.machine(),
        has_apt=bool(shutil.which("apt-get") and shutil.which("dpkg")),
        snapd=read_snapd(),
        is_root=os.geteuid() == 0,
    )


def read_snapd() -> helm_host.Snapd:
    """Whether snapd is there and answers."""
    if not shutil.which("snap"):
        return "absent"
    try:
        snapd.read("/v2/system-info")
    except (OSError, http.client.HTTPException):
        return "silent"
    return "answers"


def find(method: str) -> str:
    """Path of the Helm that the method gives; empty when there is none."""
    if method == "present":
        places = os.environ.get("PATH", os.defpath).split(":")
        extra = [os.path.dirname(path) for paths in helm_host.PLACES.values() for path in paths]
        return shutil.which("helm", path=":".join([*places, *extra])) or ""
    return next((path for path in helm_host.PLACES[method] if os.access(path, os.X_OK)), "")


def ask(module: AnsibleModule, path: str) -> str:
    """What `helm version` answers. Raises CacheError when it does not run."""
    code, out, err = module.run_command([path, "version", "--template", "{{.Version}}"])
    if code != 0:
        raise CacheError(
            f"{path} does not run: {(err or out).strip()[-300:]}",
            f"This machine is a {platform.machine()}; a Helm for another one, or half a file, fails so.",
            "remove it and run again, or set helm_install_method.",
        )
    return str(out).strip()


def inspect(module: AnsibleModule, method: str, wanted: str) -> dict[str, Any]:
    """Path, version and major of the installed Helm. Raises CacheError when there is none, or none that works."""
    path = find(method)
    # What a real run would have installed or replaced by now is no fault of a check.
    is_rehearsal = module.check_mode and method != "present"
    if not path and is_rehearsal:
        return {"path": "", "version": "", "major": 0}
    if not path:
        fix = (
            "set helm_install_method: apt, snap or binary." if method == "present" else "run again."
        )
        raise CacheError(f"there is no Helm on this host (helm_install_method: {method}).", fix=fix)
    version = ask(module, path)
    if not is_rehearsal:
        helm_host.refuse_version(version, path)
        if wanted and method in ("apt", "binary"):
            helm_host.refuse_other_version(version, wanted, path)
    return {
        "path": path,
        "version": version,
        "major": (helm_host.parse_version(version) or (0,))[0],
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "method": {
                "type": "str",
                "required": True,
                "choices": ["apt", "snap", "binary", "present"],
            },
            "version": {"type": "str", "default": ""},
            "checksum": {"type": "str", "default": ""},
            "state": {
                "type": "str",
                "default": "installable",
                "choices": ["installable", "installed"],
            },
        },
        supports_check_mode=True,
    )
    method: str = module.params["method"]
    helm: dict[str, Any] = {}
    try:
        if module.params["state"] == "installable":
            helm_host.refuse_method(method, module.params["checksum"], read_host())
        else:
            helm = inspect(module, method, module.params["version"])
    except CacheError as error:
        module.fail_json(**error.result())
    first = shutil.which("helm")
    if first and helm.get("path") and os.path.realpath(first) != os.path.realpath(helm["path"]):
        module.warn(
            f"`helm` in a shell of this host is {first}; this playbook uses {helm['path']}."
        )
    module.exit_json(changed=False, **helm)


if __name__ == "__main__":
    main()
