"""A node for trying the role helm on."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.lab_under_test import ROOT, RunningLab, lab_command

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
class Outcome:
    """How a run of the role ended."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something; the role runs on one host."""
        found = re.search(r"^\S+ .*changed=(\d+)", self.output, re.MULTILINE)
        return int(found[1]) if found else -1


@dataclass
class Host:
    """The node, and the role's settings for it."""

    lab: RunningLab
    node: str
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def command(self, *options: str) -> list[str]:
        play = {"hosts": self.node, "gather_facts": False, "roles": ["helm"]}
        playbook = self.directory / "helm.yml"
        playbook.write_text(yaml.safe_dump([play]))
        settings = self.directory / "settings.yml"
        settings.write_text(yaml.safe_dump(self.settings))
        return ["ansible-playbook", str(playbook), "-e", f"@{settings}", *options]

    def play(self, *options: str, **settings: Any) -> Outcome:
        self.settings.update(settings)
        done = subprocess.run(
            self.command(*options),
            cwd=ROOT,
            env=self.lab.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

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
