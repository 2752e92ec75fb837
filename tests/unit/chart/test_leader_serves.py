"""The readiness of one of several masters, its script run for real against web servers on loopback."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.unit.chart.rendering import CHART

SCRIPT = (CHART / "files" / "leader-serves.sh").read_text(encoding="utf-8")


class Leader(BaseHTTPRequestHandler):
    """The web API of a master that leads."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/api/v1/master/webui_init" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Failing(Leader):
    status = 500


@contextmanager
def web(host: str, port: int, handler: type[Leader] = Leader) -> Iterator[None]:
    with ThreadingHTTPServer((host, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def standby(host: str, port: int) -> Iterator[None]:
    """A standby's web port: takes connections and closes them without a word."""
    listening = socket.create_server((host, port))

    def refuse() -> None:
        while True:
            try:
                listening.accept()[0].close()
            except OSError:
                return

    thread = threading.Thread(target=refuse)
    thread.start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


SELF, PEER, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"


@pytest.fixture
def port() -> int:
    with closing(socket.create_server((SELF, 0))) as probe:
        return int(probe.getsockname()[1])


def ready(
    port: int, journal_port: str = "", script: str = SCRIPT
) -> subprocess.CompletedProcess[str]:
    variables = f"SELF={SELF} MASTERS={SELF},{PEER},{THIRD} WEB_PORT={port}"
    return subprocess.run(
        ["env", *variables.split(), f"JOURNAL_PORT={journal_port}", "bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.usefixtures("unhurried")
def test_the_leader_is_ready(port: int) -> None:
    with web(SELF, port):
        assert ready(port).returncode == 0


@pytest.mark.usefixtures("unhurried")
def test_a_standby_is_ready_where_another_leads(port: int) -> None:
    with standby(SELF, port), standby(PEER, port), web(THIRD, port):
        assert ready(port).returncode == 0


def test_nobody_is_ready_without_a_leader(port: int) -> None:
    with ExitStack() as stack:
        for host in (SELF, PEER, THIRD):
            stack.enter_context(standby(host, port))
        done = ready(port)
    assert done.returncode == 1
    assert "no master of" in done.stdout


def test_an_error_is_no_service(port: int) -> None:
    with web(SELF, port, Failing):
        assert ready(port).returncode == 1


def test_masters_that_do_not_answer_at_all_do_not_hold_the_probe_up(port: int) -> None:
    # Listens, and nobody takes the connection: the answer never comes.
    with (
        closing(socket.create_server((SELF, port))),
        closing(socket.create_server((PEER, port))),
        web(THIRD, port),
    ):
        # Three seconds for the one that serves: a busy machine may stand still for one.
        patient = SCRIPT.replace("timeout 1", "timeout 3")
        assert ready(port, script=patient).returncode == 0


@pytest.mark.usefixtures("unhurried")
def test_a_master_outside_its_journals_quorum_is_not_ready(port: int) -> None:
    with web(PEER, port):
        done = ready(port, journal_port=str(port + 1 if port < 65535 else port - 1))
    assert done.returncode == 1
    assert "journal" in done.stdout


@pytest.mark.usefixtures("unhurried")
def test_a_master_in_its_journals_quorum_is_ready(port: int) -> None:
    with closing(socket.create_server((SELF, 0))) as journal, web(PEER, port):
        assert ready(port, journal_port=str(journal.getsockname()[1])).returncode == 0
