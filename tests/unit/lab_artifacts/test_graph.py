"""Only what is missing is built, needs first, at most two at once, lanes mixed."""

from __future__ import annotations

import threading
import time

import pytest

from lab.artifacts import graph
from lab.artifacts.recipe import Build, Lane, Recipe
from lab.errors import LabError


def nothing(build: Build) -> None:
    raise AssertionError(build)


def recipes(**needs: tuple[Lane, int, tuple[str, ...]]) -> dict[str, Recipe]:
    return {
        name: Recipe(name=name, build=nothing, lane=lane, seconds=seconds, needs=wanted)
        for name, (lane, seconds, wanted) in needs.items()
    }


GRAPH = recipes(
    programs=("compile", 100, ()),
    tools=("compile", 50, ()),
    tree=("fetch", 30, ()),
    images=("fetch", 10, ("programs",)),
    all=("fetch", 1, ("images", "tree")),
)


def test_what_is_built_brings_none_of_its_needs_along() -> None:
    assert graph.missing(["all"], GRAPH, {"images"}.__contains__) == ["tree", "all"]
    assert graph.missing(["all"], GRAPH, {"all"}.__contains__) == []


def test_needs_come_before_what_needs_them_and_each_once() -> None:
    order = graph.missing(["images", "all"], GRAPH, set[str]().__contains__)
    assert sorted(order) == ["all", "images", "programs", "tree"]
    assert order.index("programs") < order.index("images") < order.index("all")


def test_urgency_is_the_longest_chain() -> None:
    order = graph.missing(["all", "tools"], GRAPH, set[str]().__contains__)
    assert graph.urgency(order, GRAPH) == {
        "programs": 111, "images": 11, "tree": 31, "all": 1, "tools": 50,
    }  # fmt: skip


def test_a_fetching_build_is_the_partner_of_a_compiling_one() -> None:
    assert graph.choose(["tools", "tree"], ["programs"], GRAPH) == "tree"
    assert graph.choose(["tools", "tree"], [], GRAPH) == "tools"
    assert graph.choose(["tools"], ["programs"], GRAPH) == "tools"


def test_two_builds_run_at_once_and_each_starts_after_its_needs() -> None:
    running: set[str] = set()
    done: list[str] = []
    most = 0
    lock = threading.Lock()

    def build(name: str) -> None:
        nonlocal most
        with lock:
            assert set(GRAPH[name].needs) <= set(done)
            running.add(name)
            most = max(most, len(running))
        time.sleep(0.02)
        with lock:
            running.discard(name)
            done.append(name)

    todo = graph.missing(["all", "tools"], GRAPH, set[str]().__contains__)
    graph.build_all(todo, GRAPH, build)
    assert sorted(done) == sorted(todo)
    assert most == graph.AT_ONCE


def test_after_a_failure_nothing_more_starts_and_its_error_is_raised() -> None:
    started: list[str] = []

    def build(name: str) -> None:
        started.append(name)
        if name == "programs":
            raise LabError("no programs")
        time.sleep(0.05)

    todo = graph.missing(["all", "tools"], GRAPH, set[str]().__contains__)
    with pytest.raises(LabError, match="no programs"):
        graph.build_all(todo, GRAPH, build)
    assert sorted(started) == ["programs", "tree"]
