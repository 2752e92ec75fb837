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

import contextlib
import glob
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_commands,
    apt_key,
    apt_source,
    host_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

KEYRING = "/etc/apt/keyrings/alluxops-helm.gpg"
SOURCE = "/etc/apt/sources.list.d/alluxops-helm.sources"
PIN = "/etc/apt/preferences.d/alluxops-helm.pref"
HELM = "/usr/bin/helm"
KEY_LIMIT_BYTES = 1 << 20
UPDATE_ONLY_OURS = (
    f"Dir::Etc::SourceList={SOURCE}",
    "Dir::Etc::SourceParts=/dev/null",
    "APT::Get::List-Cleanup=0",
)
INSTALL = (
    "install",
    "--yes",
    "--no-install-recommends",
    "--no-remove",
    "--allow-downgrades",
    "--allow-change-held-packages",
    "--reinstall",
)


class Install:
    """What is wanted, what is there, and the way from one to the other."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.apt = apt_commands.Apt(module)
        self.version: str = module.params["version"]
        self.fingerprint = apt_key.normal_fingerprint(
            module.params["fingerprint"], "helm_apt_key_fingerprint"
        )
        self.repository = apt_source.parse_repository(module.params["repository"])
        self.source = apt_source.render_source(self.repository, self.apt.architecture(), KEYRING)
        self.before = {path: host_files.read_bytes(path) for path in (KEYRING, SOURCE, PIN)}
        self.installed = self.apt.installed("helm") if os.path.exists(HELM) else ""

    def keyring_is_wanted(self) -> bool:
        """Whether the keyring on this host trusts the wanted key and no other."""
        return apt_key.holds_only(self.before[KEYRING] or b"", self.fingerprint)

    def is_done(self) -> bool:
        """Whether keyring, source, pin and package are as wanted."""
        versions = (self.installed, apt_source.upstream_version(self.installed))
        return (
            self.keyring_is_wanted()
            and self.before[SOURCE] == self.source.encode()
            and self.before[PIN] == apt_source.render_pin(self.installed).encode()
            and self.version.lstrip("v") in versions
        )

    def unchanged(self) -> dict[str, object]:
        """The module's result when there is nothing to do."""
        return {"changed": False, "package_version": self.installed, "path": HELM}

    def run(self, directory: str) -> dict[str, object]:
        """Verify everything below `directory`, then install it, and return the module's result."""
        if self.is_done():
            return self.unchanged()
        self.refuse_rivals()
        keyring = self.verified_key(os.path.join(directory, "key"))
        trial = apt_commands.Trial(self.apt, self.repository, keyring)
        version = apt_source.choose_version(trial.versions("helm"), self.version, self.repository)
        if not self.module.check_mode:
            if version != self.installed:
                trial.download("helm", version)
            self.take(keyring, version, trial.archives)
        diff = self.diff(keyring, version)
        return {"changed": True, "package_version": version, "path": HELM, "diff": diff}

    def refuse_rivals(self) -> None:
        """Raise SettingsError when another sources file names this repository."""
        paths = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]
        files = {
            path: host_files.read_text(path) or ""
            for path in paths
            if path.endswith((".list", ".sources"))
        }
        rivals = apt_source.rival_sources(files, self.repository, SOURCE)
        if rivals:
            raise SettingsError(
                f"{', '.join(rivals)} names the repository {self.repository.url} already.",
                "With two sources that give one repository different keys, apt refuses all work on this host.",
                f"remove {' and '.join(rivals)}, then run again; or set helm_install_method: present to keep it.",
            )

    def verified_key(self, path: str) -> bytes:
        """The keyring to install, made of the fetched file. Raises CacheError when it has another key."""
        url = self.module.params["key_url"]
        host_files.fetch(url, path, "helm_apt_key_url", KEY_LIMIT_BYTES)
        try:
            return apt_key.keyring(host_files.read_bytes(path) or b"", self.fingerprint, url)
        except CacheError as error:
            if not self.module.check_mode and not self.keyring_is_wanted():
                self.distrust(error)
            raise

    def distrust(self, error: CacheError) -> None:
        """Take away a keyring that an earlier run or another hand left there: nobody vouches for its key."""
        if any(self.before[path] is not None for path in (KEYRING, SOURCE)):
            for path in (KEYRING, SOURCE):
                host_files.restore(path, None)
            error.cause += (
                f" {KEYRING} on this host did not carry it either: it and {SOURCE} were removed."
            )

    def take(self, keyring: bytes, version: str, archives: str) -> None:
        """Trust the repository and install the package; when that fails, put back what was there."""
        wanted = {
            KEYRING: keyring,
            SOURCE: self.source.encode(),
            PIN: apt_source.render_pin(version).encode(),
        }
        try:
            for path, data in wanted.items():
                host_files.write_bytes(path, data)
            refused = f"the apt repository {self.repository} was refused."
            self.apt.get(UPDATE_ONLY_OURS, ["update"], refused)
            if version != self.installed:
                failed = f"the package helm {version} cannot be installed."
                cache = [f"Dir::Cache::Archives={archives}"]
                self.apt.get(cache, [*INSTALL, f"helm={version}"], failed)
        except BaseException:
            for path in wanted:
                host_files.restore(path, self.before[path])
            raise

    def diff(self, keyring: bytes, version: str) -> list[dict[str, str]]:
        """The files and the package that change, keys by their fingerprints."""

        def text(data: bytes | None) -> str:
            return (data or b"").decode("utf-8", "replace")

        def trusted(data: bytes | None) -> str:
            with contextlib.suppress(CacheError):
                return "".join(
                    f"{key.fingerprint} {key.user_id}\n"
                    for key in apt_key.certificates(data or b"", KEYRING)
                )
            return ""

        pairs = {
            KEYRING: (trusted(self.before[KEYRING]), trusted(keyring)),
            SOURCE: (text(self.before[SOURCE]), self.source),
            PIN: (text(self.before[PIN]), apt_source.render_pin(version)),
            "package helm": (f"{self.installed or 'absent'}\n", f"{version}\n"),
        }
        return [
            {"before_header": name, "after_header": name, "before": before, "after": after}
            for name, (before, after) in pairs.items()
            if before != after
        ]


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
    try:
        install = Install(module)
        if install.is_done():
            module.exit_json(**install.unchanged())
        with apt_commands.trial_directory() as directory:
            # Read again: a run that was waited for may have done it.
            result = Install(module).run(directory)
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
