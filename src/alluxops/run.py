"""A run: a plan executed by ansible-runner, as typed events and an outcome.

    with prepare(request, project, surroundings) as run:
        outcome = run.execute(listener)

Cancelling is a request: the supervisor stops ansible-playbook and everything below it, then execute() returns.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alluxops import supervisor
from alluxops.errors import UsageError
from alluxops.events import RunStarted, parse_event
from alluxops.outcome import Outcome, Recorder
from alluxops.redact import Redactor
from alluxops.request import Plan, RunRequest, Surroundings, plan
from alluxops.rundir import default_base, run_directory, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from alluxops.events import Event
    from alluxops.project import Project

    Listener = Callable[[Event], None]

# How often a wish to cancel is looked for, in seconds.
CANCEL_POLL_S = 0.2
# After this the supervisor itself is killed; its own steps take at most half of it.
CANCEL_DEADLINE_S = 45.0
# What ansible-runner adds to the environment so that it gets events. The rest of what it adds is unwanted: it copies
# the caller's whole environment and turns host key checking off.
RUNNER_VARIABLES = (
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_STDOUT_CALLBACK",
    "ANSIBLE_RETRY_FILES_ENABLED",
    "AWX_ISOLATED_DATA_DIR",
)


def here() -> Surroundings:
    """The surroundings of this process. Raises UsageError where its directory was removed."""
    try:
        cwd = Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("The current directory was removed.", fix="Change to another.") from error
    return Surroundings(cwd, os.environ.copy(), Path(sys.executable).parent)


@contextmanager
def prepare(request: RunRequest, project: Project, surroundings: Surroundings) -> Iterator[Run]:
    """Make the run's private directory, decide the plan, write its files; all goes in the end.

    Raises UsageError before anything is started.
    """
    with run_directory(default_base(surroundings.environ)) as directory:
        planned = plan(request, project, surroundings, directory)
        for name, text in planned.files.items():
            write_private(directory, name, text)
        yield Run(planned, directory)


class Run:
    """One execution of a plan, in its own directory. Not reusable."""

    def __init__(self, planned: Plan, directory: Path) -> None:
        self.plan = planned
        self.directory = directory
        self.redact = Redactor(planned.secrets, directory)
        self._cancelled_at: float | None = None
        self._told = False

    @property
    def cancelled(self) -> bool:
        """True once cancel() was called."""
        return self._cancelled_at is not None

    def cancel(self) -> None:
        """Ask the run to stop. Safe in a signal handler and from other threads."""
        if self._cancelled_at is None:
            self._cancelled_at = time.monotonic()

    def execute(self, listener: Listener) -> Outcome:
        """Run to the end. listener gets each event at once and must be quick: Ansible waits for it."""
        # Late: it takes 0.3 s, and usage errors need not wait for it.
        from ansible_runner.runner import Runner  # noqa: PLC0415

        recorder = Recorder(check=self.plan.request.check)

        def handle(raw: Mapping[str, Any]) -> bool:
            for event in parse_event(raw):
                recorder.add(event)
                listener(event)
            return False  # do not keep it on disk

        is_started = False

        def poll() -> bool:
            nonlocal is_started
            if not is_started:
                # From here on threads may be started: ansible-runner has forked.
                is_started = True
                listener(RunStarted())
            return self._must_kill()

        runner = Runner(self._config(), event_handler=handle, cancel_callback=poll)
        started = time.monotonic()
        runner.run()
        return recorder.outcome(runner.rc, time.monotonic() - started, cancelled=self.cancelled)

    def _config(self) -> Any:
        """ansible-runner's own configuration, with the command and the environment of the plan."""
        from ansible_runner.config.runner import RunnerConfig  # noqa: PLC0415

        config = RunnerConfig(
            private_data_dir=str(self.directory),
            # Not read: the command is set below. ansible-runner insists on a name.
            playbook=self.plan.argv[1],
            project_dir=str(self.plan.cwd),
            ident="run",
            # No cache of facts in the run's directory; the user's own cache settings hold.
            fact_cache_type="",
        )
        config.prepare()
        added = {name: config.env[name] for name in RUNNER_VARIABLES}
        config.env = {**self.plan.environment, **added}
        config.command = [
            sys.executable, "-I", "-S", supervisor.__file__,
            str(os.getpid()), str(self.directory), *self.plan.argv,
        ]  # fmt: skip
        config.cwd = str(self.plan.cwd)
        config.suppress_ansible_output = True
        config.suppress_output_file = True
        config.pexpect_timeout = CANCEL_POLL_S
        return config

    def _must_kill(self) -> bool:
        """Polled by ansible-runner: pass a cancel on to the supervisor; True to kill it after all patience."""
        if self._cancelled_at is None:
            return False
        if not self._told:
            with suppress(OSError, ValueError):  # not there yet: next time
                pid = int((self.directory / supervisor.PID_FILE).read_text(encoding="ascii"))
                os.kill(pid, signal.SIGTERM)
                self._told = True
        return time.monotonic() - self._cancelled_at > CANCEL_DEADLINE_S
