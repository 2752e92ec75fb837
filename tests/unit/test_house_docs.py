"""What README and docs say exists does, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from alluxops.cli import app
from tools.repository import ROOT, files, relative

README = (ROOT / "README.md").read_text(encoding="utf-8")
# Read by the wrapper's dashboard and shell; what site and restore have in common: no verbs of their own.
NO_VERB = {"connection", "foundation"}
MAKE_TARGET = re.compile(r"`make (?:-s )?([a-z-]+)")


def _readme_verbs() -> set[str]:
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `alluxops "))
    return set(re.findall(r"`alluxops ([a-z-]+)`", rows))


def _cli_verbs() -> set[str]:
    command = typer.main.get_command(app)
    return {name for name, verb in command.commands.items() if not verb.hidden}  # type: ignore[attr-defined]


def _playbook_verbs() -> set[str]:
    return {path.stem.replace("_", "-") for path in ROOT.glob("playbooks/*.yml")} - NO_VERB


def test_the_readme_lists_the_verbs_of_the_command_line() -> None:
    assert _readme_verbs() == _cli_verbs()


def test_every_playbook_is_a_verb() -> None:
    assert _playbook_verbs() <= _readme_verbs()


def test_every_verb_stands_in_a_runbook() -> None:
    text = "\n".join(page.read_text("utf-8") for page in ROOT.glob("docs/runbooks/*.md"))
    assert [verb for verb in _readme_verbs() if f"alluxops {verb}" not in text] == []


def _pages() -> list[Path]:
    return [path for path in files("*.md") if not relative(path).startswith("roles/")]


@pytest.mark.parametrize("page", _pages(), ids=relative)
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(MAKE_TARGET.findall(page.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("page", _pages(), ids=relative)
def test_variables_in_the_docs_exist(page: Path) -> None:
    specs = yaml.safe_load((ROOT / "roles/settings/meta/argument_specs.yml").read_text("utf-8"))
    known = {name for entry in specs["argument_specs"].values() for name in entry["options"]}
    named = re.findall(r"`((?:alluxio|helm|node|alluxops)_[a-z_]+)`", page.read_text("utf-8"))
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    assert set(named) <= known | roles
