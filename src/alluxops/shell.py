"""`alluxops shell`: a shell in the leader's master container, or one `alluxio` command with its exit code."""

from __future__ import annotations

import fcntl
import json
import os
import select
import ssl
import struct
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from alluxops.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alluxops.cluster import Cluster, Master

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CHUNK_BYTES = 65536
# How often the size of the terminal is looked at when nothing else happens, in seconds.
IDLE_S = 1.0
SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash; exec sh")
V5_PROTOCOL = "v5.channel.k8s.io"


def choose_master(cluster: Cluster) -> tuple[Master, bool]:
    """The leader and True; where none leads, the first master that runs and False, so that one can look why.

    Raises ClusterError when no master runs.
    """
    leader = cluster.leader()
    if leader is not None:
        return leader, True
    masters = cluster.masters()
    running = [master for master in masters if master.is_running]
    if not running:
        pods = ", ".join(master.pod for master in masters)
        raise ClusterError(
            f"no master runs ({pods}).",
            fix="`alluxops status` says what they wait for.",
        )
    return running[0], False


def alluxio_command(words: Sequence[str]) -> list[str]:
    """The command for `alluxops shell -- fs ls /`; the word alluxio in front is optional."""
    return ["alluxio", *(words[1:] if words and words[0] == "alluxio" else words)]


def run_command(cluster: Cluster, master: Master, words: Sequence[str]) -> int:
    """Run one alluxio command, its stdout and stderr to ours. Returns its exit code."""
    session = cluster.open_session(master, alluxio_command(words), stdin=False, terminal=False)
    try:
        while session.is_open():
            session.update(timeout=IDLE_S)
            _copy_output(session)
        _copy_output(session)
        return exit_code(session)
    finally:
        session.close()


def run_shell(cluster: Cluster, master: Master) -> int:
    """A shell on this terminal, or fed from a pipe. Returns its exit code."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    session = cluster.open_session(master, SHELL, stdin=True, terminal=terminal)
    try:
        if terminal:
            with _raw_terminal(sys.stdin.fileno()):
                _converse(session, follow_size=True)
        else:
            _converse(session, follow_size=False)
        return exit_code(session)
    finally:
        session.close()


def exit_code(session: Any) -> int:
    """The exit code that the API told at the end of a session. Raises ClusterError when it told none."""
    text = session.read_channel(ERROR)
    try:
        status = json.loads(text)
        if status["status"] == "Success":
            return 0
        causes = status.get("details", {}).get("causes") or []
        codes = [int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"]
        if codes:
            return codes[0]
        reason = str(status.get("message") or "no reason given")
    except (ValueError, KeyError, TypeError):
        reason = "the connection to the API server ended before the command did"
    raise ClusterError(f"the command's exit code is not known: {reason}.")


def _converse(session: Any, *, follow_size: bool) -> None:
    """Carry the keyboard in and the output out until the shell ends."""
    source = sys.stdin.fileno()
    size: tuple[int, int] | None = None
    open_input = True
    while session.is_open():
        if follow_size and (now := _terminal_size(source)) != size:
            size = now
            session.write_channel(RESIZE, json.dumps({"Width": now[0], "Height": now[1]}))
        watched = [session.sock.sock, *([source] if open_input else [])]
        readable = watched[:1] if _has_buffered(session) else _select(watched)
        if session.sock.sock in readable:
            session.update(timeout=0)
            _copy_output(session)
        if source in readable:
            data = os.read(source, CHUNK_BYTES)
            if data:
                session.write_channel(STDIN, data)
            else:
                open_input = False
                _end_input(session)
    _copy_output(session)


def _select(watched: list[Any]) -> list[Any]:
    return select.select(watched, [], [], IDLE_S)[0]


def _has_buffered(session: Any) -> bool:
    """True where TLS has already decrypted bytes that select() cannot see."""
    sock = session.sock.sock
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _end_input(session: Any) -> None:
    if session.subprotocol == V5_PROTOCOL:
        session.close_channel(STDIN)
    else:
        # Before Kubernetes 1.30 the protocol cannot say that the input ended.
        session.write_channel(STDIN, b"\nexit\n")


def _copy_output(session: Any) -> None:
    for channel, stream in ((STDOUT, sys.stdout), (STDERR, sys.stderr)):
        data = session.read_channel(channel)
        if data:
            stream.buffer.write(data)
            stream.flush()


def _terminal_size(descriptor: int) -> tuple[int, int]:
    """Columns and rows."""
    packed = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, _, _ = struct.unpack("HHHH", packed)
    return columns or 80, rows or 24


@contextmanager
def _raw_terminal(descriptor: int) -> Iterator[None]:
    """Every key goes to the shell, Ctrl-C too; the terminal is as before in the end."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
