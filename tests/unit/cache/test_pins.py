"""Pins are noted before workers restart, and what loses its pin meanwhile gets it back as it was."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import pins as action
from ansible_collections.alluxops.cache.plugins.module_utils import pins, residue
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.pins import File, Pin
from ansible_collections.alluxops.cache.plugins.plugin_utils import pins as noted
from tests.unit.cache.pinned_cache import CONFIG, NOTE, PinnedCache

MADE = "20261126134830001"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PinnedCache:
    """Three pinned files, one that is not, and a clock that only moves while somebody waits."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    cache = PinnedCache(tmp_path)
    cache.file("/data/a")
    cache.file("/data/two words", min=2, media=["SSD", "MEM"])
    cache.file("/top")
    cache.file("/data/loose", pinned=False)
    return cache


def note(cache: PinnedCache, *, run: str = "") -> list[str]:
    """What helm_release does before pods restart; `run` names another run than this one."""
    warnings = noted.Pins(cache, "cache", "alluxio").note()  # type: ignore[arg-type]
    if run:
        cache.objects[NOTE]["metadata"]["annotations"][noted.RUN] = run
    return warnings


def give_back(
    cache: PinnedCache, *, check: bool = False, state: str = "given_back", root: str = "s3://b/"
) -> Any:
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(check_mode=check)
    options = {"namespace": "cache", "release": "alluxio", "state": state, "root_ufs": root}
    return plugin.act(cache, options)  # type: ignore[arg-type]


def test_what_lost_its_pin_gets_it_back_with_replicas_and_media(cache: PinnedCache) -> None:
    before = cache.pinned
    assert note(cache) == []
    cache.unpin("/data/a", "/data/two words")
    result = give_back(cache)
    assert cache.pinned == before
    assert result["given_back"] == ["/data/a", "/data/two words"]
    assert result["changed"]
    assert "warnings" not in result
    assert cache.objects == {}


def test_where_nothing_was_lost_it_costs_one_command_before_and_one_after(
    cache: PinnedCache,
) -> None:
    note(cache)
    note(cache)  # the same run, at its next step
    assert cache.execs == 1
    result = give_back(cache)
    assert (result["changed"], cache.execs, cache.commands) == (False, 2, [])
    assert cache.objects == {}


def test_without_pins_nothing_is_run_or_noted(tmp_path: Path) -> None:
    cache = PinnedCache(tmp_path)
    cache.file("/loose", pinned=False)
    assert note(cache) == []
    assert not give_back(cache)["changed"]
    assert (cache.execs, cache.objects) == (0, {})


def test_who_removed_or_replaced_a_file_meant_it(cache: PinnedCache) -> None:
    note(cache)
    cache.remove("/top")
    cache.remove("/data/a")
    cache.file("/data/a", pinned=False, created="20261126140000000")
    result = give_back(cache)
    assert not result["changed"]
    assert list(cache.pinned) == ["/data/two words"]


def test_a_directory_that_is_gone_keeps_no_other_from_its_pins(cache: PinnedCache) -> None:
    cache.file("/and/gone")
    note(cache)
    cache.remove("/and/gone")
    cache.remove("/and")
    cache.unpin("/data/a", "/top")
    assert give_back(cache)["given_back"] == ["/data/a", "/top"]


def test_a_file_that_is_lost_with_its_workers_is_told_and_not_pinned(cache: PinnedCache) -> None:
    cache.file("/data/cached", state="NOT_PERSISTED")
    note(cache)
    cache.unpin("/data/cached")
    cache.change("/data/cached", percent=0)
    result = give_back(cache)
    assert result["lost"] == ["/data/cached"]
    assert "/data/cached. Remove them, or write them again." in result["warnings"][0]
    assert cache.commands == []


def test_a_dead_run_s_note_is_kept_and_united(cache: PinnedCache) -> None:
    note(cache, run="a dead one")
    cache.unpin("/data/two words")
    cache.file("/data/new")
    assert note(cache) == []
    assert give_back(cache)["given_back"] == ["/data/two words"]
    assert cache.pinned["/data/two words"] == (2, ["SSD", "MEM"])


def test_nobody_serves_so_the_note_stays_as_it_is(cache: PinnedCache) -> None:
    note(cache, run="a dead one")
    cache.leads = False
    before = dict(cache.objects)
    assert note(cache) == []
    assert cache.objects == before
    for check in (True, False):
        result = give_back(cache, check=check)
        assert "no master of cache/alluxio serves" in result["warnings"][0]
        assert "the next run tries again" in result["warnings"][0]
    assert cache.objects == before


def test_a_look_that_fails_keeps_the_note_and_tells_what_was_given_back(
    cache: PinnedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(cache)
    before = dict(cache.objects)
    cache.unpin("/data/a")
    looks: list[None] = []
    pinned = noted.Pins.pinned

    def look(self: noted.Pins) -> dict[str, File]:
        looks.append(None)
        if len(looks) == 2:
            raise CacheError("the leader is gone.")
        return pinned(self)

    monkeypatch.setattr(noted.Pins, "pinned", look)
    result = give_back(cache)
    assert (result["changed"], result["given_back"]) == (True, ["/data/a"])
    assert "the leader is gone. What was pinned stays noted" in result["warnings"][0]
    assert cache.objects == before


def test_a_cache_whose_pins_cannot_be_noted_can_be_repaired_all_the_same(
    cache: PinnedCache,
) -> None:
    cache.forbidden = True
    (warning,) = note(cache)
    assert "could not be noted: POST failed with 403: configmaps is forbidden" in warning


def test_a_listing_that_fails_is_told_in_alluxio_s_words(cache: PinnedCache) -> None:
    cache.broken = True
    assert "the master has no room (exit code 9)" in note(cache)[0]


def test_check_mode_says_what_it_would_do(cache: PinnedCache) -> None:
    note(cache)
    cache.unpin("/data/a")
    result = give_back(cache, check=True)
    assert result["given_back"] == ["/data/a"]
    assert result["diff"]["after"] == "/data/a: pinned again\n"
    assert cache.commands == []
    assert NOTE in cache.objects
    give_back(cache, check=True, state="forgotten")
    assert NOTE in cache.objects


def test_a_note_is_forgotten_without_a_look(cache: PinnedCache) -> None:
    note(cache)
    assert not give_back(cache, state="forgotten")["changed"]
    assert (cache.objects, cache.execs) == ({}, 1)


def test_a_pin_that_goes_while_blocks_are_copied_again_is_given_back_too(
    cache: PinnedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.objects[CONFIG] = {
        "data": {"A": "-Dalluxio.master.replication.check.interval=40sec -Dother=1"}
    }
    note(cache)
    cache.change("/data/a", percent=0)
    cache.change("/top", percent=0)
    looks: list[float] = []
    pinned = noted.Pins.pinned

    def look(self: noted.Pins) -> dict[str, File]:
        looks.append(time.monotonic())
        if len(looks) == 2:
            cache.unpin("/top")
        if len(looks) == 3:
            cache.change("/data/a", percent=100)
            cache.change("/top", percent=100)
        return pinned(self)

    monkeypatch.setattr(noted.Pins, "pinned", look)
    assert give_back(cache)["given_back"] == ["/top"]
    assert looks == [0, 16, 32]


def test_it_looks_no_longer_than_a_check_takes(cache: PinnedCache) -> None:
    note(cache)
    cache.unpin("/data/a")
    cache.change("/top", percent=50)
    assert give_back(cache)["given_back"] == ["/data/a"]
    assert pins.DEFAULT_INTERVAL_S <= time.monotonic() <= pins.DEFAULT_INTERVAL_S + 10


@pytest.mark.parametrize("short", [True, False])
def test_it_does_not_wait_for_hours_and_leaves_the_rest_to_the_next_run(
    cache: PinnedCache, *, short: bool
) -> None:
    cache.objects[CONFIG] = {"data": {"A": "-Dalluxio.master.replication.check.interval=1h"}}
    note(cache)
    if short:
        cache.unpin("/data/a")
        cache.change("/top", percent=50)
    before = cache.objects[NOTE]
    result = give_back(cache)
    if not short:
        assert (time.monotonic(), list(cache.objects)) == (0, [CONFIG])
        return
    assert result["given_back"] == ["/data/a"]
    assert 120 <= time.monotonic() <= 130
    assert "every 3600 s" in result["warnings"][0]
    assert cache.objects[NOTE] == before
    cache.unpin("/top")
    cache.change("/top", percent=100)
    assert give_back(cache)["given_back"] == ["/top"]


def test_what_cannot_be_pinned_again_stays_noted(cache: PinnedCache) -> None:
    note(cache)
    cache.unpin("/data/a", "/top")
    cache.refused = ["/top"]
    result = give_back(cache)
    assert result["given_back"] == ["/data/a"]
    assert "no such path /top The next run tries it again." in result["warnings"][0]
    cache.refused = []
    assert give_back(cache)["given_back"] == ["/top"]
    assert cache.objects == {}


def test_a_directory_of_pinned_files_is_pinned_by_one_command(cache: PinnedCache) -> None:
    paths = [f"/set/f{number}" for number in range(8)]
    for path in paths:
        cache.file(path)
    before = cache.pinned
    note(cache)
    cache.unpin(*paths[:6])
    assert give_back(cache)["given_back"] == paths[:6]
    assert cache.commands == ["pin /set/*"]
    assert cache.pinned == before


def test_more_files_than_one_script_may_name_are_pinned_in_turns(
    cache: PinnedCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noted, "PINNED_AT_ONCE", 2)
    paths = ["/data/a", "/data/two words", "/top"]
    before = cache.pinned
    note(cache)
    cache.unpin(*paths)
    cache.refused = ["/top"]
    result = give_back(cache)
    assert result["given_back"] == paths[:2]
    assert "1 files could not be pinned again: /top" in result["warnings"][0]
    cache.refused = []
    assert give_back(cache)["given_back"] == ["/top"]
    assert cache.pinned == before


def test_many_directories_are_listed_at_once(cache: PinnedCache) -> None:
    paths = [f"/many/d{number:02d}/f" for number in range(noted.LISTED_ONE_BY_ONE + 1)]
    for path in paths:
        cache.file(path)
    cache.file("/many/d00/loose", pinned=False)
    before = cache.pinned
    note(cache)
    cache.unpin(*paths)
    found = noted.Pins(cache, "cache", "alluxio")  # type: ignore[arg-type]
    cache.log.write_text("")
    text = found.around([Pin(path, "") for path in paths])
    assert list(pins.files(text)) == ["/many/d00/f", "/many/d00/loose", *paths[1:]]
    assert cache.log.read_text() == "ls --timestamp creationTime -R /\n"
    assert give_back(cache)["given_back"] == paths
    assert cache.pinned == before
    cache.broken = True
    with pytest.raises(CacheError, match="cannot be read"):
        found.around([Pin(path, "") for path in paths])


@pytest.mark.parametrize("stranger", ["file", "other replicas", "directory"])
def test_a_wildcard_never_pins_more_than_was_pinned(cache: PinnedCache, stranger: str) -> None:
    paths = [f"/set/f{number}" for number in range(8)]
    for path in paths:
        cache.file(path)
    if stranger == "file":
        cache.file("/set/loose", pinned=False)
    if stranger == "other replicas":
        cache.file("/set/twice", min=2)
    if stranger == "directory":
        cache.file("/set/deep/loose", pinned=False)
    before = cache.pinned
    note(cache)
    cache.unpin(*paths)
    give_back(cache)
    assert len(cache.commands) == len(paths)
    assert cache.pinned == before


def test_the_note_goes_with_the_release() -> None:
    labels = {residue.OURS[0]: residue.OURS[1], "release": "alluxio"}
    thing = residue.thing(
        "ConfigMap", NOTE, {"metadata": {"name": "alluxio-pins", "labels": labels}}
    )
    assert residue.verdict(thing, residue.Whose("cache", "alluxio")) == "ours"


def test_a_note_holds_what_a_config_map_takes() -> None:
    many = {f"/f{number:05d}": Pin(f"/f{number:05d}", MADE, 2, ("SSD",)) for number in range(5000)}
    body, left_out = pins.packed(many)
    assert left_out == 0
    assert pins.unpacked(body) == many
    body, left_out = pins.packed(many, limit_bytes=1000)
    assert len(body) <= 1000
    assert len(pins.unpacked(body)) == 5000 - left_out > 0


def test_a_name_with_a_wildcard_is_left_alone() -> None:
    found, _ = pins.noted(f"PERSISTED {MADE} 100% /a*\nPERSISTED {MADE} 100% /b\n")
    assert list(found) == ["/b"]


def test_what_was_not_read_in_time_stays_as_a_dead_run_read_it() -> None:
    found, is_whole = pins.noted(f"PERSISTED {MADE} 100% /b\n{pins.UNREAD}\n")
    assert (found, is_whole) == ({"/b": Pin("/b", MADE)}, False)
    before = {"/b": Pin("/b", MADE, 3)}
    assert pins.united(before, found, is_whole=False) == before
    assert pins.united(before, found, is_whole=True) == found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 60),
        ("-Dalluxio.master.replication.check.interval=30sec", 30),
        ("-Dalluxio.master.replication.check.interval=2min -D", 120),
        ("-Dalluxio.master.replication.check.interval=1500ms", 1.5),
        ("-Dalluxio.master.replication.check.interval=1h", 3600),
        ("-Dalluxio.master.replication.check.interval=500", 0.5),
    ],
)
def test_the_master_s_check_is_waited_for_as_it_is_set(text: str, seconds: float) -> None:
    assert pins.check_interval_s({"ALLUXIO_JAVA_OPTS": text}) == seconds
