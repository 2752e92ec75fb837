#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Install Helm from one of its release archives, whose checksum must be given."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_binary
short_description: Install Helm from an archive with a known checksum
version_added: 0.1.0
author: alluxops contributors
description:
  - Fetches the archive (or takes one from the controller), compares its SHA-256 before anything in it is read,
    checks that the Helm in it runs and has the wanted version, and puts it to C(/usr/local/bin/helm) in one step.
  - Notes in C(/usr/local/share/alluxops/helm-binary.json) what came from which archive; as long as that holds,
    nothing is fetched again.
options:
  url:
    description:
      - An C(http), C(https) or C(file) address that the host reads, or a path on the controller.
      - Empty means the address of Helm's own archive of this version.
    type: str
    default: ""
  checksum:
    description: C(sha256:) and the archive's SHA-256.
    type: str
    required: true
  version:
    description: Helm's version, such as 4.3.1.
    type: str
    required: true
  archive:
    description: Where the action plugin has put an archive of the controller on this host. Not for playbooks.
    type: str
    default: ""
attributes:
  check_mode:
    description: Says whether it would install; fetches nothing.
    support: full
  diff_mode:
    description: Shows the checksums of the binary's archive.
    support: full
"""

EXAMPLES = r"""
- name: Install Helm from an archive that lies on the controller
  alluxops.cache.helm_binary:
    url: files/helm-v4.3.1-linux-amd64.tar.gz
    checksum: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    version: 4.3.1
"""

RETURN = r"""
path:
  description: Where Helm is.
  returned: success
  type: str
"""

import os
import platform
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    helm_archive,
    helm_host,
    host_fetch,
    host_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

HELM = "/usr/local/bin/helm"
NOTE = "/usr/local/share/alluxops/helm-binary.json"
ARCHIVE_LIMIT_BYTES = 512 << 20
SCHEMES = ("http://", "https://", "file:/")


def is_done(checksum: str) -> bool:
    """Whether the binary that is there was installed from this archive."""
    if not os.path.isfile(HELM) or stat.S_IMODE(os.stat(HELM).st_mode) != 0o755:
        return False
    return helm_archive.is_noted(host_files.read_text(NOTE), checksum, helm_archive.sha256(HELM))


def install(module: AnsibleModule, checksum: str) -> None:
    """Fetch, compare, try and put in place."""
    version, archive = module.params["version"], module.params["archive"]
    url = module.params["url"] or helm_host.archive_url(version, platform.machine())
    os.makedirs(os.path.dirname(HELM), mode=0o755, exist_ok=True)
    # Beside the target: the last step is a rename, and a /tmp without execution does not matter.
    with tempfile.TemporaryDirectory(prefix=".alluxops-", dir=os.path.dirname(HELM)) as directory:
        if not archive:
            archive = os.path.join(directory, "archive")
            host_fetch.fetch(url, archive, "helm_binary_url", ARCHIVE_LIMIT_BYTES)
        helm_archive.refuse_checksum(archive, checksum, url)
        staged = os.path.join(directory, "helm")
        helm_archive.extract(archive, staged, url)
        os.chmod(staged, 0o755)  # noqa: S103 - a program for all users
        os.chown(staged, 0, 0)
        code, out, err = module.run_command([staged, "version", "--template", "{{.Version}}"])
        if code != 0:
            raise CacheError(
                f"the Helm in {url} does not run here: {(err or out).strip()[-300:]}",
                f"This machine is a {platform.machine()}.",
                "set helm_binary_url to the archive for it.",
            )
        helm_host.refuse_other_version(out, version, f"the Helm in {url}")
        helm_host.refuse_version(out, f"the Helm in {url}")
        binary_sha256 = helm_archive.sha256(staged)
        os.replace(staged, HELM)
    host_files.write_bytes(NOTE, helm_archive.note(checksum, binary_sha256))


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "default": ""},
            "checksum": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "archive": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    url: str = module.params["url"]
    try:
        checksum = helm_host.normal_checksum(module.params["checksum"])
        before = host_files.read_text(NOTE) if os.path.exists(HELM) else None
        if is_done(checksum):
            module.exit_json(changed=False, path=HELM)
        # A path of the controller: the action plugin sees this answer and brings the archive here.
        wants_archive = bool(url) and not url.startswith(SCHEMES) and not module.params["archive"]
        if not module.check_mode and not wants_archive:
            install(module, checksum)
    except CacheError as error:
        module.fail_json(**error.result())
    source = f"{HELM} {module.params['version']} from an archive with sha256:{checksum}\n"
    diff = {
        "before": f"{HELM} {before or 'as it was'}\n" if os.path.exists(HELM) and before else "",
        "after": source,
    }
    module.exit_json(changed=True, path=HELM, diff=diff, wants_archive=wants_archive)


if __name__ == "__main__":
    main()
