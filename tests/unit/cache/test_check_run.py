"""What check and repair are asked for is read before anything is looked at; what they come to is told."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.action import repair
from ansible_collections.alluxops.cache.plugins.module_utils import (
    check_report,
    consistency,
    repair_plan,
    settings,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import (
    Asked,
    Content,
    Outcome,
)
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import Compared, Finding
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import check_run
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import ContentCheck
from tests.unit.cache.check_cases import FILE, file_at

OPTIONS: dict[str, Any] = {
    "paths": ["/d/", "/d/x"],
    "content": "sample",
    "sample": 2,
    "seed": 1,
    "datasets": [{"name": "d", "ufs": "s3://b/", "load": True}],
}


@pytest.mark.parametrize("verb", ["check", "repair"])
def test_a_verbs_options_are_those_that_are_read(verb: str) -> None:
    spec = argument_spec(verb)
    assert {*OPTIONS, "report", "wait_timeout_s", "namespace", "release"} <= set(spec)
    assert spec["content"]["choices"] == list(check_report.MODES)


def test_what_is_asked_for_is_read() -> None:
    want, declared = check_run.asked(OPTIONS, "check")
    assert want == Asked(("/d",), "sample", 2, 1)
    assert [one.path for one in declared] == ["/d"]


def test_all_faults_are_told_at_once() -> None:
    wrong = {**OPTIONS, "paths": ["d"], "sample": 0, "datasets": [{"name": "d", "ufs": "foo://b"}]}
    with pytest.raises(ManySettingsErrors) as caught:
        check_run.asked(wrong, "check")
    text = str(caught.value)
    assert "check_paths[0] is 'd'" in text
    assert "check_sample is 0" in text
    assert "No such scheme" in text


def test_a_repair_touches_nothing_that_is_not_named() -> None:
    with pytest.raises(ManySettingsErrors, match="repair_paths is empty"):
        check_run.asked({**OPTIONS, "paths": []}, "repair", needs_paths=True)
    assert check_run.asked({**OPTIONS, "paths": []}, "check")[0].paths == ()


def test_a_confirmed_forgetting_is_told_as_it_is_typed() -> None:
    values = {"repair_forgets": ["/d", "/e"]}
    assert settings._meant("repair_forgets", values) == "/d,/e"
    assert "repair_forgets" in settings.CONFIRMATIONS


class Check:
    """A cache of which everything is the same."""

    cache = SimpleNamespace(
        kube=SimpleNamespace(get=lambda _: {"metadata": {"uid": "u"}}), namespace="n", release="r"
    )
    parts = ()

    def __init__(self) -> None:
        self.read_paths: list[str] = []

    def keep_stores(self) -> None:
        """They are there."""

    def compare(self) -> Compared:
        """Two files are cached, one is not."""
        cold = file_at("/d/cold", cached_bytes=0)
        return Compared((), (FILE, file_at("/d/b"), cold), (), 0, 0)

    def read(self, files: list[consistency.File], _: Any) -> Content:
        """Note which."""
        self.read_paths = [file.path for file in files]
        return Content(len(files), 0, len(files))


@pytest.mark.parametrize(
    ("content", "number", "read"),
    [("all", 1, 2), ("sample", 1, 1), ("sample", 10, 2), ("none", 1, 0)],
)
def test_content_is_read_of_those_asked_for(
    content: Any, number: int, read: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    check = Check()
    want = Asked(("/d",), content, number, 0)
    outcome = check_run.look(cast("ContentCheck", check), want, "check")
    assert (len(check.read_paths), outcome.content.read) == (read, read)
    assert "/d/cold" not in check.read_paths


class Killed(Check):
    """One that is interrupted once it has proven a file. found: what was proven before, by path."""

    def read(self, files: list[consistency.File], proofs: Any) -> Content:
        """Prove the first."""
        self.found: dict[str, str] = proofs.read()
        proofs.add(files[:1])
        raise CacheError("killed")


def test_a_repair_takes_up_no_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since then a worker may be lost and its files loaded anew: nobody has read these copies."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    check = Killed()
    found = []
    for verb in ("check", "repair", "check", "repair"):
        with pytest.raises(CacheError, match="killed"):
            check_run.look(cast("ContentCheck", check), Asked(("/d",), "all", 1, 0), verb)
        found.append(len(check.found))
    assert found == [0, 0, 1, 1]


class Unmounted(Check):
    """One whose stores do not answer by the time all is read. found: what was proven before, by path."""

    def read(self, files: list[consistency.File], proofs: Any) -> Content:
        """Prove all."""
        self.found: dict[str, str] = proofs.read()
        proofs.add(files)
        return super().read(files, proofs)

    def keep_stores(self) -> None:
        """They do not answer."""
        raise CacheError("no proxy answers")


def test_what_is_proven_is_kept_until_the_stores_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repair whose first step cannot be done does not read all of it once more."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    check = Unmounted()
    found = []
    for _ in range(2):
        with pytest.raises(CacheError, match="no proxy"):
            check_run.look(cast("ContentCheck", check), Asked(("/d",), "all", 1, 0), "repair")
        found.append(len(check.found))
    assert found == [0, 2]


def test_a_repair_shows_what_is_wrong_and_what_is_done() -> None:
    found = Finding("/d/a", consistency.CHANGED, "why")
    clash = Finding("/d/z", consistency.CLASH, "two")
    compared = replace(Check().compare(), findings=(found, clash))
    outcome = Outcome(Asked(("/d",), "none", 1, 0), (), compared, Content())
    plan = repair_plan.plan(outcome.findings, {"/d/a": FILE}, lambda _: False)
    result = repair._result(outcome, plan, list(plan.left), "cache repair", "/r.json")
    assert result["changed"]
    assert result["diff"]["before"] == "/d/a: changed, why\n"
    assert result["diff"]["after"] == "/d/a: learn it from the store again, load it\n"
    assert result["told"] == "1 two versions"
    idle = repair._result(
        replace(outcome, compared=replace(compared, findings=())),
        repair_plan.Plan((), ()), [], "cache repair", "/r.json",
    )  # fmt: skip
    assert (idle["changed"], idle["told"], idle["diff"]["after"]) == (False, "", "")


def test_what_fails_in_a_repair_is_no_refusal() -> None:
    with pytest.raises(CacheError, match="cannot be listed") as caught, repair._no_refusal():
        raise SettingsError("s3://b/ cannot be listed", "why", "fix")
    assert not caught.value.refused


def test_what_failed_is_told_once_a_path() -> None:
    failed = [Finding("/d/b", consistency.LOST, "first")]
    again = (Finding("/d/b", consistency.CHANGED, "second"), Finding("/d/a", consistency.ADDED, ""))
    assert [one.detail for one in repair._united(failed, again, [])] == ["", "first"]


def test_what_was_done_is_in_the_report_though_the_last_look_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails then takes nothing from what is known by then."""
    changed = Finding("/d/a", consistency.CHANGED, "why")
    compared = replace(Check().compare(), findings=(changed,))
    outcome = Outcome(Asked(("/d",), "none", 1, 0), (), compared, Content())

    def compare() -> Compared:
        raise SettingsError("s3://b/ cannot be listed", "why", "fix")

    check = SimpleNamespace(
        compare=compare, known={"/d/a": FILE}, stored={}, parts=(), is_to_be_loaded=bool
    )
    done = SimpleNamespace(owed=[], apply=lambda *_: [Finding("/d/a", consistency.LOST, "short")])
    monkeypatch.setattr(repair, "opened", lambda *_: nullcontext(check))
    monkeypatch.setattr(check_run, "look", lambda *_: outcome)
    monkeypatch.setattr(repair, "Repair", lambda *_: done)
    action = SimpleNamespace(check_mode=False)
    report = tmp_path / "r.json"
    options = {
        **OPTIONS,
        "namespace": "n",
        "release": "r",
        "report": str(report),
        "wait_timeout_s": 1,
        "forgets": [],
    }
    with pytest.raises(CacheError, match="cannot be listed"):
        repair.ActionModule.act(cast("Any", action), cast("Any", None), options)
    told = json.loads(report.read_text())
    assert (told["done"], [one["detail"] for one in told["left"]]) == (True, ["short"])
