"""A release whose journal has moved to another kind of place does not start on what it left on its hosts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import node_report as action
from ansible_collections.alluxops.cache.plugins.module_utils import journal, journal_place
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import STORAGE_CLASS
from tests.unit.cache.test_journal_left import LEFT_AT, left
from tests.unit.cache.test_journal_plan import EMBEDDED, NOW, URI, decide, journals
from tests.unit.cache.test_node_report import (
    OWN_CLASS,
    PLACE,
    PREFLIGHT,
    SHARED,
    WANTED,
    Results,
    marker,
)
from tools.repository import ROOT

Json = dict[str, Any]
MOVED = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
TIED = {"path": PLACE, "storage_class": STORAGE_CLASS}
HOSTS = {f"h{number}": f"n{number}" for number in range(3)}


def claims(place: Json | None, masters: int = 3, first: int = 0) -> list[Json]:
    """The journals' claims in a kind of place; on the hosts from one of them on."""
    return [
        {
            "kind": "journal",
            "name": f"j{number}",
            "ordinal": number,
            **(place or {}),
            "node": f"n{(number + first) % 3}" if place is TIED else None,
        }
        for number in range(masters if place is not None else 0)
    ]


def on_hosts(*markers: journal.Marker | None) -> Results:
    return {
        f"h{number}": {"marker": "" if item is None else item.encoded()}
        for number, item in enumerate(markers)
    }


def served(ordinal: int = 0, release: str = "alluxio") -> journal.Marker:
    found = journal.read_marker(str(marker(ordinal, release=release)["marker"]))
    assert found is not None
    return found


def marked(results: Results, place: Json | None, at: datetime = MOVED) -> Results:
    """The hosts after a run that proved that the release serves from such a place."""
    wanted = replace(WANTED, shared=place is SHARED)
    found = journal_place.left_behind(results, HOSTS, claims(place), wanted, at)
    written = {host: {"marker": item.encoded()} for host, item in found.items()}
    return {**results, **written}


def refused(
    results: Results, place: Json | None, masters: int = 3, first: int = 0, **noted: str
) -> list[SettingsError]:
    """What is said of a release that is away and is to have its journals in such a place."""
    wanted = replace(WANTED, shared=place is SHARED)
    given = claims(place, masters, first)
    return [
        error
        for look in (journal_place.elsewhere, journal_place.superseded)
        for error in look(results, HOSTS, given, wanted, folder=PLACE, noted=noted)
    ]


QUORUM = on_hosts(served(0), served(1), served(2))


@pytest.mark.parametrize("masters", [1, 3])
@pytest.mark.parametrize("first", [0, 1])  # the order of the hosts may have changed meanwhile
def test_the_way_back_to_the_hosts_is_refused_and_both_places_are_named(
    masters: int, first: int
) -> None:
    assert refused(QUORUM, TIED) == []
    (error,) = refused(marked(QUORUM, SHARED), TIED, masters, first)
    assert "had its journal in /mnt/shared/cache/alluxio, which all share" in error.what
    assert "since 2026-02-03T04:05:06Z" in error.what
    assert f"theirs in {PLACE}." in error.what
    assert f"remove {PLACE}/{journal.MARKER} on h0, h1, h2," in error.fix
    assert "alluxops restore" in error.fix


def test_the_way_to_a_class_of_volumes_from_a_shared_journal_is_refused_too() -> None:
    (error,) = refused(marked(QUORUM, SHARED), OWN_CLASS)
    assert "had its journal in /mnt/shared/cache/alluxio" in error.what
    assert "theirs in volumes of the storage class fast" in error.what
    assert refused(marked(QUORUM, SHARED), OWN_CLASS, j0="2026-02-04T00:00:00Z") == []


@pytest.mark.parametrize("place", [SHARED, OWN_CLASS, None])
def test_where_its_journal_is_now_it_starts_again(place: Json | None) -> None:
    assert len(refused(QUORUM, place)) == 1
    assert refused(marked(QUORUM, place), place) == []


def test_the_mark_follows_a_release_that_moves_on_and_is_written_once() -> None:
    first = marked(QUORUM, SHARED)
    assert marked(first, SHARED, datetime(2026, 3, 3, tzinfo=UTC)) == first
    (error,) = refused(marked(first, OWN_CLASS), SHARED)
    assert "had its journal in volumes of the storage class fast" in error.what


def test_marks_do_not_count_once_a_journal_on_a_host_is_newer() -> None:
    # A backup was restored on the first host; there were three masters before the release moved.
    back = replace(served(0), formatted_at="2026-02-04T00:00:00Z")
    results = {**marked(QUORUM, SHARED), **on_hosts(back)}
    assert refused(results, TIED, 1) == []
    assert "lie on the hosts" in refused(results, SHARED)[0].what


def test_a_host_that_could_not_be_marked_makes_no_newer_journal() -> None:
    results = {**marked(QUORUM, SHARED), **on_hosts(served(0))}
    assert "on h1, h2;" in refused(results, TIED)[0].what


@pytest.mark.parametrize(
    "other",
    [
        None,
        served(0, release="other"),
        replace(served(0), served=False),
        replace(served(0), left_at="2026-01-03T00:00:00Z", left_by="scale-masters"),
    ],
)
def test_what_is_no_journal_of_the_release_is_not_marked(other: journal.Marker | None) -> None:
    results = on_hosts(other)
    assert marked(results, SHARED) == results


def test_what_masters_on_their_hosts_use_is_not_marked() -> None:
    assert marked(QUORUM, TIED) == QUORUM


def test_what_a_release_left_on_its_hosts_says_where_its_journal_is_now() -> None:
    # Also where the preflight could not see the host, as this is asked of what the volume holds.
    found = [
        replace(item, marker=replace(item.marker, left_by="", left_for="/mnt/shared/cache/alluxio"))
        for item in left(journals("used", wanted=EMBEDDED), 0)
        if item.marker is not None
    ]
    with pytest.raises(SettingsError) as refusal:
        decide(found, wanted=EMBEDDED)
    said = refusal.value
    assert f"had its journal in /mnt/shared/cache/alluxio since {LEFT_AT}" in said.what
    again = decide(found, "force", EMBEDDED, confirmed=True, restoring=URI)
    assert again.format == (0,)
    assert journal.served_marker(found[0].marker, EMBEDDED, 0, NOW).left_for == ""


def report(place: Json, results: Results, **changed: Any) -> Json:
    options: Json = {
        "masters": [{"host": host, "name": name} for host, name in HOSTS.items()],
        "claims": claims(place),
        "results": results,
        "values": {"journal": {"type": "EMBEDDED", "volumeType": "persistentVolumeClaim"}},
        **PREFLIGHT,
        **changed,
    }
    return object.__new__(action.ActionModule).act_on_controller(options, {})


def test_the_preflight_refuses_the_way_back_once_and_hands_on_what_is_to_be_marked() -> None:
    moved = report(OWN_CLASS, QUORUM, away=False)["left_behind"]
    assert sorted(moved) == ["h0", "h1", "h2"]
    assert '"left_for": "volumes of the storage class fast' in moved["h0"]
    hosts = marked(QUORUM, OWN_CLASS)
    for result in hosts.values():
        result["records"] = ["EMBEDDED"]
    with pytest.raises(ManySettingsErrors) as refusal:
        report(TIED, hosts)
    assert str(refusal.value).count("Fix:") == 1
    for asked in ({"restores": True}, {"policy": "force"}):
        assert report(TIED, hosts, **asked)["left_behind"] == {}
    assert report(OWN_CLASS, hosts)["left_behind"] == {}


@pytest.mark.parametrize("verb", ["site", "restore"])
def test_what_was_left_is_marked_when_the_cache_serves_elsewhere(verb: str) -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / f"{verb}.yml").read_text())
    assert plays[-1]["hosts"] == "cache_masters"
    [task] = plays[-1]["tasks"]
    role = task["ansible.builtin.import_role"]
    assert (role["name"], role["tasks_from"]) == ("node_storage", "left")
    [written] = yaml.safe_load((ROOT / "roles/node_storage/tasks/left.yml").read_text())
    assert written["ansible.builtin.copy"]["dest"].endswith(f"/journal/{journal.MARKER}")
    assert "left_behind" in written["when"]
