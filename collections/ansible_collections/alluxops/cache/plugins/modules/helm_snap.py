#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Install Helm as a snap, from a channel of the store or from a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_snap
short_description: Install Helm as a snap
version_added: 0.1.0
author: alluxops contributors
description:
  - Installs the classic snap C(helm) from a channel of the store, or moves an installed one to that channel.
  - With O(file) it installs that snap instead, as C(snap install --dangerous --classic) does, without any store. The
    installed snap is compared with the file by content.
  - Waits for snapd where it still works on this snap, for example for a run that was killed.
options:
  channel:
    description: Channel to follow, such as C(3/stable).
    type: str
    default: latest/stable
  file:
    description: A snap on the controller.
    type: str
    default: ""
  checksum:
    description: SHA-256 of the file, given by the action plugin. Not for playbooks.
    type: str
    default: ""
  archive:
    description: Where the action plugin has put the file on this host. Not for playbooks.
    type: str
    default: ""
attributes:
  check_mode:
    description: Says whether it would install.
    support: full
  diff_mode:
    description: Shows version, revision and channel.
    support: full
"""

EXAMPLES = r"""
- name: Install Helm 3 from the store
  alluxops.cache.helm_snap:
    channel: 3/stable

- name: Install a snap that lies on the controller
  alluxops.cache.helm_snap:
    file: files/helm_4.3.1_amd64.snap
"""

RETURN = r"""
version:
  description: Version of the installed snap; empty in check mode before the first install.
  returned: success
  type: str
"""

import http.client
import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive, snapd
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

BUSY_WAIT_S = 300
INSTALLED_SNAPS = "/var/lib/snapd/snaps"


def read() -> snapd.Snap | None:
    """The installed snap helm. Raises CacheError when snapd does not answer."""
    try:
        return snapd.parse_snap(snapd.read("/v2/snaps/helm"))
    except (OSError, http.client.HTTPException) as fault:
        raise CacheError(
            f"snapd does not answer on {snapd.SOCKET}: {fault}.",
            fix="install it (apt-get install snapd) and run systemctl enable --now snapd.socket.",
        ) from fault


def decide(module: AnsibleModule, installed: snapd.Snap | None) -> list[str]:
    """The snap command that is needed; empty when none is."""
    if not module.params["checksum"]:
        return snapd.plan_channel(installed, module.params["channel"])
    blob = os.path.join(INSTALLED_SNAPS, f"helm_{installed.revision}.snap") if installed else ""
    return snapd.plan_file(
        helm_archive.sha256(blob), module.params["checksum"], module.params["archive"]
    )


def run(module: AnsibleModule, command: list[str]) -> None:
    """Run snap, waiting while snapd is busy with this snap. Raises CacheError when it fails."""
    deadline = time.monotonic() + BUSY_WAIT_S
    while True:
        code, out, err = module.run_command(
            ["snap", *command], environ_update={"LC_ALL": "C.UTF-8"}
        )
        if code == 0:
            return
        if not snapd.is_busy(err + out) or time.monotonic() > deadline:
            raise snapd.explain(command, err + out)
        time.sleep(2)


def describe(snap: snapd.Snap | None) -> str:
    """One side of the diff."""
    return (
        f"helm {snap.version} revision {snap.revision} {snap.channel or 'from a file'}\n"
        if snap
        else "helm absent\n"
    )


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "channel": {"type": "str", "default": "latest/stable"},
            "file": {"type": "str", "default": ""},
            "checksum": {"type": "str", "default": ""},
            "archive": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    file: str = module.params["file"]
    try:
        before = after = read()
        command = decide(module, before)
        wants_archive = bool(command and file and not module.params["archive"])
        if command and not module.check_mode and not wants_archive:
            run(module, command)
            after = read()
    except CacheError as error:
        module.fail_json(**error.result())
    source = f"helm from {file or module.params['channel']}\n"
    diff = {"before": describe(before), "after": describe(after) if before != after else source}
    module.exit_json(
        changed=bool(command),
        version=after.version if after else "",
        wants_archive=wants_archive,
        **({"diff": diff} if command else {}),
    )


if __name__ == "__main__":
    main()
