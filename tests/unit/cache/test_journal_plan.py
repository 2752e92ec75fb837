"""No journal that holds metadata is ever formatted unless that was asked for and confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    Journal,
    JournalType,
    Marker,
    State,
    Wanted,
    new_marker,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_plan import (
    Plan,
    Policy,
    Request,
    plan_format,
)

UFS = Wanted("cache", "alluxio", "UFS", "2.9.6")
EMBEDDED = replace(UFS, journal_type="EMBEDDED")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
URI = "s3://b/alluxio_backups/alluxio-backup-2026-01-02-1.gz"
MARKED = new_marker(UFS, 0, NOW)
SERVED = replace(MARKED, served=True)
HOLDING = {"used", "adopted-used"}


def journals(*kinds: str, wanted: Wanted = UFS, **more: Any) -> list[Journal]:
    """One journal a word: a state, `used` (formatted, and a master wrote to it), `adopted-used`."""
    found = []
    kind: JournalType = wanted.journal_type
    for number, word in enumerate(kinds):
        state: State = {"used": "formatted", "adopted-used": "adopted"}.get(word, word)  # type: ignore[assignment]
        found.append(
            Journal(
                number,
                f"journal-{number}",
                state,
                new_marker(wanted, number, NOW) if state == "formatted" else None,
                types=(kind,) if state in {"formatted", "adopted"} else (),
                records=(kind,) if word in HOLDING else (),
                journal_type=kind,
            )
        )
    return [replace(journal, **more) for journal in found]


def decide(
    found: Sequence[Journal],
    policy: Policy = "if_empty",
    wanted: Wanted = UFS,
    masters: int | None = None,
    **request: Any,
) -> Plan:
    return plan_format(found, Request(wanted, masters or len(found), policy, **request))


@pytest.mark.parametrize(
    ("kinds", "policy", "formatted"),
    [
        (["empty"], "if_empty", (0,)),
        (["formatted"], "if_empty", ()),
        (["used"], "if_empty", ()),
        (["used"], "never", ()),
        (["adopted-used"], "never", ()),
        (["empty", "empty", "empty"], "if_empty", (0, 1, 2)),
        (["used", "used", "used"], "if_empty", ()),
        # A first run that was killed after it had formatted one: nothing is in any of them yet.
        (["formatted", "empty", "empty"], "if_empty", (1, 2)),
        # One lost disk of three: the other two are a majority and bring it up to date.
        (["used", "empty", "used"], "if_empty", (1,)),
        (["empty", "used", "used", "empty", "used"], "if_empty", (0, 3)),
    ],
)
def test_what_is_formatted(kinds: list[str], policy: Policy, formatted: tuple[int, ...]) -> None:
    plan = decide(journals(*kinds), policy)
    assert plan.format == formatted
    assert not plan.needs_backup


def test_a_journal_without_a_marker_is_adopted_and_not_formatted() -> None:
    plan = decide(journals("adopted-used", "used", "empty"))
    assert (plan.format, plan.adopt) == ((2,), (0,))


@pytest.mark.parametrize("policy", ["if_empty", "never", "force"])
@pytest.mark.parametrize("state", ["absent", "unreadable", "other"])
def test_what_no_policy_touches(state: State, policy: Policy) -> None:
    with pytest.raises(SettingsError):
        decide(journals("used", state, "used"), policy, confirmed=True)


@pytest.mark.parametrize(
    ("kinds", "policy", "said"),
    [
        (["empty", "used", "empty"], "if_empty", "2 of 3 journals are empty"),
        # Two that were formatted by hand know nothing and would outvote the third.
        (["formatted", "used", "formatted"], "if_empty", "2 of 3 journals are empty"),
        (["empty"], "never", "alluxio_journal_format is never"),
        (["foreign"], "if_empty", "files that are no journal"),
        (["foreign"], "never", "files that are no journal"),
        (["unreadable"], "if_empty", "is unreadable"),
        (["absent"], "if_empty", "is absent"),
        (["other"], "if_empty", "belongs to"),
        (["unfinished"], "if_empty", "is not whole"),
        (["used"], "force", "alluxio_confirm_format does not name the release"),
        (["empty"], "force", "alluxio_confirm_format does not name the release"),
    ],
)
def test_what_is_refused(kinds: list[str], policy: Policy, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refusal:
        decide(journals(*kinds), policy)
    assert refusal.value.fix


def test_another_releases_journal_is_refused_with_both_ways_out() -> None:
    found = journals(
        "other", detail="master 0 of release old in namespace cache", place="/mnt/j on n1"
    )
    with pytest.raises(SettingsError) as refusal:
        decide(found)
    assert "release old in namespace cache" in refusal.value.what
    assert "remove /mnt/j/.alluxops.json on n1" in refusal.value.fix
    assert "node_storage_root" in refusal.value.fix


@pytest.mark.parametrize("policy", ["if_empty", "never", "force"])
def test_another_clusters_journal_is_refused_with_both_clusters_and_what_a_rebuilt_one_does(
    policy: Policy,
) -> None:
    theirs = Marker("cache", "alluxio", 0, cluster="uid-prod")
    whose = "master 0 of release alluxio in namespace cache of cluster uid-prod"
    found = [replace(one, marker=theirs) for one in journals("other", detail=whose)]
    wanted = Wanted("cache", "alluxio", "EMBEDDED", cluster="uid-staging")
    with pytest.raises(SettingsError) as refusal:
        plan_format(found, Request(wanted, masters=1, policy=policy, confirmed=True))
    assert "of cluster uid-prod" in refusal.value.what
    assert "of cluster uid-staging" in refusal.value.what
    assert "kube-system" in refusal.value.cause
    assert "alluxio_journal_shared_path" in refusal.value.fix
    assert "rebuilt" in refusal.value.fix
    assert ".alluxops.json" in refusal.value.fix


@pytest.mark.parametrize("kind", ["empty", "used", "foreign", "unfinished"])
def test_force_confirmed_formats_all(kind: str) -> None:
    plan = decide(journals(kind, kind, kind), "force", confirmed=True)
    assert plan.format == (0, 1, 2)


@pytest.mark.parametrize(
    ("kinds", "needed"),
    [(["empty", "formatted"], False), (["formatted", "used"], True)],
)
def test_force_needs_a_backup_where_there_is_something_to_lose(
    kinds: list[str], *, needed: bool
) -> None:
    assert decide(journals(*kinds), "force", confirmed=True).needs_backup is needed


def test_force_needs_a_backup_of_a_journal_of_the_other_type_too() -> None:
    found = journals("empty", wanted=EMBEDDED, records=("UFS",))
    assert decide(found, "force", EMBEDDED, confirmed=True).needs_backup


def test_a_shared_journal_is_formatted_once() -> None:
    shared = replace(UFS, shared=True)
    assert decide(journals("empty", "empty", "empty"), wanted=shared).format == (0,)


def test_confirming_alone_formats_nothing() -> None:
    assert decide(journals("used"), confirmed=True).format == ()


@pytest.mark.parametrize(
    ("marked", "deployed", "refused"),
    [
        ("2.9.6", "2.9.6", False),
        ("2.9.4", "2.9.6", False),
        ("2.9.6", "2.9.4", True),
        ("2.9.10", "2.9.6", True),
        ("2.9.6-custom", "2.9.6", False),
        ("", "2.9.6", False),
        ("2.9.6", "latest", False),
    ],
)
def test_an_older_alluxio_than_the_markers_is_refused(
    marked: str, deployed: str, *, refused: bool
) -> None:
    found = journals("used", marker=replace(SERVED, version=marked))
    wanted = replace(UFS, version=deployed)
    if not refused:
        assert decide(found, wanted=wanted).format == ()
        return
    with pytest.raises(SettingsError, match="rollback") as refusal:
        decide(found, wanted=wanted)
    assert "`alluxops rollback` with restore_from" in refusal.value.fix


def test_force_does_not_mind_the_markers_version() -> None:
    found = journals("used", marker=replace(SERVED, version="2.9.10"))
    assert decide(found, "force", confirmed=True).format == (0,)


def test_a_journal_that_served_and_is_gone_is_not_replaced_by_a_new_one() -> None:
    with pytest.raises(SettingsError, match="is gone") as refusal:
        decide(journals("empty", marker=SERVED, place="/mnt/j on n1"))
    assert "/mnt/j/.alluxops.json on n1" in refusal.value.fix


def test_a_lost_member_of_a_quorum_comes_back_though_its_marker_stayed() -> None:
    found = journals("used", "used", "used", wanted=EMBEDDED)
    served = replace(new_marker(EMBEDDED, 1, NOW), served=True)
    found[1] = replace(found[1], state="formatted", records=(), marker=served)
    assert decide(found, wanted=EMBEDDED, leads=True).format == ()
    empty = [found[0], replace(found[1], state="empty", types=()), found[2]]
    assert decide(empty, wanted=EMBEDDED, leads=True).format == (1,)
    for kinds in (found, empty):
        with pytest.raises(SettingsError, match=r"the journal of master 1 .* is gone") as refusal:
            decide(kinds, wanted=EMBEDDED)
        assert "come to a leader first" in refusal.value.fix


# A change of type leaves both journals in one volume.


def test_metadata_of_the_other_type_are_not_passed_over() -> None:
    found = journals("empty", wanted=EMBEDDED, records=("UFS",), types=("UFS",))
    with pytest.raises(SettingsError, match="holds its metadata as type UFS") as refusal:
        decide(found, wanted=EMBEDDED)
    assert "scale-masters" in refusal.value.fix
    marked = [replace(item, marker=SERVED) for item in found]
    with pytest.raises(SettingsError, match="holds its metadata as type UFS"):
        decide(marked, wanted=EMBEDDED)


def test_the_older_of_two_types_is_refused_by_the_marker() -> None:
    both = journals("formatted", records=("UFS", "EMBEDDED"))
    newer = replace(new_marker(EMBEDDED, 0, NOW), served=True)
    with pytest.raises(SettingsError, match="as type EMBEDDED; alluxio_ha asks for type UFS"):
        decide([replace(both[0], marker=newer)])
    assert decide([replace(both[0], marker=SERVED)]).format == ()


def test_two_types_and_no_marker_are_not_guessed_about() -> None:
    found = journals("adopted", records=("UFS", "EMBEDDED"))
    with pytest.raises(SettingsError, match="no marker that says which is in use"):
        decide(found)


def test_a_type_that_was_formatted_and_never_used_is_in_nobodys_way() -> None:
    found = journals("empty", wanted=EMBEDDED, types=("UFS",), marker=MARKED)
    assert decide(found, wanted=EMBEDDED).format == (0,)


# Journals of masters that are no members.


def test_a_stale_copy_is_formatted_and_a_new_one_left() -> None:
    found = journals("used", "formatted", "empty", wanted=EMBEDDED)
    assert decide(found, wanted=EMBEDDED, masters=5, stale=True).format == (0, 2)


@pytest.mark.parametrize("state", ["foreign", "other", "absent", "unreadable"])
def test_what_is_no_journal_of_ours_is_no_stale_copy(state: str) -> None:
    with pytest.raises(SettingsError, match="the journal of master 0"):
        decide(journals(state, wanted=EMBEDDED), wanted=EMBEDDED, masters=3, stale=True)


@pytest.mark.parametrize("masters", [1, 3])
def test_all_masters_are_never_stale(masters: int) -> None:
    with pytest.raises(SettingsError, match="stale copies"):
        decide(journals(*["used"] * masters), wanted=EMBEDDED, stale=True)


def test_a_newcomer_is_formatted_alone() -> None:
    found = journals("used", "empty", wanted=EMBEDDED)[1:]
    assert decide(found, wanted=EMBEDDED, masters=3).format == (1,)


@pytest.mark.parametrize(
    ("kinds", "scales"),
    [
        (["used", "empty", "formatted"], "set alluxio_masters: 1 "),
        (["empty", "used", "empty"], ""),  # a release of one master has its journal as number 0
        (["used", "used", "empty", "empty", "empty"], ""),  # there is no release of two masters
    ],
)
def test_a_majority_of_new_journals_is_told_what_keeps_all(kinds: list[str], scales: str) -> None:
    with pytest.raises(SettingsError) as error:
        decide(journals(*kinds, wanted=EMBEDDED), wanted=EMBEDDED)
    fix = error.value.fix
    assert ("`alluxops restore`" in fix, "force" in fix, scales in fix) == (True, False, True)
    assert ("`alluxops scale-masters`" in fix) == bool(scales)


def test_what_is_seen_in_part_is_no_majority() -> None:
    found = journals("used", "empty", "empty", wanted=EMBEDDED)[:2]
    assert decide(found, wanted=EMBEDDED, masters=3).format == (1,)


# Restores.


def begun(*kinds: str, uri: str = URI) -> list[Journal]:
    return [
        replace(item, marker=new_marker(UFS, item.ordinal, NOW, uri)) for item in journals(*kinds)
    ]


def test_a_restore_makes_new_journals() -> None:
    assert decide(journals("empty", "formatted"), restoring=URI).format == (0, 1)


def test_a_restore_over_metadata_is_refused_unless_confirmed() -> None:
    with pytest.raises(SettingsError, match="holds metadata"):
        decide(journals("used"), restoring=URI)
    plan = decide(journals("used"), "force", confirmed=True, restoring=URI)
    assert plan.format == (0,)


def test_an_interrupted_restore_begins_again() -> None:
    assert decide(begun("used"), restoring=URI).format == (0,)


def test_an_interrupted_restore_of_another_backup_is_metadata() -> None:
    with pytest.raises(SettingsError, match="holds metadata"):
        decide(begun("used", uri="elsewhere"), restoring=URI)


def test_what_has_served_since_is_metadata_though_its_restore_did_not_end() -> None:
    (found,) = begun("used")
    served = [replace(found, marker=replace(found.marker, served=True))]  # type: ignore[type-var]
    with pytest.raises(SettingsError, match="holds metadata"):
        decide(served, restoring=URI)
    assert decide(served, "force", confirmed=True, restoring=URI).format == (0,)
    assert decide(served).format == ()


@pytest.mark.parametrize(("hours", "refused"), [(1, False), (25, True)])
def test_nobody_knows_what_came_into_a_restore_that_began_long_ago(
    hours: int, *, refused: bool
) -> None:
    request: dict[str, Any] = {"restoring": URI, "now": NOW + timedelta(hours=hours)}
    if not refused:
        assert decide(begun("used"), **request).format == (0,)
        return
    with pytest.raises(SettingsError, match="holds metadata") as refusal:
        decide(begun("used"), **request)
    assert "began more than a day ago" in refusal.value.cause
    assert "remove .alluxops.json" in refusal.value.fix
    assert decide(begun("used"), "force", confirmed=True, **request).format == (0,)
    assert decide(begun("formatted"), **request).format == ()


def test_what_serves_is_backed_up_before_a_restore_begins_again() -> None:
    assert decide(begun("used"), restoring=URI, serving=True).needs_backup
    assert not decide(begun("used"), restoring=URI, serving=True, backed_up=URI).needs_backup
    assert not decide(begun("used"), restoring=URI).needs_backup
    assert not decide(begun("formatted"), restoring=URI, serving=True).needs_backup


def test_journals_made_for_this_restore_stay() -> None:
    assert decide(begun("formatted"), restoring=URI).format == ()


@pytest.mark.parametrize("marker", [SERVED, None])
def test_a_restore_over_metadata_of_the_other_type_is_refused_unless_confirmed(
    marker: Marker | None,
) -> None:
    found = journals("empty", wanted=EMBEDDED, records=("UFS",), types=("UFS",), marker=marker)
    with pytest.raises(SettingsError, match="holds metadata of type UFS"):
        decide(found, wanted=EMBEDDED, restoring=URI)
    assert decide(found, "force", EMBEDDED, confirmed=True, restoring=URI).format == (0,)
    assert decide(found, wanted=EMBEDDED, restoring=URI, backed_up=URI).format == (0,)


def test_a_restore_passes_over_the_journal_that_a_change_of_type_left() -> None:
    served = replace(SERVED, journal_type="EMBEDDED")
    found = journals("empty", wanted=EMBEDDED, records=("UFS",), types=("UFS",), marker=served)
    assert decide(found, wanted=EMBEDDED, restoring=URI).format == (0,)


def test_a_restore_into_another_type_that_was_interrupted_begins_again() -> None:
    marker = new_marker(EMBEDDED, 0, NOW, URI)
    both = ("UFS", "EMBEDDED")
    found = journals("formatted", wanted=EMBEDDED, records=both, types=both, marker=marker)
    assert decide(found, wanted=EMBEDDED, restoring=URI).format == (0,)


def test_site_does_not_start_what_a_restore_left_half_done() -> None:
    for found in (begun("used"), begun("formatted")):
        with pytest.raises(SettingsError, match="did not end"):
            decide(found)
