"""`ensure`: the artifacts that are asked for, built where the cache does not have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import versions as versions_module
from lab.artifacts import graph, host, toolchain
from lab.artifacts.catalog import RECIPES
from lab.artifacts.command import Log
from lab.artifacts.keys import key
from lab.artifacts.recipe import Build
from lab.artifacts.store import Store
from lab.errors import LabError
from lab.paths import cache_root
from lab.progress import Reporter, Step


def ensure(names: Iterable[str], reporter: Reporter) -> dict[str, Path]:
    """Build what is missing of the named artifacts and return the path of each.

    Raises LabError when a name is unknown or a build fails; what other builds finished stays cached.
    """
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in RECIPES]
    if unknown:
        raise LabError(
            f"there is no artifact {unknown[0]!r}", fix=f"name one of {', '.join(sorted(RECIPES))}"
        )
    workshop = Workshop(Store(cache_root()), reporter)
    workshop.build_missing(wanted)
    return {name: workshop.path(name) for name in wanted}


class Workshop:
    """Builds into one store; keys are computed once, so an edit during a build changes nothing."""

    def __init__(self, store: Store, reporter: Reporter) -> None:
        self._store = store
        self._reporter = reporter
        self._versions = versions_module.load()
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        """The key of an artifact and, on the way, of what it needs."""
        if name not in self._keys:
            recipe = RECIPES[name]
            needs = {need: self.key(need) for need in recipe.needs}
            self._keys[name] = key(recipe, self._versions, needs)
        return self._keys[name]

    def is_built(self, name: str) -> bool:
        """Whether the store has the artifact as its inputs now are."""
        return self._store.published(name, self.key(name)) is not None

    def path(self, name: str) -> Path:
        """The artifact's path; it must be built."""
        place = self._store.published(name, self.key(name))
        if place is None:
            raise LabError(
                f"{name} vanished from the cache while it was in use", fix="run this again"
            )
        return place / RECIPES[name].result

    def build_missing(self, names: list[str]) -> None:
        """Build what is missing for `names`, what they need included."""
        self._store.sweep()
        todo = graph.missing(names, RECIPES, self.is_built)
        if not todo:
            return
        self._reporter.note(f"to build, once on this machine: {', '.join(todo)}")
        self._prepare_host(todo)
        number = {name: place for place, name in enumerate(todo, 1)}
        total = len(todo)
        graph.build_all(
            todo, RECIPES, lambda name: self._build(name, f"({number[name]} of {total})")
        )

    def _prepare_host(self, todo: list[str]) -> None:
        packages = {package for name in todo for package in RECIPES[name].packages}
        needs_go = any(RECIPES[name].needs_go for name in todo)
        log = Log(self._store.log("host-packages"))
        absent = host.missing_packages(packages)
        if absent:
            with self._reporter.step(f"installing {', '.join(absent)} on this machine"):
                host.ensure_packages(packages, log)
        if needs_go:
            toolchain.ensure_go(log, self._reporter)

    def _build(self, name: str, place: str) -> None:
        with self._reporter.step(f"build {name} {place}") as step:
            other = lambda: step.update("another process is building it")  # noqa: E731
            with self._store.lock(name, other):
                if not self.is_built(name):
                    self._build_locked(name, step)

    def _build_locked(self, name: str, step: Step) -> None:
        recipe = RECIPES[name]
        log = Log(self._store.log(name))
        log.begin(f"{name} {self.key(name)}")
        with self._store.building(name, self.key(name)) as (out, scratch):
            recipe.build(
                Build(
                    out=out, scratch=scratch, cache=self._store.root, step=step, log=log,
                    versions=self._versions, needs={need: self.path(need) for need in recipe.needs},
                )
            )  # fmt: skip
            if not (out / recipe.result).exists():
                raise LabError(f"the recipe of {name} made no {recipe.result}")
