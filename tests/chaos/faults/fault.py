"""What every kind of fault has: a way in and a way out."""

from __future__ import annotations

import random
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass

from lab.state import LabState
from tests.chaos.journal_disks import JournalDisks
from tests.chaos.release import Release


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
        """Do it, and say what was done to whom."""

    def heal(self) -> None:  # noqa: B027 - most things that are killed come back by themselves
        """Undo it and wait until the cluster (not the cache) is whole. Also called when inject was cut short."""
