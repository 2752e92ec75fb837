"""A chaos run: deploy, remember, then strike after strike; each is judged before the next begins."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab.errors import LabError
from tests.chaos import timeline
from tests.chaos.faults import KINDS
from tests.chaos.faults.fault import Fault, MissedError, Scene
from tests.chaos.journal_disks import JournalDisks
from tests.chaos.plan import Strike
from tests.chaos.release import Release
from tests.chaos.results import Result
from tests.chaos.verbs import VERBS, Verb
from tests.chaos.writer import Writer
from tests.integration import file_tree
from tests.integration.cache_under_test import RUN_LIMIT_S, Cache, Outcome
from tests.integration.lab_under_test import RunningLab

NAME = "chaos"
TREE = "/tree"
CALIBRATION = 0
"""The number of the change that an undisturbed run makes; those of strikes, and of further tries, count from 1."""
Say = Callable[[str], None]


class Campaign:
    """One release on one lab, and what was struck on it.

    Attributes:
        log: the output of every run, appended.
    """

    def __init__(self, lab: RunningLab, directory: Path, say: Say, *, masters: int = 3) -> None:
        ha = "none" if masters == 1 else "embedded"
        self.release = Release(Cache(lab, directory, NAME), masters, ha)
        self.log = directory / "chaos.log"
        self._disks = JournalDisks(self.release)
        self._say = say
        self._tree = file_tree.FileTree({}, ())
        self._timelines: dict[str, timeline.Timeline] = {}
        self._changes = CALIBRATION

    def deploy(self) -> None:
        """Deploy the cache with journals on small disks, and fill the tree. Raises AssertionError where that fails."""
        began = time.monotonic()
        self.release.remove()
        self._disks.mount()
        self.release.make_root()
        outcome = self.release.verb("site")
        self._note("site, the first", outcome)
        assert outcome.code == 0, outcome.output
        # Once: what was made by half cannot be made again.
        file_tree.make(partial(self.release.run, tries=1), TREE, pinned=[file_tree.PINNED])
        self._tree = file_tree.read(self.release.run, TREE)
        self._say(
            f"deployed in {time.monotonic() - began:.0f} s: {len(self._tree.entries)} entries,"
            f" fingerprint {self._tree.fingerprint}"
        )

    def calibrate(self, verbs: Sequence[str]) -> None:
        """Run verbs undisturbed, to know how their time goes by; without it a usual time is assumed.

        Raises AssertionError where one fails, or changes the tree: else the first strike would be blamed for that.
        """
        for name in verbs:
            verb = VERBS[name]
            verb.prepare(self.release)
            verb.ask(self.release, CALIBRATION)
            with self._running(verb) as run:
                seen = timeline.watch(self._output, partial(_goes_on, run))
            assert run.returncode == 0, self._output()
            lost = self._tree.differences(file_tree.read(self.release.run, TREE))
            assert not lost, f"{name}, undisturbed: {lost}\n{self._output()}"
            self._timelines[name] = seen
            self._say(f"{name} undisturbed: {seen.end_s:.0f} s, {len(seen.lines_s)} lines")

    def strike(self, strike: Strike) -> Result:
        """One fault during one verb, and the judgement. `error`: what went wrong in the lab or in the test itself."""
        verb = VERBS[strike.verb]
        result = Result(strike)
        self._changes += 1
        writer = Writer(self.release, self.release.lab.state.joined[-1], str(self._changes))
        try:
            verb.prepare(self.release)
            if verb.writes_go_on:
                writer.start()
            verb.ask(self.release, self._changes)
            result = self._struck(verb, result)
            result = self._converged(verb, result)
            return self._judged(result, writer if verb.writes_go_on else None)
        except (AssertionError, LabError, OSError, subprocess.SubprocessError) as error:
            return replace(result, error=f"{type(error).__name__}: {error}")
        finally:
            writer.remove()

    def remove(self) -> None:
        """Take everything away."""
        try:
            self.release.remove()
        finally:
            self._disks.unmount()

    def dump(self) -> str:
        """What an investigator asks for: the lab's state, the pods' logs, and the output of the runs."""
        lab, name = self.release.lab, self.release.name
        where = ("-n", name, "-l", f"release={name}", "--all-containers", "--prefix", "--tail=150")
        logs = lab.run("kubectl", "logs", *where, check=False)
        runs = self.log.read_text()[-60000:] if self.log.exists() else ""
        return f"{lab.dump()}\n{logs}\n{runs}"

    def _struck(self, verb: Verb, result: Result) -> Result:
        strike = result.strike
        known = self._timelines.get(verb.name, timeline.Timeline((), verb.usual_s))
        with self._running(verb) as run:
            in_time = timeline.wait_for(
                known.moment(strike.at), self._output, partial(_goes_on, run)
            )
            fault = KINDS[strike.fault](
                Scene(self.release, self._disks, run), random.Random(strike.seed)
            )
            late = replace(result, victim="the run had ended", hit=False)
            result = _injected(fault, result) if in_time else late
            code = run.wait(timeout=RUN_LIMIT_S)
        return replace(result, run="killed" if code < 0 else str(code))

    def _converged(self, verb: Verb, result: Result) -> Result:
        """Run the verb once more, then see that nothing is left to change."""
        if result.run.startswith("0") and not verb.again_after_success:
            return replace(result, changed=self._left_to_change())
        began = time.monotonic()
        outcome = self.release.verb(verb.name, **verb.extra(self.release))
        self._note(f"{verb.name}, again", outcome)
        result = replace(result, again=outcome.code, converged_s=time.monotonic() - began)
        if outcome.code or (verb.name == "site" and _changes(outcome) == 0):
            return result
        return replace(result, changed=self._left_to_change())

    def _left_to_change(self) -> int:
        outcome = self.release.unchanged()
        self._note("site.yml afterwards", outcome)
        assert outcome.code == 0, outcome.output[-3000:]
        return sum(outcome.changed.values())

    def _judged(self, result: Result, writer: Writer | None) -> Result:
        acknowledged = writer.stop() if writer else set()
        missing = writer.missing(acknowledged) if writer else []
        found = self._tree.differences(file_tree.read(self.release.run, TREE))
        if writer:
            writer.forget()
        if missing:
            found.append(f"{len(missing)} acknowledged writes, the first is {missing[0]}")
        return replace(result, acknowledged=len(acknowledged), lost=tuple(found))

    @contextmanager
    def _running(self, verb: Verb) -> Iterator[subprocess.Popen[str]]:
        command = self.release.command(verb.name, **verb.extra(self.release))
        with self.release.cache.running(*command) as run:
            yield run
        self._note(f"{verb.name}, struck", Outcome(run.returncode, self._output()))

    def _output(self) -> str:
        return self.release.cache.running_log

    def _note(self, what: str, outcome: Outcome) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"==== {what}: exit code {outcome.code}\n{outcome.output}\n")


def _injected(fault: Fault, result: Result) -> Result:
    """Do the fault and, where it lasts, undo it after its time."""
    try:
        victim = fault.inject()
        if fault.lasts:
            victim += f", {result.strike.hold_s:.0f} s"
            time.sleep(result.strike.hold_s)
        return replace(result, victim=victim)
    except MissedError as missed:
        return replace(result, victim=str(missed), hit=False)
    finally:
        fault.heal()


def _goes_on(run: subprocess.Popen[str]) -> bool:
    return run.poll() is None


def _changes(outcome: Outcome) -> int | None:
    """What the wrapper says at the end that it changed."""
    found = re.findall(r"\b(\d+) changed\b", outcome.output)
    return int(found[-1]) if found else None
