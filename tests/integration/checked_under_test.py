"""A cache with datasets as `check` and `repair` meet it: what they find, what is cached, and a load that breaks off."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.cache_under_test import Cache, Outcome

LIVE = "alluxio fsadmin report summary"


@dataclass(frozen=True)
class Checked:
    """A cache with loaded datasets. paths: theirs; settings: of every run."""

    cache: Cache
    report: Path
    settings: Mapping[str, Any]
    paths: Sequence[str]

    def check(self, *argv: str, code: int = 0, **more: Any) -> Outcome:
        """`alluxops check` of the datasets, all of their content."""
        return self._run("check", *argv, code=code, **more)

    def repair(self, *argv: str, code: int = 0, **more: Any) -> Outcome:
        """`alluxops repair` of the datasets."""
        return self._run("repair", *argv, code=code, **more)

    def _run(self, verb: str, *argv: str, code: int, **more: Any) -> Outcome:
        given = {
            f"{verb}_paths": list(self.paths),
            f"{verb}_content": "all",
            f"{verb}_report": str(self.report),
        }
        outcome = self.cache.verb(verb, *argv, **{**self.settings, **given, **more})
        assert outcome.code == code, outcome.output
        return outcome

    @property
    def told(self) -> dict[str, Any]:
        """The last report."""
        found: dict[str, Any] = json.loads(self.report.read_text())
        return found

    @property
    def found(self) -> dict[str, str]:
        """The kinds of its findings by path."""
        return {one["path"]: one["kind"] for one in self.told["findings"]}

    def alluxio(self, *commands: str) -> str:
        """Commands in the first master; no store is asked."""
        never = "-Dalluxio.user.file.metadata.load.type=NEVER"
        return self.cache.script("; ".join(f"alluxio fs {never} {one}" for one in commands))

    def cached(self) -> dict[str, str]:
        """How much of each file is cached, as `100%`, by path."""
        lines = self.alluxio(*(f"ls -R {path}" for path in self.paths)).splitlines()
        found = [line.split() for line in lines]
        return {words[-1]: words[-2] for words in found if len(words) > 1 and "%" in words[-2]}

    def break_off_load(self, got_so_far: str, rate: str = "") -> None:
        """Free all, load it again, and kill the run and a worker once the run says that (a regular expression).

        rate: at which the store sends meanwhile, as tc writes it; empty leaves it as fast as it is.
        """
        self.alluxio(*(f"{verb} {path}" for path in self.paths for verb in ("unpin", "free")))
        self.cache.wait_for(
            "all to be freed", lambda: set(self.cached().values()) == {"0%"}, is_patient=True
        )
        with self.cache.lab.slowed("--rate", rate) if rate else nullcontext():
            self._kill_load(got_so_far)
        self.cache.apply("verify", **self.settings)  # all workers are registered, the new one too
        workers = sum("-worker-" in pod for pod in self.cache.pods())
        self.cache.wait_for(
            "the leader to forget the worker, and with it what was cached there",
            lambda: f"Live Workers: {workers}\n" in self.cache.script(LIVE),
            is_patient=True,
        )

    def _kill_load(self, got_so_far: str) -> None:
        lab, name = self.cache.lab, self.cache.name
        inventory = ("-i", str(lab.inventory))
        with self.cache.running("alluxops", "datasets", *inventory, **self.settings) as process:
            self.cache.wait_for("the load", lambda: re.search(got_so_far, self.cache.running_log))
            # The run first: Alluxio goes on with what it was told, and nobody tells it to load more.
            self.cache.kill(process)
            worker = next(pod for pod in self.cache.pods() if "-worker-" in pod)
            lab.kubectl("-n", name, "delete", "pod", worker, "--force", "--grace-period=0")
