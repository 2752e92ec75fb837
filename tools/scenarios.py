"""The molecule scenarios: which there are, which a change asks for, and running them on a lab.

A scenario is named after its role, or ROLE-alternative; molecule/ holds one folder for each.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.repository import ROOT

# A change here can break any role.
SHARED = ("collections/", "molecule/shared/", ".config/molecule/", "roles/settings/", "charts/")

WITHOUT = frozenset(["settings"])
"""Holds only variables, which every other role's scenarios use."""
LONG = frozenset(
    [
        "backup",
        "backup-alternative",
        "benchmark",
        "benchmark-alternative",
        "remove_workers",
        "remove_workers-alternative",
        "bootstrap_workers",
        "bootstrap_workers-alternative",
        "check",
        "check-alternative",
        "datasets",
        "datasets-alternative",
        "network",
        "network-alternative",
        "repair",
        "repair-alternative",
        "restore",
        "restore-alternative",
        "scale_masters",
        "scale_masters-alternative",
        "uninstall",
        "uninstall-alternative",
        "upgrade",
        "upgrade-alternative",
        "verify-alternative",
        "zookeeper",
    ]
)
"""Scenarios of the verbs that work on a whole deployment: run by `make long`, as `make test` has them all would not
end within the hour that a change may take."""


@dataclass(frozen=True)
class ScenarioOutcome:
    """How one scenario ended; `log` is what molecule printed."""

    name: str
    passed: bool
    seconds: float
    log: str


def all_scenarios() -> list[str]:
    """Every scenario's name, by name."""
    return sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))


def role_of(scenario: str) -> str:
    """The role that a scenario tries."""
    return scenario.removesuffix("-alternative")


def scenarios_of_role(scenarios: Iterable[str], role: str) -> list[str]:
    """The scenarios of one role.

    Raises:
        ValueError: it has none; names those that have.
    """
    chosen = [name for name in scenarios if role_of(name) == role]
    if not chosen:
        roles = ", ".join(sorted({role_of(name) for name in scenarios})) or "none yet"
        raise ValueError(f"ROLE={role} has no molecule scenario; roles that have: {roles}")
    return chosen


def short(scenarios: Iterable[str]) -> list[str]:
    """Those that `make test` runs."""
    return [name for name in scenarios if name not in LONG]


def scenarios_of_change(scenarios: Sequence[str], changed: Iterable[str]) -> list[str]:
    """The scenarios whose role, or whose own folder, is among the changed paths, long ones too.

    What any role can break by asks for those of `make test`: all of them take hours.

    Raises:
        ValueError: a role among them has no scenario, so that nothing would be tried.
    """
    paths = tuple(changed)
    touched = {
        parts[1]
        for path in paths
        if (parts := path.split("/"))[0] in ("roles", "molecule") and parts[1:]
    }
    roles = {
        name
        for name in touched
        if any(path.startswith(f"roles/{name}/") for path in paths)
        and (ROOT / "roles" / name).is_dir()
    }
    bare = roles - {role_of(name) for name in scenarios} - WITHOUT
    if bare:
        raise ValueError(
            f"no molecule scenario for what was changed: roles {', '.join(sorted(bare))}"
        )
    is_shared = any(path.startswith(SHARED) for path in paths)
    return [
        name
        for name in scenarios
        if name in touched or role_of(name) in touched or (is_shared and name not in LONG)
    ]


def run(scenario: str, environment: Mapping[str, str]) -> ScenarioOutcome:
    """Run one scenario from create to destroy."""
    began = time.monotonic()
    done = subprocess.run(
        ["molecule", "test", "--scenario-name", scenario],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ScenarioOutcome(scenario, done.returncode == 0, time.monotonic() - began, done.stdout)
