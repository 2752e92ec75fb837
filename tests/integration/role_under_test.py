"""A role that is run by itself, on hosts of a lab."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.integration.cache_under_test import Outcome
from tests.integration.lab_under_test import ROOT, RunningLab

LIMIT_S: Final = 500


def command(
    directory: Path, role: str, hosts: str, settings: Mapping[str, Any], *options: str
) -> list[str]:
    """The command line; playbook and settings are files in this directory."""
    playbook = directory / f"{role}.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "roles": [role]}]))
    given = directory / "settings.yml"
    given.write_text(yaml.safe_dump(dict(settings)))
    return ["ansible-playbook", str(playbook), "-e", f"@{given}", *options]


def play(lab: RunningLab, argv: list[str]) -> Outcome:
    """Run it to its end."""
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=lab.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout)
