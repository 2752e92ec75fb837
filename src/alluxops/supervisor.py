"""The process between the wrapper and ansible-playbook. Run as a script, standard library only.

    python -I -S supervisor.py WRAPPER_PID RUN_DIR COMMAND ...

Why it exists: a run must not go on unseen. Its output goes to the wrapper; without a reader ansible-playbook would
die at its next line, anywhere. So when the wrapper dies (SIGKILL too) the kernel signals this process, which stops the
run in order: interrupt, so that Ansible ends its tasks; then terminate; then kill. ansible-playbook's workers have
sessions of their own, so a signal to a process group does not reach them; this process adopts orphans and finds all.
It removes the run's directory when the wrapper cannot. Its exit code is ansible-playbook's, or 128 + signal.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

LOCK_FILE = "lock"
PID_FILE = "supervisor.pid"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# How long each step of a stop may take, in seconds.
INTERRUPT_S = 10.0
TERMINATE_S = 5.0
# What is left after ansible-playbook gets this long to end by itself: the lease is given back then.
PEACE_S = 8.0
LEFTOVER_S = 3.0
POLL_S = 0.1


def main(arguments: list[str]) -> int:
    """Start the command, wait for it, stop it when told to. Returns the exit code."""
    wrapper, run_dir, command = int(arguments[0]), Path(arguments[1]), arguments[2:]
    waited = {*STOP_SIGNALS, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    lock = os.open(run_dir / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_SH)
    try:
        if os.getppid() != wrapper:  # it died before the kernel was asked to tell
            return 128 + signal.SIGTERM
        (run_dir / PID_FILE).write_text(str(os.getpid()), encoding="ascii")
        return _supervise(command, waited)
    finally:
        if os.getppid() != wrapper:
            shutil.rmtree(run_dir, ignore_errors=True)


def _supervise(command: list[str], waited: set[signal.Signals]) -> int:
    child = _start(command)
    # The signals still to be tried, and when.
    steps: list[tuple[float, int]] = []
    stopping = False
    while True:
        timeout = max(0.0, steps[0][0] - time.monotonic()) if steps else 3600.0
        received = signal.sigtimedwait(waited, timeout)
        if received is not None and received.si_signo != signal.SIGCHLD and not stopping:
            stopping = True
            now = time.monotonic()
            steps = [
                (now, signal.SIGINT),
                (now + INTERRUPT_S, signal.SIGTERM),
                (now + INTERRUPT_S + TERMINATE_S, signal.SIGKILL),
            ]
        while steps and steps[0][0] <= time.monotonic():
            _signal(child, steps.pop(0)[1])
        status = _reap(child)
        if status is not None:
            break
    code = os.waitstatus_to_exitcode(status)
    if stopping or code < 0:
        _stop_leftovers()
    return code if code >= 0 else 128 - code


def _start(command: list[str]) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        # No terminal: a password or host key prompt fails at once with a reason, where it would wait unseen.
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGTERM)
        for number in (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.execvp(command[0], command)  # noqa: S606  # no shell is the point
    except OSError as error:
        os.write(2, f"[ERROR]: {command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _reap(child: int) -> int | None:
    """Collect every ended child; the wait status of ours once it has ended."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child:
            status = ended


def _stop_leftovers() -> None:
    """End what ansible-playbook left behind: first in peace, then not."""
    for number, patience_s in (
        (None, PEACE_S),
        (signal.SIGTERM, LEFTOVER_S),
        (signal.SIGKILL, LEFTOVER_S),
    ):
        if number is not None:
            for pid in _descendants():
                _signal(pid, number)
        deadline = time.monotonic() + patience_s
        while _descendants():
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
            _reap(0)
        else:
            return


def _descendants() -> list[int]:
    """Every living process below this one, except shared ssh connections, which end by themselves (ControlPersist)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # ended meanwhile
                state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
                if state not in {b"Z", b"X"}:
                    parents[int(entry.name)] = int(parent)
    below = {os.getpid()}
    grown = True
    while grown:
        found = {pid for pid, parent in parents.items() if parent in below} - below
        below |= found
        grown = bool(found)
    return [pid for pid in below if pid != os.getpid() and not _is_shared_connection(pid)]


def _is_shared_connection(pid: int) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ")
    except OSError:
        return False
    return title.startswith(b"ssh: ") and title.endswith(b"[mux]")


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
