from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import alluxops
from alluxops.cli import app

VERBS = [
    "site",
    "deploy",
    "preflight",
    "verify",
    "status",
    "scale-masters",
    "remove-workers",
    "bootstrap-workers",
    "datasets",
    "check",
    "network",
    "repair",
    "benchmark",
    "backup",
    "restore",
    "upgrade",
    "rollback",
    "uninstall",
    "dashboard",
    "shell",
]
RUN = [verb for verb in VERBS if verb not in {"dashboard", "shell"}]
"""Those that run a playbook."""
PLAYBOOKS = Path(alluxops.__file__).parents[2] / "playbooks"


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"})


def listed(runner: CliRunner) -> list[str]:
    text = runner.invoke(app, ["--help"]).output
    return [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line.strip()]


def test_help_lists_the_verbs_that_exist_and_no_other(runner: CliRunner) -> None:
    assert listed(runner) == VERBS


@pytest.mark.parametrize("verb", [verb for verb in RUN if verb != "deploy"])
def test_each_verb_has_its_playbook(verb: str) -> None:
    assert (PLAYBOOKS / f"{verb.replace('-', '_')}.yml").is_file()


@pytest.mark.parametrize("verb", RUN)
def test_options_are_called_as_in_ansible(runner: CliRunner, verb: str) -> None:
    text = runner.invoke(app, [verb, "--help"]).output
    for option in (
        "-i, --inventory",
        "-l, --limit",
        "-e, --extra-vars",
        "-C, --check",
        "-D, --diff",
    ):
        assert option in text
    assert ("--json" in text) is (verb in {"verify", "status", "site", "deploy", "backup"})


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-verb"],
        ["site", "--no-such"],
        ["site", "extra"],
        ["status", "-i"],
        ["dashboard", "--port", "x"],
    ],
)
def test_bad_usage_is_exit_code_2(runner: CliRunner, words: list[str]) -> None:
    assert runner.invoke(app, words).exit_code == 2


def test_version(runner: CliRunner) -> None:
    result = runner.invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"alluxops {alluxops.__version__}\n")
