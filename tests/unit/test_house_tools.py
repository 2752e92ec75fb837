"""The decisions of tools/: which checks, scenarios and counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import changelog, markup, role_readme, run_tests, scenarios
from tools.role_specs import NO_DEFAULT, Option, Role, differences

SCENARIOS = ["backup", "helm", "helm-alternative", "volumes"]
"""backup is long."""


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        (["roles/helm/tasks/main.yml"], ["helm", "helm-alternative"]),
        (["molecule/helm-alternative/molecule.yml"], ["helm-alternative"]),
        (["molecule/volumes/verify.yml", "README.md"], ["volumes"]),
        (["README.md", "src/alluxops/run.py"], []),
        (
            ["collections/ansible_collections/alluxops/cache/plugins/action/lease.py"],
            ["helm", "helm-alternative", "volumes"],
        ),
        (["roles/settings/defaults/main.yml"], ["helm", "helm-alternative", "volumes"]),
        (["roles/backup/tasks/main.yml"], ["backup"]),
        (["charts/alluxio/values.yaml", "roles/backup/tasks/main.yml"], SCENARIOS),
    ],
)
def test_a_change_asks_for_the_scenarios_of_what_it_touches(
    changed: list[str], wanted: list[str]
) -> None:
    assert scenarios.scenarios_of_change(SCENARIOS, changed) == wanted


def test_a_change_of_a_role_that_no_scenario_tries_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    changed = ["roles/kelm/tasks/main.yml", "charts/a.yaml"]
    assert "helm" in scenarios.scenarios_of_change(SCENARIOS, changed)  # the role is gone
    (tmp_path / "roles/kelm").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no molecule scenario .* roles kelm$"):
        scenarios.scenarios_of_change(SCENARIOS, changed)


def test_changed_chooses_from_all_scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"roles/remove_workers/tasks/clean.yml"}
    monkeypatch.setattr(run_tests, "base_commit", lambda: "HEAD")
    monkeypatch.setattr(run_tests, "changed_files", lambda _: changed)
    wanted = ["remove_workers", "remove_workers-alternative"]
    assert run_tests.chosen_scenarios({"CHANGED": "1"}) == wanted
    assert not set(wanted) & set(run_tests.chosen_scenarios({}))
    assert not scenarios.LONG & set(run_tests.chosen_scenarios({}))


def test_a_role_without_scenarios_is_refused_by_name() -> None:
    assert scenarios.scenarios_of_role(SCENARIOS, "helm") == ["helm", "helm-alternative"]
    with pytest.raises(ValueError, match=r"ROLE=kelm has no molecule scenario; .* helm, volumes"):
        scenarios.scenarios_of_role(SCENARIOS, "kelm")


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        (["roles/helm/tasks/main.yml"], ["roles/helm/tasks/main.yml"]),
        (["roles/helm/tasks/main.yml", "changelogs/fragments/7-helm.yml"], []),
        (["roles/helm/README.md", "tests/unit/test_house_docs.py", "Makefile"], []),
        (["site.yml", "changelogs/changelog.yaml"], []),
    ],
)
def test_what_users_get_needs_a_fragment(changed: list[str], missing: list[str]) -> None:
    assert changelog.missing_fragment(changed) == missing


def _junit(folder: Path, suite: str) -> Path:
    path = folder / "junit.xml"
    path.write_text(f"<testsuites><testsuite {suite}/></testsuites>", encoding="utf-8")
    return path


def test_counts_come_from_pytest(tmp_path: Path) -> None:
    report = _junit(tmp_path, 'tests="9" failures="1" errors="2" skipped="1"')
    assert run_tests.read_junit(report, 1) == run_tests.Tally(5, 3, 1)


def test_a_run_that_died_counts_as_a_failure(tmp_path: Path) -> None:
    assert run_tests.read_junit(tmp_path / "none.xml", 4) == run_tests.Tally(0, 1)
    report = _junit(tmp_path, 'tests="2" failures="0" errors="0" skipped="0"')
    assert run_tests.read_junit(report, 3) == run_tests.Tally(2, 1)


def test_the_closing_line_is_the_one_that_ci_reads() -> None:
    results = {"lint": (run_tests.Tally(11, 0), 60.0), "unit": (run_tests.Tally(3, 1, 1), 5.0)}
    lines = run_tests.summary(["lint", "unit", "molecule"], results).splitlines()
    assert lines[-1] == "14 passed, 1 failed, 1 skipped"
    assert lines[2].endswith("did not run")


def _option(name: str, default: object = NO_DEFAULT, kind: str = "str") -> Option:
    return Option(name, kind, (f"Says {name} | more.",), False, default, (), False)


def _role(options: list[Option], defaults: dict[str, object]) -> Role:
    return Role("r", Path("roles/r"), "Try it", (), tuple(options), defaults)


@pytest.mark.parametrize(
    ("option", "defaults", "said"),
    [
        (_option("r_a", 1), {"r_a": 1}, None),
        (_option("r_a", 1), {"r_a": "1"}, "is '1' in defaults/main.yml but 1 in"),
        (_option("r_a", 1), {}, "but not in defaults/main.yml"),
        (_option("r_a"), {"r_a": 1}, "without default in argument_specs.yml"),
        (_option("r_a"), {"r_b": 1}, "r_b has a default but is not in meta"),
        (_option("public", kind="int"), {}, "is int [] here but str [] in roles/settings"),
    ],
)
def test_defaults_are_compared_by_name_and_value(
    option: Option, defaults: dict[str, object], said: str | None
) -> None:
    found = list(differences(_role([option], defaults), {"public": _option("public", "x")}))
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_a_readme_shows_the_public_default() -> None:
    text = role_readme.render(_role([_option("public")], {}), {"public": _option("public", "x")})
    assert "| `public` | str | `x` | Says public \\| more. |" in text


def test_ansible_markup_becomes_markdown() -> None:
    assert markup.markdown("set O(state=absent) in C(a.yml), B(never) both") == (
        "set `state=absent` in `a.yml`, **never** both"
    )
