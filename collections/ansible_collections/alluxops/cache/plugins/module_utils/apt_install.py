"""Install packages of one version from a signed apt repository, trusting nothing before it is verified.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_commands,
    apt_key,
    apt_source,
    host_fetch,
    host_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

KEY_LIMIT_BYTES = 1 << 20
Diff = list[dict[str, str]]


@dataclass(frozen=True)
class Wanted:
    """What is to be installed from where.

    version: of the programs, or a whole Debian version. packages: each package of the repository, and a file that shows
    that it is there. others: packages of the host's own sources that come with them. held: whether the packages stay at
    their version by `apt-mark hold`; else by a pin, which is for one package.
    """

    purpose: apt_source.Purpose
    version: str
    repository: str
    key_url: str
    fingerprint: str
    packages: Mapping[str, str]
    others: Sequence[str] = ()
    held: bool = False


class Install:
    """What is wanted, what is there, and the way from one to the other. module: the running AnsibleModule."""

    def __init__(self, module: Any, wanted: Wanted) -> None:
        self.module = module
        self.wanted = wanted
        purpose = wanted.purpose
        self.apt = apt_commands.Apt(module, purpose)
        self.fingerprint = apt_key.normal_fingerprint(wanted.fingerprint, purpose.fingerprint)
        self.repository = apt_source.parse_repository(wanted.repository, purpose)
        self.keyring = f"/etc/apt/keyrings/{purpose.name}.gpg"
        self.source = f"/etc/apt/sources.list.d/{purpose.name}.sources"
        self.pin = f"/etc/apt/preferences.d/{purpose.name}.pref"
        self.source_text = apt_source.render_source(
            self.repository, self.apt.architecture(), self.keyring, purpose
        )
        files = (self.keyring, self.source, *(() if wanted.held else (self.pin,)))
        self.before = {path: host_files.read_bytes(path) for path in files}
        self.installed = {
            name: self.apt.installed(name) if os.path.exists(path) else ""
            for name, path in wanted.packages.items()
        }
        self.missing = [name for name in wanted.others if not self.apt.installed(name)]
        self.chosen: Mapping[str, str] = {}
        """The Debian versions that run() has found for the packages."""

    def keyring_is_wanted(self) -> bool:
        """Whether the keyring on this host trusts the wanted key and no other."""
        return apt_key.holds_only(self.before[self.keyring] or b"", self.fingerprint)

    def is_done(self) -> bool:
        """Whether files and packages are as wanted."""
        return (
            self.keyring_is_wanted()
            and not self.missing
            and all(self._is_version(version) for version in self.installed.values())
            and all(
                self.before[path] == data
                for path, data in self._files(b"", self.installed).items()
                if path != self.keyring
            )
            and self._is_held()
        )

    def run(self, directory: str, prepare: Callable[[], None] | None = None) -> Diff:
        """Verify everything below `directory`, then install it; what changed, or would change.

        prepare: as in have().
        """
        self.refuse_rivals()
        keyring = self.verified_key(os.path.join(directory, "key"))
        trial = apt_commands.Trial(self.apt, self.repository, keyring)
        trial.update()
        self.chosen = chosen = {
            name: apt_source.choose_version(
                name,
                trial.versions(name),
                self.wanted.version,
                self.repository,
                self.wanted.purpose,
            )
            for name in self.wanted.packages
        }
        if not self.module.check_mode:
            for name, version in chosen.items():
                if version != self.installed[name]:
                    trial.download(name, version)
            diff = self.diff(keyring, chosen)
            if prepare is not None:
                prepare()
            self.take(keyring, chosen, trial.archives)
            return diff
        return self.diff(keyring, chosen)

    def refuse_rivals(self) -> None:
        """Raise SettingsError when another sources file names this repository."""
        paths = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]
        files = {
            path: host_files.read_text(path) or ""
            for path in paths
            if path.endswith((".list", ".sources"))
        }
        rivals = apt_source.rival_sources(files, self.repository, self.source)
        if rivals:
            raise SettingsError(
                f"{', '.join(rivals)} names the repository {self.repository.url} already.",
                "With two sources that give one repository different keys, apt refuses all work on this host.",
                f"remove {' and '.join(rivals)}, then run again; or {self.wanted.purpose.keep}.",
            )

    def verified_key(self, path: str) -> bytes:
        """The keyring to install, made of the fetched file. Raises CacheError when it has another key."""
        url, purpose = self.wanted.key_url, self.wanted.purpose
        host_fetch.fetch(url, path, purpose.key_url, KEY_LIMIT_BYTES)
        try:
            return apt_key.keyring(
                host_files.read_bytes(path) or b"",
                self.fingerprint,
                url,
                purpose.fingerprint,
                purpose.key_url,
            )
        except CacheError as error:
            if not self.module.check_mode and not self.keyring_is_wanted():
                self.distrust(error)
            raise

    def distrust(self, error: CacheError) -> None:
        """Take away a keyring that an earlier run or another hand left there: nobody vouches for its key."""
        files = (self.keyring, self.source)
        if any(self.before[path] is not None for path in files):
            for path in files:
                host_files.restore(path, None)
            error.cause += (
                f" {self.keyring} on this host did not carry it either: it and {self.source} were"
                " removed."
            )

    def take(self, keyring: bytes, chosen: Mapping[str, str], archives: str) -> None:
        """Trust the repository and install the packages; when that fails, put back what was there."""
        wanted = self._files(keyring, chosen)
        new = [
            f"{name}={version}"
            for name, version in chosen.items()
            if version != self.installed[name]
        ]
        try:
            for path, data in wanted.items():
                host_files.write_bytes(path, data or b"")
            refused = f"the apt repository {self.repository} was refused."
            self.apt.get(self._only_ours(), ["update"], refused)
            # What is fetched from here on is of the host's own sources: ours lies in `archives`, verified.
            own = apt_commands.Apt(self.module, apt_source.own_sources(self.wanted.purpose))
            if self.wanted.held:
                own.get((), ["update"], "the host's own apt sources cannot be read.")
            if new or self.missing:
                failed = (
                    f"{', '.join([*new, *self.missing]).replace('=', ' ')} cannot be installed."
                )
                # A file that was put in place before its package stays as it is.
                options = [f"Dir::Cache::Archives={archives}", "Dpkg::Options::=--force-confold"]
                own.get(
                    options, [*apt_commands.INSTALL, "--reinstall", *new, *self.missing], failed
                )
            if self.wanted.held:
                self.apt.run(["apt-mark", "hold", *chosen], "the packages cannot be held.")
        except BaseException:
            for path in wanted:
                host_files.restore(path, self.before[path])
            raise

    def told(self) -> list[str]:
        """What run() has installed, or would, in words."""
        told = [
            f"package {name} {version} was installed"
            for name, version in self.chosen.items()
            if version != self.installed[name]
        ]
        told += [f"package {name} was installed" for name in self.missing]
        if self.wanted.held and self.chosen:
            told.append(f"{' and '.join(self.chosen)} are held at their version")
        return told

    def diff(self, keyring: bytes, chosen: Mapping[str, str]) -> Diff:
        """The files and the packages that change, keys by their fingerprints."""

        def text(data: bytes | None) -> str:
            return (data or b"").decode("utf-8", "replace")

        def trusted(data: bytes | None) -> str:
            with contextlib.suppress(CacheError):
                return "".join(
                    f"{key.fingerprint} {key.user_id}\n"
                    for key in apt_key.certificates(data or b"", self.keyring)
                )
            return ""

        pairs = {
            path: (trusted(self.before[path]), trusted(data))
            if path == self.keyring
            else (text(self.before[path]), text(data))
            for path, data in self._files(keyring, chosen).items()
        }
        for name, version in chosen.items():
            pairs[f"package {name}"] = (f"{self.installed[name] or 'absent'}\n", f"{version}\n")
        for name in self.missing:
            pairs[f"package {name}"] = ("absent\n", "present\n")
        if not self._is_held():
            pairs["held packages"] = ("", f"{' '.join(chosen)}\n")
        return [
            {"before_header": name, "after_header": name, "before": before, "after": after}
            for name, (before, after) in pairs.items()
            if before != after
        ]

    def _is_version(self, version: str) -> bool:
        known = (version, apt_source.upstream_version(version))
        return self.wanted.version.lstrip("v") in known

    def _files(self, keyring: bytes, chosen: Mapping[str, str]) -> dict[str, bytes | None]:
        """The wanted content of each file in `before`."""
        found: dict[str, bytes | None] = {
            self.keyring: keyring,
            self.source: self.source_text.encode(),
        }
        if not self.wanted.held:
            [(name, version)] = chosen.items()
            found[self.pin] = apt_source.render_pin(name, version, self.wanted.purpose).encode()
        return found

    def _is_held(self) -> bool:
        if not self.wanted.held:
            return True
        held = self.apt.run(["apt-mark", "showhold"], "apt-mark does not answer.").split()
        return set(self.wanted.packages) <= set(held)

    def _only_ours(self) -> Sequence[str]:
        return (
            f"Dir::Etc::SourceList={self.source}",
            "Dir::Etc::SourceParts=/dev/null",
            "APT::Get::List-Cleanup=0",
        )


def have(
    module: Any, wanted: Wanted, prepare: Callable[[], None] | None = None
) -> tuple[Install, Diff]:
    """Install what is wanted where it is not there; what is there, and what changed, or would change.

    prepare: makes what packages need beside them. Called in every case but check mode, and before a package is
    installed only once nothing can be refused any more.
    """
    install = Install(module, wanted)
    if not install.is_done():
        with apt_commands.trial_directory() as directory:
            install = Install(module, wanted)  # a run that was waited for may have done it
            if not install.is_done():
                return install, install.run(directory, prepare)
    if prepare is not None and not module.check_mode:
        prepare()
    return install, []
