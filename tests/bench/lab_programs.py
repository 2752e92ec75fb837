"""What the lab has built and a bench without a lab runs: programs and the nodes' tree, from its cache."""

from __future__ import annotations

from pathlib import Path

from lab import artifacts
from lab.errors import LabError
from lab.progress import Reporter


def places(*names: str) -> dict[str, Path]:
    """The path of each artifact, built where the cache lacks it.

    Raises:
        RuntimeError: one cannot be built.
    """
    try:
        return artifacts.ensure(names, Reporter())
    except LabError as error:
        raise RuntimeError(str(error)) from error
