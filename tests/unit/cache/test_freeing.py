"""What is cached is freed until it is gone; what no free reaches is told, or gets new blocks."""

from __future__ import annotations

import time
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import paths_api
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import freeing
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy

TOP = "/sets/images"


class Clock:
    """Time goes on by what is waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)


class Proxy:
    """A cache with two files of 100 bytes. frees: what is left of each file's bytes after so many frees."""

    def __init__(self, **left: list[int]) -> None:
        self.left = left
        self.stored = {"a"}
        self.asked: list[str] = []

    def ask(self, request: paths_api.Request) -> Any:
        name = request.path.rpartition("/")[2]
        if request.operation != "list-status":
            self.asked.append(f"{request.operation} {name}")
        if request.operation == "free":
            self.left = {one: rest[1:] or rest for one, rest in self.left.items()}
        elif request.operation == "delete":
            assert request.body == {"recursive": False, "alluxioOnly": True}
            self.left[name] = [0]
        elif request.body["loadMetadataType"] == "ONCE":
            self.asked.append("list anew")
        return [
            {
                "path": f"{TOP}/{one}",
                "length": 100,
                "inAlluxioPercentage": rest[0],
                "persisted": one in self.stored,
            }
            for one, rest in self.left.items()
        ]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def free(proxy: Proxy, *, forgets: bool = False) -> None:
    freeing.free(cast("PathsProxy", proxy), TOP, "images", 300.0, forgets=forgets)


def test_what_came_into_the_cache_while_it_was_freed_is_freed_too() -> None:
    proxy = Proxy(a=[100, 100, 100, 0])
    free(proxy)
    assert proxy.asked == ["free images"] * 3


def test_a_block_that_is_left_of_a_large_file_is_waited_for(clock: Clock) -> None:
    class Blocks(Proxy):
        """Less than a percent of each file."""

        def ask(self, request: paths_api.Request) -> Any:
            return [
                {**one, paths_api.CACHED: one["inAlluxioPercentage"], "inAlluxioPercentage": 0}
                for one in super().ask(request)
            ]

    with pytest.raises(CacheError, match="1 bytes of images are still cached"):
        free(Blocks(a=[1]))
    proxy = Blocks(a=[1, 1, 0])
    free(proxy)
    assert proxy.asked == ["free images"] * 2
    assert clock.now > freeing.AGAIN_S


def test_what_no_free_reaches_is_told_with_the_way_to_its_worker(clock: Clock) -> None:
    proxy = Proxy(a=[100])
    with pytest.raises(CacheError) as caught:
        free(proxy)
    assert (
        "100 bytes of images are still cached after 300 s, /sets/images/a first"
        in caught.value.what
    )
    assert "`alluxio fs location /sets/images/a`" in caught.value.fix
    assert {one.partition(" ")[0] for one in proxy.asked} == {"free"}
    assert clock.now == pytest.approx(300, abs=2)


def test_files_that_may_be_forgotten_get_new_blocks(clock: Clock) -> None:
    proxy = Proxy(a=[100])
    free(proxy, forgets=True)
    assert proxy.asked[-2:] == ["delete a", "list anew"]
    assert clock.now == pytest.approx(freeing.STUCK_S, abs=2)


def test_a_free_that_goes_on_is_waited_for(clock: Clock) -> None:
    proxy = Proxy(a=list(range(100, -1, -5)))
    free(proxy, forgets=True)
    assert {one.partition(" ")[0] for one in proxy.asked} == {"free"}
    assert clock.now > freeing.STUCK_S


def test_what_is_in_no_store_is_never_forgotten() -> None:
    proxy = Proxy(a=[100], b=[100])
    with pytest.raises(CacheError, match="100 bytes of images are still cached"):
        free(proxy, forgets=True)
    assert "delete a" in proxy.asked
    assert "delete b" not in proxy.asked
