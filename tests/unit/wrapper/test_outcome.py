from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from alluxops import outcome as outcome_module
from alluxops.events import (
    Event,
    HostEnded,
    Message,
    NoHosts,
    PlayStarted,
    Stats,
    Status,
    TaskStarted,
)
from alluxops.failure import explain
from alluxops.outcome import Outcome, Recorder
from alluxops.request import RunRequest
from alluxops.verbs import closing_lines
from ansible_collections.alluxops.cache.plugins.module_utils import node_report

OURS = "Error: alluxio_masters is 2 (cache.yml:14).\nCause: No majority.\nFix: set 1."


def ended(status: Status, task: str = "T", host: str = "n1", **result: Any) -> HostEnded:
    return HostEnded(host, task, "settings", f"{task}.yml:1", status, result)


def stats(**changed: int) -> Stats:
    return Stats(("n1",), changed, {})


DEPLOY = PlayStarted("Deploy the cache")
CHANGED = ended(Status.CHANGED, task="Change", changed=True)
REFUSED = ended(Status.FAILED, msg=OURS, refused=True)
FAILED = ended(Status.FAILED, task="Break", msg="broken")
UNREACHABLE = ended(Status.UNREACHABLE, msg="No route to host", unreachable=True)
NO_ROOT = ended(Status.FAILED, task="Look", msg="Task failed: Incorrect sudo password")
SPEC = ended(Status.FAILED, msg="Validation of arguments failed", argument_errors=["a is wrong"])


def outcome(
    *events: Event, code: int | None, check: bool = False, cancelled: bool = False
) -> Outcome:
    recorder = Recorder(check=check)
    for event in events:
        recorder.add(event)
    return recorder.outcome(code, 3.0, cancelled=cancelled)


@pytest.mark.parametrize(
    ("events", "code", "expected"),
    [
        pytest.param([CHANGED, stats(n1=1)], 0, (0, "done"), id="done"),
        pytest.param([FAILED, stats()], 2, (1, "failed"), id="a task failed"),
        pytest.param([REFUSED, stats()], 2, (2, "refused"), id="a bad setting"),
        pytest.param([SPEC, stats()], 2, (2, "refused"), id="an argument specification"),
        pytest.param([UNREACHABLE, stats()], 4, (2, "refused"), id="an unreachable host"),
        pytest.param(
            [CHANGED, REFUSED, stats(n1=1)], 2, (1, "failed"), id="refused after a change"
        ),
        pytest.param(
            [CHANGED, UNREACHABLE, stats(n1=1)], 4, (1, "failed"), id="lost after a change"
        ),
        pytest.param([NO_ROOT, stats()], 2, (2, "refused"), id="a wrong password of sudo"),
        pytest.param(
            [CHANGED, NO_ROOT, stats(n1=1)], 2, (1, "failed"), id="no root after a change"
        ),
        pytest.param(
            [NO_ROOT, CHANGED, stats(n1=1)], 2, (1, "failed"), id="no root, and others went on"
        ),
        pytest.param(
            [FAILED, REFUSED, stats()], 2, (2, "refused"), id="an earlier failure was rescued"
        ),
        pytest.param([FAILED, stats(n1=1)], 0, (0, "done"), id="a failure was rescued"),
        pytest.param([], 4, (2, "refused"), id="the playbook cannot be parsed"),
        pytest.param([], 1, (2, "refused"), id="--limit names nobody"),
        pytest.param([], 250, (1, "failed"), id="Ansible itself broke"),
        pytest.param([CHANGED], None, (1, "failed"), id="the supervisor was killed"),
        pytest.param([], 137, (1, "failed"), id="ansible-playbook was killed"),
        pytest.param([Stats((), {}, {})], 0, (2, "refused"), id="no host matched"),
        pytest.param([], 0, (2, "refused"), id="nothing ran at all"),
    ],
)
def test_exit_code_says_whether_something_was_changed(
    events: list[Event], code: int | None, expected: tuple[int, str]
) -> None:
    result = outcome(*events, code=code)
    assert (result.exit_code, result.result) == expected


def test_check_mode_changes_nothing_so_a_refusal_stays_one() -> None:
    assert outcome(CHANGED, REFUSED, stats(n1=1), code=2, check=True).exit_code == 2


def test_a_module_that_failed_half_way_counts_as_touched() -> None:
    half = ended(Status.FAILED, task="Half", msg="x", changed=True)
    result = outcome(half, REFUSED, code=2)
    assert result.exit_code == 1
    assert result.changed_total == 0


def test_cancelled_is_its_own_result() -> None:
    result = outcome(CHANGED, code=130, cancelled=True)
    assert (result.exit_code, result.result, result.was_killed) == (1, "cancelled", False)


def test_what_set_stats_published_is_kept_even_without_the_final_stats() -> None:
    published = ended(
        Status.OK, ansible_stats={"data": {"alluxops_report": {"healthy": True}}, "per_host": False}
    )
    assert outcome(published, code=2).report == {"healthy": True}


def test_a_failure_is_told_whole_with_host_and_task() -> None:
    lines = explain(outcome(REFUSED, stats(), code=2), RunRequest("site"))
    assert lines == [
        "FAILED  settings : T  on n1",
        *OURS.splitlines(),
        "",
        "Nothing was changed.",
    ]


def test_hosts_with_one_message_are_told_once() -> None:
    same = [ended(Status.FAILED, host=host, msg="broken", stderr="why") for host in ("n1", "n2")]
    text = "\n".join(explain(outcome(CHANGED, *same, code=2), RunRequest("site")))
    assert text.count("broken") == 1
    assert "on n1 n2" in text
    assert "why" in text
    assert "T.yml:1" in text
    assert "1 change" in text
    assert "run `alluxops site` again" in text


def test_an_error_that_a_rescue_repeats_is_told_once() -> None:
    again = ended(Status.FAILED, task="Say why", msg=f"{OURS}\nThe first install was removed.")
    text = "\n".join(explain(outcome(CHANGED, REFUSED, again, code=2), RunRequest("site")))
    assert text.count("alluxio_masters is 2") == 1
    assert "Say why" in text
    assert "The first install was removed." in text


@pytest.mark.parametrize("output", [{}, {"stderr": "why"}])
def test_a_failure_that_is_only_said_again_is_told_where_it_was(output: dict[str, str]) -> None:
    first = ended(Status.FAILED, msg=OURS, refused=True, **output)
    again = ended(Status.FAILED, task="Fail with what failed", msg=OURS)
    result = outcome(first, again, code=2)
    assert [failure.task for failure in result.failures] == ["T"]
    assert (result.exit_code, result.result) == (2, "refused")
    other = outcome(first, ended(Status.FAILED, host="n2", msg=OURS), code=2)
    assert [failure.host for failure in other.failures] == ["n1", "n2"]


@pytest.mark.parametrize(
    "said",
    [
        "Task failed: Missing sudo password",
        "Task failed: Incorrect su password",
        # A local connection quotes sudo.
        "Task failed: Premature end of stream waiting for become success.\n>>> Standard Error\nsudo: no",
    ],
)
def test_without_root_the_fix_is_told_with_the_hosts(said: str) -> None:
    same = [ended(Status.FAILED, host=host, msg=said) for host in ("n1", "n2")]
    result = outcome(*same, code=2)
    lines = explain(result, RunRequest("remove-workers"))
    assert result.exit_code == 2
    assert lines[1:-3] == said.splitlines()
    assert "ansible_become_password for n1 n2" in lines[-3]
    assert lines[-1] == "Nothing was changed."


def test_the_collection_knows_the_same_words() -> None:
    assert outcome_module.NO_ROOT == node_report.NO_ROOT


def test_a_password_that_a_command_speaks_of_is_not_that_of_sudo() -> None:
    other = ended(Status.FAILED, msg="non-zero return code", stderr="Incorrect registry password")
    assert outcome(other, code=2).exit_code == 1


def test_failed_items_of_a_loop_are_told() -> None:
    loop = ended(
        Status.FAILED,
        msg="One or more items failed",
        results=[{"item": "a", "failed": True, "msg": "a is bad"}, {"item": "b", "msg": "fine"}],
    )
    text = "\n".join(explain(outcome(loop, code=2), RunRequest("site")))
    assert "- a: a is bad" in text
    assert "fine" not in text


def test_a_censored_result_stays_censored() -> None:
    hidden = ended(Status.FAILED, censored="hidden by no_log")
    assert outcome(hidden, code=2).failures[0].message == "hidden by no_log"


def test_an_error_before_the_first_task_is_told() -> None:
    result = outcome(
        Message("[WARNING]: odd", is_warning=True),
        Message("[ERROR]: YAML parsing failed."),
        Message("Origin: site.yml:3"),
        code=4,
    )
    text = "\n".join(explain(result, RunRequest("site")))
    assert text.startswith("Error: YAML parsing failed.\n  Origin: site.yml:3")
    assert "odd" not in text


def test_lines_of_a_run_that_goes_on_are_not_taken_for_its_error() -> None:
    task = TaskStarted("T", "", "")
    result = outcome(Message("[ERROR]: ignored"), task, Message("chatter"), FAILED, code=2)
    assert "chatter" not in "\n".join(result.messages)


def test_no_hosts_is_explained() -> None:
    result = outcome(Stats((), {}, {}), code=0)
    text = "\n".join(explain(result, RunRequest("site", limit="n9")))
    assert "no host matched" in text
    assert "--limit n9" in text


ROUTINE = ended(Status.OK, task="Validating arguments against arg spec 'main'")


def test_tags_that_no_task_has_are_refused() -> None:
    """The tasks that Ansible adds by itself run with any tag."""
    for events in ([ROUTINE, stats()], [Stats((), {}, {})]):
        result = outcome(*events, code=0)
        assert (result.exit_code, result.result) == (2, "refused")
        text = "\n".join(explain(result, RunRequest("site", tags=("nosuchtag",))))
        assert "no task ran with --tags nosuchtag" in text
        assert "no host" not in text
    assert outcome(ROUTINE, ended(Status.SKIPPED), stats(), code=0).exit_code == 0


def test_plays_that_the_limit_left_out_are_told() -> None:
    result = outcome(ended(Status.OK), NoHosts("Deploy the cache"), stats(), code=0)
    lines = closing_lines(result, RunRequest("site", limit="n2"))
    assert "  skipped   Deploy the cache: no host of it is in --limit n2" in lines
    # Without a limit a group may well be empty.
    assert not any("skipped" in line for line in closing_lines(result, RunRequest("site")))


@pytest.mark.parametrize(
    ("events", "told"),
    [([CHANGED, stats(n1=1)], "Stopped after 1 change"), ([DEPLOY], "may have begun one")],
)
def test_a_stopped_run_says_what_remains(events: list[Event], told: str) -> None:
    lines = explain(outcome(*events, code=130, cancelled=True), RunRequest("site", limit="n4"))
    assert told in lines[-1]
    # Without the limit it would be begun on other hosts too.
    assert "run `alluxops site --limit n4` again: it converges" in lines[-1]
    lines = explain(outcome(*events, code=130, cancelled=True), RunRequest("site", limit="n4:!n5"))
    assert "run `alluxops site --limit 'n4:!n5'` again" in lines[-1]


def test_a_release_that_was_undone_is_not_said_to_stay() -> None:
    undone = ended(Status.FAILED, msg=f"{OURS}\nRolled back to revision 1.")
    said = explain(outcome(CHANGED, undone, stats(n1=1), code=2), RunRequest("site"))[-1]
    assert said.startswith("Not finished after 1 change; the release was undone, what else is done")
    kept = explain(outcome(CHANGED, FAILED, stats(n1=1), code=2), RunRequest("site"))[-1]
    assert "; what is done stays" in kept


@pytest.mark.parametrize("verb", ["status", "verify", "preflight"])
def test_what_only_reads_has_changed_nothing(verb: str) -> None:
    stopped = explain(outcome(DEPLOY, code=130, cancelled=True), RunRequest(verb))
    assert stopped[-1] == "Stopped. Nothing was changed."
    failed = explain(outcome(DEPLOY, FAILED, stats(), code=2), RunRequest(verb))
    assert failed[-1] == "Nothing was changed."


@pytest.mark.parametrize(
    "verb", ["site", "upgrade", "restore", "scale-masters", "rollback", "bootstrap-workers"]
)
def test_a_run_that_still_checks_has_changed_nothing(verb: str) -> None:
    playbook = Path(__file__).parents[3] / "playbooks" / f"{verb.replace('-', '_')}.yml"
    first = yaml.safe_load(playbook.read_text())[0]["name"]
    for events in ([], [PlayStarted(first)]):
        stopped = explain(outcome(*events, code=130, cancelled=True), RunRequest(verb))
        assert stopped[-1] == "Stopped. Nothing was changed."
    failed = explain(outcome(PlayStarted(first), FAILED, stats(), code=2), RunRequest(verb))
    assert failed[-1] == "Nothing was changed."


def test_a_backup_is_not_said_to_converge() -> None:
    """Each makes a new one."""
    failed = explain(outcome(DEPLOY, FAILED, stats(), code=2), RunRequest("backup"))
    assert failed[-1] == (
        "No task had finished a change. After the repair, run `alluxops backup` again."
    )


PARSING = [Message("[ERROR]: YAML parsing failed: While parsing a flow node did not find content.")]
NO_INVENTORY = [Message("[ERROR]: Completely failed to parse inventory source /x/README.md")]


@pytest.mark.parametrize("given", [".", "hosts.yml"])
def test_broken_yaml_is_located(tmp_path: Path, given: str) -> None:
    """Ansible tells of variables only that they are broken."""
    (tmp_path / "hosts.yml").write_text("all: {hosts: {n1: }}\n")
    broken = tmp_path / "group_vars" / "all" / "20-cache.yml"
    broken.parent.mkdir(parents=True)
    (broken.parent / "10-vault.yml").write_text(
        "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n"
    )
    broken.write_text("a: 1\nb: {x: ]\n")
    lines = explain(outcome(*PARSING, code=4), RunRequest("site"), (str(tmp_path / given),))
    assert any(line.startswith(f"Cause: {broken}:2: ") for line in lines)
    assert any(line.startswith("Fix: ") for line in lines)
    broken.write_text("a: 1\nb: {x: [\nc: 2\n")
    lines = explain(outcome(*PARSING, code=4), RunRequest("site"), (str(tmp_path / given),))
    assert any(line.startswith(f"Cause: {broken}:2: ") for line in lines)


def test_what_is_no_inventory_has_a_fix(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# Hello\n")
    lines = explain(outcome(*NO_INVENTORY, code=1), RunRequest("site"), (str(readme),))
    assert any(line.startswith("Fix: Name your inventory with -i") for line in lines)
