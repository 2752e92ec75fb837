#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Install one version of Helm from a signed apt repository, trusting nothing before it is verified."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_apt
short_description: Install Helm from its signed apt repository
version_added: 0.1.0
author: alluxops contributors
description:
  - Fetches the repository's key and takes from it the key with the given fingerprint; every other key is refused.
  - Lets apt verify the repository's signature, its index and the package below a temporary directory first. Only when
    all of that holds are the keyring, the source and the pin installed, and then the package. When anything fails, the
    host trusts what it trusted before.
  - A keyring of the source that carries another key than the given one is removed when the right one cannot be had.
  - Does nothing, and asks no server, when keyring, source, pin and package are as wanted.
options:
  version:
    description: Helm's version, such as 4.3.1, or a whole Debian version, such as 4.3.1-1.
    type: str
    required: true
  repository:
    description: C(URL), or C(URL SUITE COMPONENT) where suite and component are not C(any main).
    type: str
    required: true
  key_url:
    description: Where the key file lies, armored or binary.
    type: str
    required: true
  fingerprint:
    description: The whole fingerprint of the key to trust.
    type: str
    required: true
attributes:
  check_mode:
    description: Fetches the key and the index and verifies them, in a temporary directory.
    support: full
  diff_mode:
    description: Shows the files and the package version that change.
    support: full
"""

EXAMPLES = r"""
- name: Install Helm from its repository
  alluxops.cache.helm_apt:
    version: 4.3.1
    repository: https://packages.buildkite.com/helm-linux/helm-debian/any/
    key_url: https://packages.buildkite.com/helm-linux/helm-debian/gpgkey
    fingerprint: DDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6
"""

RETURN = r"""
package_version:
  description: Debian version of the installed package, or of the one that would be installed.
  returned: success
  type: str
path:
  description: Where the package puts Helm.
  returned: success
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import apt_install, apt_source
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

HELM = "/usr/bin/helm"


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "repository": {"type": "str", "required": True},
            "key_url": {"type": "str", "required": True},
            "fingerprint": {"type": "str", "required": True, "no_log": False},
        },
        supports_check_mode=True,
    )
    # Files and folders are for all users (apt reads them as its own), whatever the login's umask says.
    os.umask(0o022)
    wanted = apt_install.Wanted(purpose=apt_source.HELM, packages={"helm": HELM}, **module.params)
    try:
        install, diff = apt_install.have(module, wanted)
    except CacheError as error:
        module.fail_json(**error.result())
    version = install.chosen.get("helm") or install.installed["helm"]
    module.exit_json(changed=bool(diff), package_version=version, path=HELM, diff=diff)


if __name__ == "__main__":
    main()
