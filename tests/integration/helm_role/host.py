"""A node for trying the role helm on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration import role_under_test
from tests.integration.cache_under_test import Outcome
from tests.integration.lab_under_test import RunningLab, lab_command

KEYRING = "/etc/apt/keyrings/alluxops-helm.gpg"
SOURCE = "/etc/apt/sources.list.d/alluxops-helm.sources"
PIN = "/etc/apt/preferences.d/alluxops-helm.pref"
BINARY = "/usr/local/bin/helm"
FRESH = f"""
    apt-get --quiet=2 --yes --allow-change-held-packages purge helm > /dev/null 2>&1
    rm -rf {KEYRING} {SOURCE} {PIN} {BINARY} /usr/local/share/alluxops /var/lib/apt/lists/10.*
"""
OTHER_HELM = '#!/bin/sh\necho "v{version}"\n'
"""Stands for other versions of Helm: the role asks a Helm for its version only."""


@dataclass
class Host:
    """The node, and the role's settings for it."""

    lab: RunningLab
    node: str
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def command(self, *options: str) -> list[str]:
        return role_under_test.command(self.directory, "helm", self.node, self.settings, *options)

    def play(self, *options: str, **settings: Any) -> Outcome:
        self.settings.update(settings)
        return role_under_test.play(self.lab, self.command(*options))

    def apply(self, **settings: Any) -> Outcome:
        outcome = self.play(**settings)
        assert outcome.code == 0, outcome.output
        return outcome

    def refuse(self, **settings: Any) -> str:
        outcome = self.play(**settings)
        assert outcome.code != 0, outcome.output
        assert "Error: " in outcome.output
        return outcome.output

    def put(self, source: Path, target: str) -> None:
        """Copy a file to the node."""
        copy = f"src={source} dest={target} mode=0644"
        self.lab.run("ansible", self.node, "-m", "ansible.builtin.copy", "-a", copy)

    def sh(self, script: str) -> str:
        ssh = lab_command("ssh", self.node, "--name", self.lab.name, "--", script)
        return self.lab.run(*ssh, timeout_s=500)

    def files(self) -> list[str]:
        """What of the role lies on the node."""
        return self.sh(f"ls -d {KEYRING} {SOURCE} {PIN} {BINARY} 2> /dev/null; true").split()

    def package(self) -> str:
        """Debian version of the installed package, or nothing."""
        show = "dpkg-query --show --showformat='${db:Status-Status} ${Version}' helm"
        status, _blank, version = self.sh(f"{show} 2> /dev/null; true").partition(" ")
        return version.strip() if status == "installed" else ""
