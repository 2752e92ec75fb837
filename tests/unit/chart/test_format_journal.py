"""The guard before the journal's formatting, run for real with bash on directories.

`alluxio formatJournal` is played by a script that does to a directory what the real one does: erases it, then writes.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.unit.chart.rendering import CHART, Chart

SCRIPT = CHART / "files" / "format-journal.sh"

FORMATTER = """#!/bin/bash
[[ "$*" == formatJournal ]] || exit 64
[[ -z "${FAIL:-}" ]] || { mkdir -p "$JOURNAL/BlockMaster/v1"; exit 1; }
rm -rf "$JOURNAL"/*
mkdir -p "$JOURNAL/BlockMaster/v1"
touch "$JOURNAL/BlockMaster/_format_1700000000000"
echo formatted >>"$CALLS"
"""


class Pod:
    """A master's pod: its journal, and an `alluxio` that formats it."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        self.calls = folder / "calls"
        self.bin = folder / "bin"
        self.journal.mkdir()
        self.bin.mkdir()
        alluxio = self.bin / "alluxio"
        alluxio.write_text(FORMATTER, encoding="utf-8")
        alluxio.chmod(0o755)

    def start(self, ordinal: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", SCRIPT.read_text(encoding="utf-8")],
            env={
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "JOURNAL": str(self.journal),
                "CALLS": str(self.calls),
                "POD_NAME": f"alluxio-master-{ordinal}",
                "JOURNAL_SHARED": "false",
                "WAIT_S": "1",
                **env,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def write_journal(self) -> None:
        log = self.journal / "BlockMaster" / "v1" / "logs" / "0x0-0x7fffffffffffffff"
        log.parent.mkdir(parents=True)
        log.write_text("metadata", encoding="utf-8")

    def tree(self) -> dict[str, str]:
        files = sorted(each for each in self.journal.rglob("*") if each.is_file())
        return {
            str(each.relative_to(self.journal)): each.read_text(encoding="utf-8") for each in files
        }

    @property
    def formatted(self) -> int:
        """How often the journal was formatted."""
        return len(self.calls.read_text(encoding="utf-8").split()) if self.calls.exists() else 0


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def test_an_empty_journal_is_formatted(pod: Pod) -> None:
    done = pod.start()
    assert done.returncode == 0, done.stderr
    assert "empty: formatting" in done.stdout
    assert list(pod.tree()) == ["BlockMaster/_format_1700000000000"]


def test_a_formatted_journal_is_not_formatted_again(pod: Pod) -> None:
    pod.start()
    done = pod.start()
    assert done.returncode == 0
    assert "nothing formatted" in done.stdout
    assert pod.formatted == 1


def test_a_journal_with_metadata_is_left_as_it_is(pod: Pod) -> None:
    pod.write_journal()
    before = pod.tree()
    assert pod.start().returncode == 0
    assert pod.tree() == before
    assert pod.formatted == 0


@pytest.mark.parametrize("name", ["unknown", ".hidden", ".alluxops.json", "a name\nof two lines"])
def test_anything_at_all_in_the_volume_keeps_it_from_being_formatted(pod: Pod, name: str) -> None:
    (pod.journal / name).touch()
    assert pod.start().returncode == 0
    assert pod.formatted == 0


@pytest.mark.parametrize("name", ["lost+found", ".snapshot"])
def test_what_a_file_system_makes_of_its_own_is_not_content(pod: Pod, name: str) -> None:
    (pod.journal / name).mkdir()
    assert pod.start().returncode == 0
    assert pod.formatted == 1


def test_a_formatting_that_died_half_way_is_begun_again(pod: Pod) -> None:
    died = pod.start(FAIL="yes")
    assert died.returncode != 0
    assert pod.start().returncode == 0
    assert pod.formatted == 1
    assert pod.start().returncode == 0
    assert pod.formatted == 1


@pytest.mark.parametrize(
    "entry", ["FileSystemMaster/v1/logs/0x0-0x3", "raft/02511d47/current/log_inprogress_0"]
)
def test_a_formatting_that_did_not_end_erases_nothing_that_a_master_wrote_since(
    pod: Pod, entry: str
) -> None:
    (pod.journal / ".format-unfinished").touch()
    (pod.journal / entry).parent.mkdir(parents=True)
    (pod.journal / entry).touch()
    started = pod.start()
    assert started.returncode == 0
    assert "nothing formatted" in started.stdout
    assert (pod.journal / entry).exists()


def test_a_formatting_that_fails_keeps_the_master_from_starting(pod: Pod) -> None:
    assert pod.start(FAIL="yes").returncode != 0


def started_as_its_user(journal: str) -> subprocess.CompletedProcess[str]:
    """The script, by the user that masters run as."""
    script = SCRIPT.read_text(encoding="utf-8")
    return subprocess.run(
        ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "bash", "-c", script],
        env={"PATH": os.environ["PATH"], "JOURNAL": journal, "JOURNAL_SHARED": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give up its rights")
def test_what_the_masters_user_may_not_enter_of_a_file_system_s_own_is_no_failure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        (Path(folder) / "lost+found").mkdir(mode=0o700)
        (Path(folder) / ".format-unfinished").touch(0o666)
        (Path(folder) / "raft" / "x" / "current").mkdir(parents=True)
        (Path(folder) / "raft" / "x" / "current" / "log_inprogress_0").touch()
        done = started_as_its_user(folder)
    assert done.returncode == 0, done.stderr
    assert "a master has written to it since" in done.stdout


@pytest.mark.parametrize("ordinal", [0, 1])
def test_a_journal_that_cannot_be_read_is_not_an_empty_one(pod: Pod, ordinal: int) -> None:
    pod.write_journal()
    broken = pod.bin / "find"  # a disk that fails: what it has listed so far is not all
    broken.write_text("#!/bin/bash\necho 'Input/output error' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    done = pod.start(ordinal=ordinal, JOURNAL_SHARED="true")
    assert done.returncode != 0
    assert pod.formatted == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can give up its rights")
@pytest.mark.parametrize("mode", [0o755, 0o773, 0o776])
def test_a_journal_that_cannot_be_written_is_named_with_its_fix(mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:  # unlike tmp_path, where others can reach it
        Path(folder).chmod(mode)
        done = started_as_its_user(folder)
    assert done.returncode == 1
    assert "Fix: give the volume's directory to user 1000" in done.stderr


def test_of_masters_that_share_a_journal_the_first_formats_it_and_the_others_wait(
    pod: Pod,
) -> None:
    others: list[int] = []
    waiting = threading.Thread(
        target=lambda: others.append(
            pod.start(ordinal=1, JOURNAL_SHARED="true", WAIT_S="30").returncode
        )
    )
    waiting.start()
    time.sleep(1.5)
    assert pod.formatted == 0
    assert pod.start(ordinal=0, JOURNAL_SHARED="true").returncode == 0
    waiting.join(timeout=40)
    assert others == [0]
    assert pod.formatted == 1


def test_a_journal_that_is_not_shared_after_all_ends_the_wait(pod: Pod) -> None:
    done = pod.start(ordinal=1, JOURNAL_SHARED="true")
    assert done.returncode == 1
    assert "ReadWriteMany" in done.stderr
    assert pod.formatted == 0


def test_no_formatter_unless_it_is_asked_for(chart: Chart) -> None:
    assert "initContainers" not in chart.render().pod("StatefulSet", "alluxio-master")["spec"]


def test_the_pod_runs_exactly_this_script_on_its_journal(chart: Chart) -> None:
    values = {"journal": {"folder": "/data/journal", "format": {"runFormat": True}}}
    init = chart.render(values).container("StatefulSet", "alluxio-master", "journal-format")
    assert init["command"] == ["bash", "-c"]
    assert init["args"][0].strip() == SCRIPT.read_text(encoding="utf-8").strip()
    assert {"name": "JOURNAL", "value": "/data/journal"} in init["env"]
    assert {"name": "JOURNAL_SHARED", "value": "false"} in init["env"]
    assert {"name": "alluxio-journal", "mountPath": "/data/journal"} in init["volumeMounts"]


def test_only_zookeepers_masters_share_a_journal(chart: Chart) -> None:
    def shared(values: dict[str, object]) -> str:
        rendered = chart.render(values)
        env = rendered.container("StatefulSet", "alluxio-master", "journal-format")["env"]
        return str(next(each["value"] for each in env if each["name"] == "JOURNAL_SHARED"))

    run_format = {"format": {"runFormat": True}}
    zookeeper = {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": "zk:2181"}
    assert (
        shared({"master": {"count": 3}, "journal": {"type": "EMBEDDED", **run_format}}) == "false"
    )
    assert (
        shared({"master": {"count": 3}, "journal": run_format, "properties": zookeeper}) == "true"
    )
