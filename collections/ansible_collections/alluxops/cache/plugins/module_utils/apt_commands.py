"""Running apt and dpkg on a host, strictly, and apart from the host's own state where something is only tried.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_source,
    host_files,
    host_lock,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

WAIT_S = 180
LOCK = "/etc/apt"
"""The directory whose lock says that a run of ours is at work; no file is made for it."""

TRIAL = "/var/cache/apt/alluxops"
# A host's own apt.conf may have loosened these.
STRICT = (
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::AllowDowngradeToInsecureRepositories=false",
    "Acquire::AllowWeakRepositories=false",
    "APT::Get::AllowUnauthenticated=false",
    "APT::Update::Error-Mode=any",
    "Acquire::Retries=2",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
    f"DPkg::Lock::Timeout={WAIT_S}",
    "Dpkg::Use-Pty=0",
)
# What a host does after an update of its own lists (refresh catalogues, tidy its cache) is not for a trial.
NO_HOOKS = "".join(
    f"#clear APT::Update::{hook};\n"
    for hook in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
)
ENVIRONMENT = {
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",
}
INSTALL = (
    "install",
    "--yes",
    "--no-install-recommends",
    "--no-remove",
    "--allow-downgrades",
    "--allow-change-held-packages",
)
"""Begins a command that installs what is named, to another version too, and takes nothing else away."""


class Apt:
    """Runs apt and dpkg, waiting while another apt is at work.

    module: the running AnsibleModule. purpose: what the packages are for, in errors.
    """

    def __init__(self, module: Any, purpose: apt_source.Purpose) -> None:
        self.module = module
        self.purpose = purpose

    def run(self, command: Sequence[str], what: str) -> str:
        """Standard output of a command; its complaints become a CacheError that begins with `what`."""
        deadline = time.monotonic() + WAIT_S
        repaired = False
        while True:
            code, out, err = self.module.run_command(list(command), environ_update=ENVIRONMENT)
            if code == 0:
                return str(out)
            if apt_source.is_locked(err) and time.monotonic() < deadline:
                time.sleep(2)
            elif apt_source.is_interrupted(err) and not repaired:
                # What dpkg itself asks for; without it no apt command works on this host.
                repaired = True
                self.module.run_command(["dpkg", "--configure", "-a"], environ_update=ENVIRONMENT)
            else:
                raise apt_source.explain(what, err + out, self.purpose)

    def get(self, options: Sequence[str], arguments: Sequence[str], what: str) -> None:
        """Run apt-get. options: NAME=VALUE of apt.conf, beside the strict ones."""
        self.run(["apt-get", "--quiet=2", *_flags([*STRICT, *options]), *arguments], what)

    def architecture(self) -> str:
        """What dpkg calls this machine, such as amd64."""
        return self.run(["dpkg", "--print-architecture"], "dpkg does not answer.").strip()

    def installed(self, package: str) -> str:
        """Debian version of an installed package; empty when it is not, or not wholly, installed."""
        show = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package]
        code, out, _err = self.module.run_command(show, environ_update=ENVIRONMENT)
        status, _blank, version = out.strip().partition(" ")
        return version if code == 0 and status == "installed" else ""


class Trial:
    """apt below a directory of its own: it knows one repository, and the host's apt knows nothing of it."""

    def __init__(self, apt: Apt, repository: apt_source.Repository, keyring: bytes) -> None:
        self.apt = apt
        self.repository = repository
        self.archives = os.path.join(TRIAL, "cache/archives")
        source, signer = os.path.join(TRIAL, "trial.sources"), os.path.join(TRIAL, "keyring.gpg")
        config = os.path.join(TRIAL, "apt.conf")
        for part in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(TRIAL, part))
        text = apt_source.render_source(repository, apt.architecture(), signer, apt.purpose)
        host_files.write_bytes(signer, keyring)
        host_files.write_bytes(source, text.encode())
        host_files.write_bytes(config, NO_HOOKS.encode())
        self.config = ["--config-file", config]
        self.options = [
            f"Dir::Etc::SourceList={source}",
            "Dir::Etc::SourceParts=/dev/null",
            f"Dir::State::Lists={TRIAL}/lists",
            f"Dir::Cache={TRIAL}/cache",
        ]

    def update(self) -> None:
        """Fetch the repository's index. Raises CacheError when apt does not verify it."""
        what = f"the apt repository {self.repository} was refused."
        self.apt.get(self.options, [*self.config, "update"], what)

    def versions(self, package: str) -> list[str]:
        """The versions that the repository offers, newest first."""
        what = f"the index of {self.repository} cannot be read."
        command = ["apt-cache", *_flags(self.options), "madison", package]
        return apt_source.parse_madison(self.apt.run(command, what), package)

    def download(self, package: str, version: str) -> None:
        """Put the package into `archives`, verified against the signed index."""
        with contextlib.suppress(KeyError):  # apt fetches as this user, where there is one
            os.chown(self.archives, pwd.getpwnam("_apt").pw_uid, -1)
        before = os.getcwd()
        os.chdir(self.archives)
        try:
            what = f"the package {package} {version} of {self.repository} was refused."
            self.apt.get(self.options, [*self.config, "download", f"{package}={version}"], what)
        finally:
            os.chdir(before)


@contextlib.contextmanager
def trial_directory() -> Iterator[str]:
    """An empty TRIAL, for one run at a time: one that Ansible lost hold of may still be at work on this host.

    apt fetches and verifies as a user of its own, so it is readable for all. Raises CacheError after WAIT_S.
    """
    lock = os.open(LOCK, os.O_RDONLY | os.O_DIRECTORY)
    try:
        busy = CacheError(
            f"another run has been installing packages on this host for {WAIT_S} s.",
            fix="wait for it, or end it: `fuser /etc/apt` shows which it is.",
        )
        host_lock.take(lock, WAIT_S, busy)
        shutil.rmtree(TRIAL, ignore_errors=True)
        os.makedirs(TRIAL)
        try:
            yield TRIAL
        finally:
            shutil.rmtree(TRIAL, ignore_errors=True)
    finally:
        os.close(lock)


def _flags(options: Sequence[str]) -> list[str]:
    return [word for option in options for word in ("-o", option)]
