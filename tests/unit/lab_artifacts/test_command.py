"""Commands keep their output, report failures with it, and end with the process that started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.artifacts.command import Log, run
from lab.errors import LabError


def test_output_goes_to_the_log_to_the_caller_and_line_by_line(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.begin("title")
    lines: list[str] = []
    script = "echo one; echo two >&2; echo $WORD"
    output = run(["sh", "-c", script], log, env={"WORD": "three"}, on_line=lines.append)
    assert output == "one\ntwo\nthree\n"
    assert lines == ["one", "two", "three"]
    assert log.path.read_text() == f"# title\n$ sh -c {script}\n{output}"


def test_a_failure_names_the_command_its_last_lines_and_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    with pytest.raises(LabError) as caught:
        run(["sh", "-c", "seq 100; exit 3"], log)
    assert caught.value.what == "`sh -c seq 100; exit 3` ended with 3"
    assert caught.value.cause.splitlines() == [str(number) for number in range(89, 101)]
    assert str(log.path) in caught.value.fix


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-such-program is not installed"):
        run(["no-such-program"], Log(tmp_path / "log"))


RUN = """
import sys
from pathlib import Path
from lab.artifacts.command import Log, run
run(["sh", "-c", 'sleep 600 & echo $$ > "$1"; wait', "sh", sys.argv[1]], Log(Path(sys.argv[2])))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a process namespace")
def test_a_killed_builder_takes_its_commands_along(tmp_path: Path) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    marker = f"sleep-{os.getpid()}"
    builder = subprocess.Popen(
        [sys.executable, "-c", RUN, str(ready), str(log)], env={**env, "MARKER": marker}
    )
    while not ready.exists() or not ready.read_text():
        time.sleep(0.02)
    assert running_with(marker) > 1
    builder.kill()
    builder.wait()
    end = time.monotonic() + 20
    while running_with(marker):
        assert time.monotonic() < end, "its commands are still running"
        time.sleep(0.05)


def running_with(marker: str) -> int:
    """Processes whose environment has MARKER=marker."""
    wanted = f"MARKER={marker}".encode()
    count = 0
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            count += wanted in environment.read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
    return count
