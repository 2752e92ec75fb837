"""The pure parts of tests/chaos and of the file tree's fingerprint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from tests.chaos import __main__ as main_module
from tests.chaos.attempts import TRIES
from tests.chaos.faults import KINDS
from tests.chaos.faults.cut_link import ruleset
from tests.chaos.plan import Strike, plan, present
from tests.chaos.results import Result, as_json, table
from tests.chaos.timeline import Moment, Timeline
from tests.chaos.verbs import NEEDS, VERBS
from tests.integration.cache_under_test import family
from tests.integration.file_tree import parse

KIND_NAMES = list(KINDS)
STRIKE = Strike(3, "site", "dead-node", 0.25, 5.0, 7)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    first = plan(1, 20, ["site", "upgrade"], KIND_NAMES)
    assert first == plan(1, 20, ["site", "upgrade"], KIND_NAMES)
    assert first == plan(1, 20, ["upgrade", "site"], KIND_NAMES[::-1])
    assert first != plan(2, 20, ["site", "upgrade"], KIND_NAMES)


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    assert plan(1, 30, ["site"], KIND_NAMES)[:7] == plan(1, 7, ["site"], KIND_NAMES)


def test_every_fault_meets_every_verb_before_any_pair_comes_again() -> None:
    pairs = len(KIND_NAMES) * len(VERBS)
    strikes = plan(5, pairs + 1, list(VERBS), KIND_NAMES)
    assert len({(strike.verb, strike.fault) for strike in strikes[:pairs]}) == pairs
    assert [strike.number for strike in strikes] == list(range(1, pairs + 2))


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_a_run_has_every_kind_and_a_killed_run_in_every_verb_first(seed: int) -> None:
    verbs = list(VERBS)
    first = plan(seed, len(KIND_NAMES) + len(verbs) - 1, verbs, KIND_NAMES)
    assert {strike.fault for strike in first} == set(KIND_NAMES)
    assert {strike.verb for strike in first if strike.fault == "killed-run"} == set(verbs)
    others = [strike.verb for strike in first if strike.fault != "killed-run"]
    assert {others.count(verb) for verb in verbs} == {1, 2}


def test_what_make_chaos_does_strikes_a_conversion_with_more_than_a_killed_run() -> None:
    assert main_module.options_of([]).faults == 20
    strikes = plan(1, 20, list(VERBS), KIND_NAMES)
    assert {strike.fault for strike in strikes} == set(KIND_NAMES)
    assert len([strike for strike in strikes if strike.verb == "scale-masters"]) >= 3


def test_scaling_goes_through_a_conversion_in_turns() -> None:
    release: Any = SimpleNamespace(masters=3, ha="embedded")
    asked = []
    for number in range(3):
        VERBS["scale-masters"].ask(release, number)
        asked.append((release.masters, release.ha))
    assert asked == [(1, "none"), (3, "embedded"), (1, "none")]


def test_a_strike_falls_within_the_verbs_time() -> None:
    assert all(0 < strike.at < 1 and strike.hold_s > 0 for strike in plan(1, 50, ["site"], ["x"]))


@pytest.mark.parametrize(("verbs", "kinds"), [([], ["x"]), (["site"], [])])
def test_a_plan_of_nothing_is_refused(verbs: list[str], kinds: list[str]) -> None:
    with pytest.raises(ValueError, match="a verb and a kind"):
        plan(1, 3, verbs, kinds)


def test_verbs_without_their_playbooks_are_left_out_with_a_line() -> None:
    there, left_out = present(["site", "restore"], NEEDS, {"site", "backup"})
    assert there == ["site"]
    assert left_out == [
        "restore is left out: there is no playbooks/uninstall.yml or playbooks/restore.yml"
    ]


def test_an_unknown_verb_is_refused() -> None:
    with pytest.raises(ValueError, match="sight: not among site, scale-masters"):
        present(["site", "sight"], NEEDS, {"site"})


@pytest.mark.parametrize(
    ("part", "moment"),
    [
        pytest.param(0.02, Moment(0, 0.2), id="before the first line"),
        pytest.param(0.1, Moment(1, 0.0), id="with a line"),
        pytest.param(0.5, Moment(3, 3.0), id="in a long wait"),
        pytest.param(0.98, Moment(4, 0.8), id="after the last line"),
    ],
)
def test_a_moment_is_a_line_and_some_time_after_it(part: float, moment: Moment) -> None:
    assert Timeline((1.0, 1.5, 2.0, 9.0), 10.0).moment(part) == moment


def test_a_verb_that_nobody_measured_is_struck_by_time_alone() -> None:
    assert Timeline((), 60.0).moment(0.5) == Moment(0, 30.0)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "converged"),
        ({"again": 2}, "NOT CONVERGED: exit code 2"),
        ({"changed": 3}, "NOT CONVERGED: 3 changed afterwards"),
        ({"again": 1, "lost": ("/tree/a is gone",)}, "LOST: /tree/a is gone"),
        ({"error": "LabError: n2 does not boot\nmore"}, "ERROR: LabError: n2 does not boot"),
    ],
)
def test_one_word_says_how_a_strike_ended(change: dict[str, object], outcome: str) -> None:
    result = replace(Result(STRIKE, again=0), **change)  # type: ignore[arg-type]
    assert result.outcome == outcome
    assert result.is_good == (outcome == "converged")


def test_the_report_has_the_seed_and_every_strike() -> None:
    result = Result(STRIKE, "n2, 5 s", "1", 0, 41.6, 0, 812)
    text = table([result])
    assert text.endswith("  converged")
    assert " 42 s " in text
    assert '"seed": 9' in as_json(9, [result])


def test_a_family_is_a_process_and_all_below_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import subprocess as s; s.run(['sleep', '30'])"],
        start_new_session=True,
    ) as parent:
        try:
            found: set[int] = set()
            while len(found) < 2:
                found = family(parent.pid)
            assert parent.pid in found
            assert os.getpid() not in found
        finally:
            for pid in found:
                os.kill(pid, 9)


def test_a_cut_names_only_the_labs_addresses() -> None:
    rules = ruleset(["10.77.5.12", "10.78.82.0/24"])
    assert rules.count("{ 10.77.5.12, 10.78.82.0/24 } drop") == 2


def stat(path: str, **change: str) -> str:
    said = {
        "fileId": "2",
        "name": path.rpartition("/")[2],
        "path": path,
        "length": "2",
        "creationTimeMs": "1795552910228",
        "completed": "true",
        "folder": "true",
        "pinned": "false",
        "pinnedlocation": "[]",
        "inMemoryPercentage": "0",
        "lastModificationTimesMs": "1795552910227",
        "ttl": "-1",
        "ttlAction": "FREE",
        "owner": "alluxio",
        "group": "alluxio",
        "mode": "448",
        "ufsFingerprint": "",
        "acl": "user::rwx,group::---,other::---",
        "defaultAcl": "",
        "xattr": "[]",
        **change,
    }
    body = ", ".join(f"{name}={value}" for name, value in said.items())
    return f"{path} is a directory path.\nURIStatus{{info=FileInfo{{{body}}}, cacheContext=null}}\n"


MOUNT = "s3://datasets  on  /  (s3, capacity=-1B, used=-1B, {}, not shared, properties={{}})\n"


def test_a_tree_is_equal_to_itself_however_much_of_it_is_cached() -> None:
    tree = parse(stat("/t/a") + stat("/t/b") + MOUNT.format("not read-only"))
    again = parse(
        stat("/t/b", inMemoryPercentage="100") + stat("/t/a") + MOUNT.format("not read-only")
    )
    assert tree.mounts == ("s3://datasets on / not read-only, not shared",)
    assert sorted(tree.entries) == ["/t/a", "/t/b"]
    assert tree.differences(again) == []
    assert tree.fingerprint == again.fingerprint


@pytest.mark.parametrize(
    ("after", "difference"),
    [
        ("", "/t/a is gone"),
        (stat("/t/a") + stat("/t/b"), "/t/b is new"),
        (stat("/t/a", pinned="true"), "/t/a: pinned=false is now pinned=true"),
        (stat("/t/a", fileId="9"), "/t/a: fileId=2 is now fileId=9"),
        (
            stat("/t/a", acl="user::rwx,user:guest:r-x,group::---"),
            "/t/a: acl=user::rwx,group::---,other::--- is now acl=user::rwx,user:guest:r-x,group::---",
        ),
        (
            stat("/t/a", defaultAcl="default:user:guest:rwx"),
            "/t/a: defaultAcl= is now defaultAcl=default:user:guest:rwx",
        ),
    ],
)
def test_a_difference_names_the_entry_and_what_changed(after: str, difference: str) -> None:
    mount = MOUNT.format("read-only")
    before, now = parse(stat("/t/a") + mount), parse(after + mount)
    assert before.differences(now) == [difference]
    assert before.fingerprint != now.fingerprint


def test_a_mount_that_is_gone_is_a_difference() -> None:
    before, after = parse(stat("/t/a") + MOUNT.format("read-only")), parse(stat("/t/a"))
    assert before.differences(after) == ["mount s3://datasets on / read-only, not shared is gone"]


def test_many_differences_are_counted_and_not_all_shown() -> None:
    before = parse("".join(stat(f"/t/{number}") for number in range(50)))
    found = before.differences(parse(""))
    assert len(found) == 21
    assert found[-1] == "and 30 more"


class FakeCampaign:
    """Strikes without a lab: ends as it is told to, and says what was asked of it."""

    asked: ClassVar[list[str]] = []
    ends: ClassVar[dict[int, Result | type[BaseException]]] = {}

    def __init__(self, *_given: object, **_more: object) -> None:
        self.asked.clear()

    def deploy(self) -> None:
        self.asked.append("deploy")

    def calibrate(self, verbs: list[str]) -> None:
        self.asked.append(f"calibrate {' '.join(verbs)}")

    def strike(self, strike: Strike) -> Result:
        self.asked.append(f"strike {strike.number}")
        end = self.ends.get(strike.number, Result(strike, again=0))
        if isinstance(end, Result):
            return replace(end, strike=strike)
        raise end

    def dump(self) -> str:
        self.asked.append("dump")
        return "pods and logs"

    def remove(self) -> None:
        self.asked.append("remove")


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """`python -m tests.chaos` with a fake campaign and without a lab."""
    monkeypatch.setattr(FakeCampaign, "ends", {})
    monkeypatch.setattr(main_module, "Campaign", FakeCampaign)
    monkeypatch.setattr(main_module, "booted", lambda _name: nullcontext({}))
    monkeypatch.setattr(signal, "signal", lambda *_given: None)
    report = ["--json", str(tmp_path / "chaos.json"), "--verbs", "site"]
    return lambda *argv: main_module.main([*argv, *report])


def test_a_good_run_strikes_all_and_takes_everything_away(chaos: Callable[..., int]) -> None:
    assert chaos("--faults", "2") == 0
    assert FakeCampaign.asked == ["deploy", "calibrate site", "strike 1", "strike 2", "remove"]


def test_a_loss_ends_the_run_with_1_the_logs_and_the_way_to_repeat_it(
    chaos: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeCampaign.ends[2] = Result(STRIKE, again=0, lost=("/tree/a is gone",))
    assert chaos("--faults", "5", "--seed", "9") == 1
    assert FakeCampaign.asked[-3:] == ["strike 2", "dump", "remove"]
    assert (tmp_path / "chaos.log").read_text() == "pods and logs"
    assert "--seed 9 --faults 5 --verbs site" in capsys.readouterr().out
    assert json.loads((tmp_path / "chaos.json").read_text())["results"][1]["good"] is False


def test_an_interrupted_run_is_not_good_and_takes_everything_away(
    chaos: Callable[..., int],
) -> None:
    FakeCampaign.ends[2] = KeyboardInterrupt
    assert chaos("--faults", "3") == 1
    assert FakeCampaign.asked[-2:] == ["strike 2", "remove"]


def test_what_hits_nothing_is_struck_again_and_does_not_count(
    chaos: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeCampaign.ends[1] = Result(STRIKE, hit=False)
    assert chaos("--faults", "2") == 1
    tries = ["strike 1"] * TRIES
    assert FakeCampaign.asked == ["deploy", "calibrate site", *tries, "strike 2", "remove"]
    assert f"1 of 2 strikes hit; after {TRIES} tries hit nothing: 1" in capsys.readouterr().out
    results = json.loads((tmp_path / "chaos.json").read_text())["results"]
    assert [result["good"] for result in results] == [False] * TRIES + [True]


def test_one_strike_of_a_run_can_be_repeated(chaos: Callable[..., int]) -> None:
    assert chaos("--faults", "9", "--only", "7") == 0
    assert FakeCampaign.asked == ["deploy", "calibrate site", "strike 7", "remove"]


def test_a_run_can_begin_with_a_later_strike(chaos: Callable[..., int]) -> None:
    assert chaos("--faults", "9", "--from", "8") == 0
    assert FakeCampaign.asked == ["deploy", "calibrate site", "strike 8", "strike 9", "remove"]


def test_a_strike_that_is_repeated_meets_as_many_masters_as_in_the_whole_run() -> None:
    def strike(number: int, verb: str) -> Strike:
        return replace(STRIKE, number=number, verb=verb)

    verbs = ("site", "scale-masters", "site", "scale-masters")
    whole = [strike(number, verb) for number, verb in enumerate(verbs, 1)]
    # One less after the whole run's calibration; the second and fourth bring one of their own.
    assert [main_module.masters_at(whole, [one]) for one in whole] == [1, 3, 3, 1]
    assert main_module.masters_at(whole, whole) == 3
    assert main_module.masters_at(whole, whole[2:]) == 1


@pytest.mark.parametrize("wrong", [("--kinds", "flood"), ("--verbs", "sight"), ("--from", "21")])
def test_names_that_do_not_exist_are_refused_with_2(
    chaos: Callable[..., int], wrong: tuple[str, str]
) -> None:
    if wrong[0] == "--verbs":
        assert main_module.main(list(wrong)) == 2
    else:
        assert chaos(*wrong) == 2
