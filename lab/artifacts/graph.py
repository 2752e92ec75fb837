"""Which artifacts must be built, and in which order on a machine with few cores.

Two builds run at once. A compiling one uses all cores by itself, so its partner is one that fetches
(apt, Maven) as long as there is any; two compiling ones run together only at the end, where the
linkers, which use one core each, then overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from lab.artifacts.command import stop_all
from lab.artifacts.recipe import Recipe

AT_ONCE = 2


def missing(
    names: Iterable[str], recipes: Mapping[str, Recipe], is_built: Callable[[str], bool]
) -> list[str]:
    """The artifacts that must be built for `names`, needs before what needs them.

    What is built already brings none of its needs along.
    """
    found: list[str] = []

    def visit(name: str) -> None:
        if name in found or is_built(name):
            return
        for need in recipes[name].needs:
            visit(need)
        found.append(name)

    for name in names:
        visit(name)
    return found


def urgency(names: Iterable[str], recipes: Mapping[str, Recipe]) -> dict[str, int]:
    """For each name: the seconds of the longest chain of builds that starts with it."""
    todo = list(names)
    result: dict[str, int] = {}
    for name in reversed(todo):
        followers = [result[other] for other in result if name in recipes[other].needs]
        result[name] = recipes[name].seconds + max(followers, default=0)
    return result


def choose(ready: Iterable[str], running: Iterable[str], recipes: Mapping[str, Recipe]) -> str:
    """Which of the builds that could start should: another lane than what runs, then the most urgent.

    `ready` is ordered by urgency, the most urgent first, and not empty.
    """
    candidates = list(ready)
    busy = {recipes[name].lane for name in running}
    other = [name for name in candidates if recipes[name].lane not in busy]
    return (other or candidates)[0]


def build_all(todo: list[str], recipes: Mapping[str, Recipe], build: Callable[[str], None]) -> None:
    """Run `build` for each name of `todo` (needs first in it), at most AT_ONCE at a time.

    After a failure nothing more is started, and its error is raised once what runs has ended. An
    interrupt ends what runs.
    """
    weight = urgency(todo, recipes)
    waiting = sorted(todo, key=lambda name: -weight[name])
    unbuilt = set(todo)
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="build") as pool:
        try:
            while unbuilt:
                while len(running) < AT_ONCE and (ready := _ready(waiting, unbuilt, recipes)):
                    name = choose(ready, running.values(), recipes)
                    waiting.remove(name)
                    running[pool.submit(build, name)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    unbuilt.discard(running.pop(future))
        except (KeyboardInterrupt, SystemExit):
            stop_all()
            raise


def _ready(waiting: Iterable[str], unbuilt: set[str], recipes: Mapping[str, Recipe]) -> list[str]:
    return [name for name in waiting if unbuilt.isdisjoint(recipes[name].needs)]
