"""What every kind of fault has: a way in and a way out."""

from __future__ import annotations

import random
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from lab.state import LabState
from tests.chaos.journal_disks import JournalDisks
from tests.chaos.release import Release

Victim = TypeVar("Victim")
VICTIM_WITHIN_S = 300.0


class MissedError(Exception):
    """The fault hit nothing; says why."""


@dataclass(frozen=True)
class Scene:
    """What a fault may touch: this lab, this release, and the run of the verb."""

    release: Release
    disks: JournalDisks
    run: subprocess.Popen[str]

    @property
    def state(self) -> LabState:
        """The lab as it is now."""
        return self.release.lab.state


class Fault(ABC):
    """One fault. It chooses its victim by the strike's seed."""

    lasts = True
    """Whether there is anything between inject and heal; a kill is over at once."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene = scene
        self.chance = chance

    @abstractmethod
    def inject(self) -> str:
        """Do it, and say what was done to whom. Raises MissedError where nothing was there to be hit."""

    def heal(self) -> None:  # noqa: B027 - most things that are killed come back by themselves
        """Undo it and wait until the cluster (not the cache) is whole. Also called when inject was cut short."""

    def one_of(self, victims: Callable[[], Mapping[str, Victim]], what: str) -> tuple[str, Victim]:
        """A victim by name. In the middle of a restart there may be none yet: waits while the run goes on.

        Raises MissedError where none came.
        """
        end = time.monotonic() + VICTIM_WITHIN_S
        while not (found := victims()):
            if self.scene.run.poll() is not None or time.monotonic() > end:
                raise MissedError(f"no {what} was there until the run ended")
            time.sleep(0.2)
        name = self.chance.choice(sorted(found))
        return name, found[name]
