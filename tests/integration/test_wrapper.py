"""The guide's steps 5 and 6 on a real cache: dashboard and shell; and progress on a real terminal."""

from __future__ import annotations

import http.client
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.cache_under_test import NAMESPACE, Cache
from tests.integration.lab_under_test import RunningLab

URL = re.compile(r"http://127\.0\.0\.1:(\d+)(/\S*)")


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """The cache, deployed where an earlier module has not left one."""
    cache = Cache(lab, tmp_path_factory.mktemp("wrapper"))
    cache.apply("site")
    return cache


class Dashboard:
    """A running `alluxops dashboard`, in a directory that is not the repository's."""

    def __init__(self, cache: Cache, directory: Path) -> None:
        self.log = directory / "dashboard.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                ["alluxops", "dashboard", "--port", "0"],
                cwd=directory,
                env=cache.lab.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str, limit_s: float = 120) -> str:
        """All it has said, once text is among it."""
        deadline = time.monotonic() + limit_s
        while text not in (said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline, f"no {text!r} after {limit_s:.0f} s in: {said}"
            time.sleep(0.2)
        return said


@contextmanager
def dashboard(cache: Cache, directory: Path) -> Iterator[Dashboard]:
    opened = Dashboard(cache, directory)
    try:
        yield opened
    finally:
        opened.process.kill()
        opened.process.wait()


def get(port: int, path: str) -> int:
    """HTTP status of a path; 0 when the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def listening(pid: int) -> set[str]:
    """Addresses (hexadecimal, as the kernel writes them) that a process listens on."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # One may be closed meanwhile, as the dashboard asks the API all the time.
        with suppress(FileNotFoundError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    rows = [
        line.split()
        for table in tables
        if table.exists()
        for line in table.read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


def test_the_dashboard_opens_what_answers_on_this_machine_only(
    cache: Cache, tmp_path: Path
) -> None:
    with dashboard(cache, tmp_path) as opened:
        said = opened.wait_for("Ctrl-C ends it.")
        urls = [(int(port), path) for port, path in URL.findall(said)]
        assert "/metrics/json/" in [path for _, path in urls]
        assert {get(port, path) for port, path in urls} == {200}
        assert listening(opened.process.pid) == {"0100007F"}
        opened.process.send_signal(signal.SIGINT)
        assert opened.process.wait(timeout=20) == 0


def test_the_dashboard_follows_the_leader(cache: Cache, tmp_path: Path) -> None:
    with dashboard(cache, tmp_path) as opened:
        said = opened.wait_for("Ctrl-C ends it.")
        port = int(URL.findall(said)[0][0])
        cache.lab.kubectl("delete", "pod", "-n", NAMESPACE, "alluxio-master-0", timeout_s=120)
        opened.wait_for("No master leads right now.", limit_s=60)
        assert get(port, "/metrics/json/") == 503
        opened.wait_for("The leader is now alluxio-master-0", limit_s=180)
        assert get(port, "/metrics/json/") == 200
    # Pods that are ready come before workers that have registered with the new leader.
    cache.wait_for("the cache to be healthy", lambda: cache.verb("status").code == 0)


def test_one_command_keeps_its_streams_apart_and_its_exit_code(
    cache: Cache, tmp_path: Path
) -> None:
    def shell(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["alluxops", "shell", "--", *words],
            cwd=tmp_path,
            env=cache.lab.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    listed = shell("fs", "masterInfo")
    assert listed.returncode == 0, listed
    assert "alluxio-master-0" in listed.stdout
    assert "alluxio-master-0" not in listed.stderr
    assert shell("fs", "test", "-e", "/no-such-file").returncode == 3
    unknown = shell("no-such-command")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "Usage" in unknown.stderr


def test_a_shell_is_fed_from_a_pipe_and_returns_its_exit_code(cache: Cache) -> None:
    done = subprocess.run(
        ["alluxops", "shell"],
        input="hostname\nexit 7\n",
        env=cache.lab.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "alluxio-master-0\n"), done


def on_a_terminal(
    cache: Cache, *command: str, keys: tuple[tuple[str, str], ...] = ()
) -> tuple[int, str]:
    """Run a command on a terminal of its own. keys: what to wait for on it, what to type then."""
    waiting = list(keys)
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, {**cache.lab.environment, "TERM": "xterm-256color"})
    shown = ""
    deadline = time.monotonic() + 180
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # its last process has ended
                break
            shown += chunk.decode(errors="replace")
            if waiting and waiting[0][0] in shown:
                os.write(terminal, waiting.pop(0)[1].encode())
        assert not waiting, f"never saw {waiting[0][0]!r} in {shown!r}"
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown
    finally:
        os.close(terminal)


def test_an_interactive_shell_passes_keys_through(cache: Cache) -> None:
    # The answer differs from what was typed, since a terminal shows that too.
    keys = (
        ("alluxio-master-0", "echo $((40 + 2)); sleep 60\r"),
        ("42", "\x03"),
        ("^C", "exit 5\r"),
    )
    code, _ = on_a_terminal(cache, "alluxops", "shell", keys=keys)
    assert code == 5


def test_progress_on_a_terminal_is_live_and_the_summary_stays(cache: Cache) -> None:
    code, shown = on_a_terminal(cache, "alluxops", "status")
    assert code == 0, shown
    assert "\x1b[" in shown
    assert "elapsed" in shown
    assert "reading the inventory" in shown
    after = shown.rpartition("elapsed")[2]
    assert "alluxio in alluxio (Kubernetes" in after
    assert "workers   3/3" in after
