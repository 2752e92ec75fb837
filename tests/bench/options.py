"""What the command line of the bench asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NODES = (100, 1000, 5000)


@dataclass(frozen=True)
class Options:
    """What the command line asks for.

    lab: its name. rounds: how often each thing is done, each way. kills: of a leader. chart: what is deployed by hand.
    hosts: of the fleet. forks: with which ours is tried there, each with other settings too. nodes: sizes of the
    simulated cluster.
    """

    lab: str
    rounds: int
    kills: int
    chart: Path
    hosts: int = 50
    nodes: tuple[int, ...] = NODES
    forks: tuple[int, ...] = ()
