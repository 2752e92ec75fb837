"""Every role declares its variables, says what it does, is tried by a scenario and stays readable."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tools import role_readme
from tools.repository import ROOT, files, relative
from tools.role_specs import differences, load_role, public_options
from tools.scenarios import LONG, WITHOUT, all_scenarios, role_of

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
# Why a scenario leaves a step out that the others have.
NO_CHECK = {
    "verify": "it is verify-alternative's; here proofs go with a change, and check mode makes none"
}
NO_IDEMPOTENCE = {
    "backup": "each run makes a new backup",
    "restore": "the cache that it has made is refused by the next one",
    "upgrade-alternative": "a second rollback goes back again",
}
UNCHANGED = "verify ../shared/unchanged.yml"


def by_name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("role", ROLES, ids=by_name)
def test_a_role_has_specs_a_readme_and_two_scenarios(role: Path) -> None:
    assert (role / "meta" / "argument_specs.yml").is_file()
    assert (role / "README.md").is_file(), "make format writes it"
    tasks = (role / "tasks").is_dir()
    assert tasks is (role.name not in WITHOUT)
    assert not tasks or {role.name, f"{role.name}-alternative"} <= set(all_scenarios())


@pytest.mark.parametrize("role", ROLES, ids=by_name)
def test_a_role_takes_the_public_defaults(role: Path) -> None:
    if role.name == "settings":
        return
    meta = yaml.safe_load((role / "meta" / "main.yml").read_text(encoding="utf-8"))
    assert "settings" in [dependency["role"] for dependency in meta["dependencies"]]


@pytest.mark.parametrize("role", ROLES, ids=by_name)
def test_defaults_and_specs_agree(role: Path) -> None:
    assert list(differences(load_role(role), public_options())) == []


def test_readmes_are_current() -> None:
    assert role_readme.stale_readmes(write=False) == []


def test_scenarios_are_named_after_roles() -> None:
    assert {role_of(name) for name in all_scenarios()} <= {role.name for role in ROLES}
    assert set(all_scenarios()) >= LONG | set(NO_CHECK) | set(NO_IDEMPOTENCE)


def _sequence(scenario: str) -> list[str]:
    """The steps of `molecule test`: the scenario's own, else those of the shared base."""
    own, shared = (
        yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))["scenario"]
        for name in (f"molecule/{scenario}/molecule.yml", ".config/molecule/config.yml")
    )
    return list(own.get("test_sequence", shared["test_sequence"]))


@pytest.mark.parametrize("scenario", all_scenarios())
def test_a_scenario_asserts_check_mode_and_idempotence_and_clears_away(scenario: str) -> None:
    steps = _sequence(scenario)
    assert steps[-2:] == ["cleanup", "destroy"]
    assert ("check" in steps) is (scenario not in NO_CHECK)
    assert [
        after for step, after in pairwise(steps) if step == "check" and after != UNCHANGED
    ] == []
    assert ("idempotence" in steps) is (scenario not in NO_IDEMPOTENCE)
    folder = ROOT / "molecule" / scenario
    assert ("side_effect" in steps) is (folder / "side_effect.yml").is_file()
    assert "side_effect" not in steps or "verify" in steps[steps.index("side_effect") :]


def _set_in(found: object) -> set[str]:
    """The variables that a playbook's plays, imports and tasks set for themselves."""
    if isinstance(found, list):
        return set().union(*map(_set_in, found))
    if not isinstance(found, dict):
        return set()
    own = found.get("vars")
    return set(own if isinstance(own, dict) else ()) | _set_in(list(found.values()))


@pytest.mark.parametrize("scenario", all_scenarios())
def test_a_scenario_sets_no_variable_in_vain(scenario: str) -> None:
    # vars.yml has extra variables, which win over all others: a verify.yml that sets one again tries something else
    # than it says.
    folder = ROOT / "molecule" / scenario
    extra = yaml.safe_load((folder / "vars.yml").read_text(encoding="utf-8")) or {}
    playbooks = [path for path in folder.glob("*.yml") if path.stem not in {"vars", "molecule"}]
    set_again = {
        path.name: sorted(both)
        for path in playbooks
        if (both := set(extra) & _set_in(yaml.safe_load(path.read_text(encoding="utf-8"))))
    }
    assert set_again == {}


def test_only_preflight_by_itself_goes_past_a_run_at_work() -> None:
    checks_first = {
        path.stem: text
        for path in files("playbooks/*.yml")
        if "preflight" in (text := path.read_text(encoding="utf-8")) and path.stem != "preflight"
    }
    assert {"site", "upgrade", "rollback", "restore", "scale_masters"} <= set(checks_first)
    careless = [
        name
        for name, text in checks_first.items()
        if ("preflight.yml" in text or "role: preflight" in text)
        and "__preflight_goes_on: true" not in text
    ]
    assert careless == []


def _line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_are_small() -> None:
    limits = {"roles/*/tasks/*.yml": 100, "playbooks/*.yml": 40, "*.py": 400}
    too_long = {
        relative(path): lines
        for pattern, limit in limits.items()
        for path in files(pattern)
        if (lines := _line_count(path)) > limit
    }
    assert too_long == {}


def test_site_looks_at_the_markers_where_nothing_changed_too() -> None:
    """A run that dies between Helm's part and the markers leaves them to the next, which changes nothing else."""
    [task] = yaml.safe_load((ROOT / "roles/alluxio/tasks/marker.yml").read_text(encoding="utf-8"))
    assert "alluxops.cache.journal_marker" in task
    assert "when" not in task
    main = yaml.safe_load((ROOT / "roles/alluxio/tasks/main.yml").read_text(encoding="utf-8"))
    [marks] = [step for step in main if step.get("ansible.builtin.import_tasks") == "marker.yml"]
    assert "when" not in marks
    # Pins may take minutes, and what kills the run meanwhile is not to leave the markers as they were.
    steps = [step.get("ansible.builtin.import_tasks") for step in main]
    assert steps.index("marker.yml") < steps.index("pins.yml")


def test_only_the_main_path_of_a_role_undoes_a_release() -> None:
    """What site deploys may be put back. Steps of other verbs build on journals that changed meanwhile."""
    texts = {
        relative(path): path.read_text(encoding="utf-8") for path in files("roles/*/tasks/*.yml")
    }
    undoing = {name for name, text in texts.items() if "failed_revision:" in text}
    assert undoing == {"roles/alluxio/tasks/undo.yml", "roles/zookeeper/tasks/undo.yml"}
    including = {
        name for name, text in texts.items() if "undo" in text.replace("undone", "")
    } - undoing
    assert including == {"roles/alluxio/tasks/main.yml", "roles/zookeeper/tasks/ensemble.yml"}
    whole = [
        relative(path)
        for pattern in ("playbooks/*.yml", "roles/*/tasks/*.yml")
        for path in files(pattern)
        if re.search(
            r"(?:role|name): alluxio, rolespec|role: alluxio\s*$", path.read_text(), re.MULTILINE
        )
    ]
    assert whole == ["playbooks/site.yml"]
