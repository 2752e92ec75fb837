"""The command against real playbooks, run by the real ansible-runner on this machine."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from alluxops.events import Event, HostEnded, Status, Waiting
from alluxops.project import Project
from alluxops.request import RunRequest, Surroundings
from alluxops.run import here, prepare
from tests.unit.wrapper.conftest import COLLECTION, THREE_HOSTS, Playground

pytestmark = pytest.mark.timeout(600)

REPORT = {
    "release": "cache", "namespace": "ns", "version": "", "endpoints": [], "healthy": True, "problems": [],
    "cluster": {"version": "1.34.4", "platform": "openshift", "nodes": []},
    "masters": [{"pod": "cache-master-0", "node": "n1", "ready": "2/2", "role": "leader"}],
    "workers": [{"pod": "w", "node": "n2", "ready": "2/2", "registered": True,
                 "capacity_bytes": 1073741824, "used_bytes": 0}],
    "verify": None,
}  # fmt: skip

PUBLISH = """
    - name: Publish
      ansible.builtin.set_stats: {{per_host: false, data: {{alluxops_report: {report}}}}}
"""

PLAY = """\
- name: First play
  hosts: all
  gather_facts: false
  tasks:
    - name: Nothing new
      ansible.builtin.debug: {msg: hello}
    - name: Something new
      ansible.builtin.debug: {msg: hello}
      changed_when: inventory_hostname == 'n2'
"""


def with_task(task: str) -> str:
    return PLAY + "".join(f"    {line}\n" for line in task.splitlines())


def test_a_run_tells_its_events_and_its_outcome(playground: Playground) -> None:
    playground.playbook("site", PLAY + PUBLISH.format(report=json.dumps(REPORT)))
    playground.action(
        "waiter", "Display().display('waiting: for it (5 s)')\nreturn {'changed': False}"
    )
    path = playground.repository / "playbooks" / "site.yml"
    path.write_text(path.read_text() + "    - {name: Wait, waiter: }\n")
    surroundings = Surroundings(playground.work, playground.environment(), here().bin_dir)
    events: list[Event] = []
    with prepare(
        RunRequest("site"), Project("repository", playground.repository), surroundings
    ) as run:
        outcome = run.execute(events.append)
        assert stat.S_IMODE(run.directory.stat().st_mode) == 0o700
        # What tasks returned is not kept on disk.
        assert [f for f in run.directory.rglob("*") if f.is_file() and f.suffix == ".json"] == []
    assert (outcome.exit_code, outcome.changed, outcome.tasks) == (0, {"n2": 1}, 4)
    assert outcome.report == REPORT
    changed = [e for e in events if isinstance(e, HostEnded) and e.status is Status.CHANGED]
    assert [(event.host, event.task) for event in changed] == [("n2", "Something new")]
    assert Waiting("for it (5 s)") in events
    assert playground.run_directories() == []


def test_the_command_prints_lines_a_summary_and_writes_history(playground: Playground) -> None:
    playground.playbook("site", PLAY + PUBLISH.format(report=json.dumps(REPORT)))
    done = playground.run("deploy")
    assert done.returncode == 0, done.stderr
    assert "PLAY First play" in done.stdout
    assert "changed: n2" in done.stdout
    assert "\x1b" not in done.stdout
    head = next(line for line in done.stdout.splitlines() if line.startswith("cache in ns"))
    assert "(OpenShift 1.34.4)" in head
    assert head.endswith("1 changed")
    assert "1/1  cache-master-0 on n1" in done.stdout
    entry = json.loads(playground.history().read_text())
    assert (entry["verb"], entry["result"], entry["changed"]) == ("site", "done", 1)


def test_json_is_alone_whichever_stream_is_read(playground: Playground) -> None:
    playground.playbook("status", PLAY + PUBLISH.format(report=json.dumps(REPORT)))
    done = playground.run("status", "--json")
    assert json.loads(done.stdout) == {**REPORT, "exit_code": 0}
    assert done.stderr == ""


@pytest.mark.parametrize("words", [["site"], ["deploy"], ["site", "--check"]])
def test_a_verb_that_changes_something_tells_its_result_as_json_alone(
    playground: Playground, words: list[str]
) -> None:
    playground.playbook("site", PLAY + PUBLISH.format(report=json.dumps(REPORT)))
    done = playground.run(*words, "--json")
    told = json.loads(done.stdout)
    assert {name: told[name] for name in REPORT if name != "notes"} == REPORT
    assert (told["verb"], told["result"], told["exit_code"]) == ("site", "done", 0)
    assert told["changed"] == {"n2": 1}
    assert told["check"] is ("--check" in words)
    assert done.stderr == ""


def test_a_failed_run_tells_its_errors_as_json(playground: Playground) -> None:
    playground.playbook("backup", with_task(BREAK))
    done = playground.run("backup", "--json")
    told = json.loads(done.stdout)
    assert (told["verb"], told["result"], told["exit_code"]) == ("backup", "failed", 1)
    assert told["problems"] == ["It is broken."]
    assert "healthy" not in told
    assert "It is broken." in done.stderr


def test_an_unhealthy_report_is_exit_code_1(playground: Playground) -> None:
    sick = {**REPORT, "healthy": False, "problems": ["worker w is gone."]}
    playground.playbook("status", PLAY + PUBLISH.format(report=json.dumps(sick)))
    done = playground.run("status")
    assert done.returncode == 1
    assert "worker w is gone." in done.stdout


def test_the_exit_code_in_json_and_history_is_that_of_the_process(playground: Playground) -> None:
    sick = {**REPORT, "healthy": False, "problems": ["worker w is gone."]}
    playground.playbook("status", PLAY + PUBLISH.format(report=json.dumps(sick)))
    done = playground.run("status", "--json")
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (1, 1)
    assert json.loads(playground.history().read_text())["exit_code"] == 1
    checked = playground.run("status", "--json", "--check")
    assert (checked.returncode, json.loads(checked.stdout)["exit_code"]) == (0, 0)


REFUSE = """\
- name: Check settings
  refuse:
"""
ARGUMENTS = """\
- name: Check arguments
  ansible.builtin.validate_argument_spec:
    argument_spec: {masters: {type: int, required: true}}
    provided_arguments: {masters: two}
"""
BREAK = """\
- name: Break
  ansible.builtin.fail: {msg: It is broken.}
"""
LOSE = """\
- name: Reach
  ansible.builtin.ping:
"""


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        pytest.param(PLAY.replace("'n2'", "'none'") + "    - {name: Check, refuse: }\n", 2, "Fix: set 1", id="refused"),
        pytest.param(with_task(REFUSE), 1, "after 1 change", id="refused after a change"),
        pytest.param(with_task(ARGUMENTS).replace("'n2'", "'none'"), 2, "masters", id="argument spec"),
        pytest.param(with_task(BREAK), 1, "It is broken.", id="failed"),
        pytest.param(
            LOSE_FIRST := "- hosts: lost\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: }]\n",
            2, "UNREACHABLE", id="unreachable",
        ),
        pytest.param(PLAY + LOSE_FIRST, 1, "UNREACHABLE", id="unreachable after a change"),
        pytest.param("- hosts: nobody\n  tasks: []\n", 2, "no host matched", id="no hosts"),
        pytest.param("- hosts: all\n  tasks:\n   - x: [\n", 2, "Error: YAML", id="syntax"),
        pytest.param("- hosts: all\n  roles: [nowhere]\n", 2, "'nowhere' was not found", id="no such role"),
    ],
)  # fmt: skip
def test_exit_codes(playground: Playground, text: str, code: int, told: str) -> None:
    lost = "lost: {hosts: {gone: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}}}\n"
    (playground.repository / "hosts.yml").write_text(THREE_HOSTS + lost)
    playground.action(
        "refuse",
        "return {'failed': True, 'refused': True, 'msg': 'Error: masters is 2.\\nCause: No.\\nFix: set 1.'}",
    )
    (playground.repository / "playbooks" / "site.yml").write_text(text)
    done = playground.run("site")
    assert (done.returncode, told in done.stderr) == (code, True), done.stdout + done.stderr


def test_usage_errors_start_nothing(playground: Playground) -> None:
    playground.playbook("site", PLAY)
    for words in (
        ["-i", "nope"],
        ["-e", "nonsense"],
        ["-e", "@nope.yml"],
        ["--bogus"],
        ["--limit", "n9"],
    ):
        done = playground.run("site", *words)
        assert done.returncode == 2, words
        assert "PLAY" not in done.stdout
        assert done.stderr


def test_options_reach_the_playbook(playground: Playground) -> None:
    playground.playbook(
        "site",
        """\
        - hosts: all
          gather_facts: false
          tasks:
            - name: Write
              ansible.builtin.copy: {content: "{{ text }}", dest: "{{ dest }}", mode: "0600"}
        """,
    )
    (playground.work / "vars.yml").write_text(f"dest: {playground.work}/out\ntext: from the file\n")
    words = ["-C", "-D", "-l", "n1", "-e", "@vars.yml", "-e", "text=from-the-option"]
    done = playground.run("site", *words)
    assert done.returncode == 0, done.stderr
    assert "+from-the-option" in done.stdout
    assert "changed: n1" in done.stdout
    assert "n2" not in done.stdout
    assert "1 would change" in done.stdout
    assert not (playground.work / "out").exists()


def test_host_keys_are_checked_as_the_configuration_says(playground: Playground) -> None:
    """ansible-runner turns it off unless told otherwise."""
    playground.playbook(
        "site",
        """\
        - hosts: n1
          gather_facts: false
          tasks:
            - ansible.builtin.assert:
                that: lookup('ansible.builtin.config', 'HOST_KEY_CHECKING') is true
            - ansible.builtin.assert:
                that: lookup('ansible.builtin.env', 'CI_TOKEN') == ''
        """,
    )
    done = playground.run("site", CI_TOKEN="x")
    assert done.returncode == 0, done.stderr


def test_nothing_asks_on_a_terminal_that_nobody_sees(
    playground: Playground, tmp_path: Path
) -> None:
    playground.playbook(
        "site",
        """\
        - hosts: n1
          gather_facts: false
          vars_prompt: [{name: answer, prompt: Well}]
          tasks: [{ansible.builtin.debug: {var: answer}}]
        """,
    )
    done = playground.run("site")  # would wait for ever
    assert "Well" not in done.stdout


def test_it_works_with_the_installed_collection_alone(playground: Playground) -> None:
    """A package in a site-packages, no repository: the playbooks are those of the collection."""
    library = playground.base / "library"
    library.mkdir()
    (playground.repository / "src" / "alluxops").rename(library / "alluxops")
    root = (
        playground.home / ".ansible" / "collections" / "ansible_collections" / "alluxops" / "cache"
    )
    (root / "playbooks").mkdir(parents=True)
    (root / "plugins").symlink_to(COLLECTION / "plugins")
    text = PLAY + PUBLISH.format(report=json.dumps(REPORT))
    (root / "playbooks" / "site.yml").write_text(text)
    inventory = playground.repository / "hosts.yml"
    done = playground.run("site", "-i", str(inventory), PYTHONPATH=str(library))
    assert done.returncode == 0, done.stderr
    assert "cache in ns (OpenShift 1.34.4)" in done.stdout
