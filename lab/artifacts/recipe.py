"""What an artifact is: how it is built, from what, and by which key it is cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.artifacts.command import Log, run
from lab.progress import Step
from lab.versions import Versions

Lane = Literal["compile", "fetch"]
"""What a build mostly waits for: the processor (Go), or registries and the disk (apt, Maven)."""


@dataclass(frozen=True)
class Build:
    """What a recipe gets to work with.

    out: the empty directory that is published when the recipe returns. scratch: a directory that is
    thrown away. needs: paths of the artifacts that the recipe named. cache: a directory that outlives
    builds, for what is made once per machine (a signing key).
    """

    out: Path
    scratch: Path
    cache: Path
    versions: Versions
    needs: Mapping[str, Path]
    step: Step
    log: Log

    def run(
        self,
        argv: list[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a command, its output kept in the artifact's log; see command.run."""
        return run(argv, self.log, cwd=cwd, env=env, on_line=on_line)


@dataclass(frozen=True)
class Recipe:
    """One artifact.

    result: name of the file inside the published directory that is the artifact; empty when the
    directory itself is. components: fields of Versions that go in. inputs: files besides the recipe's
    own source. packages: Debian packages that building it takes on this machine. seconds: roughly what
    it takes on two cores with nothing downloaded; decides what is started first.
    """

    name: str
    build: Callable[[Build], None]
    lane: Lane
    seconds: int
    result: str = ""
    components: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    needs_go: bool = False
