"""A restore begins once, goes on where it was interrupted, and counts only when a master says that it has ended."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import restore as action
from ansible_collections.alluxops.cache.plugins.module_utils import backup, restore
from ansible_collections.alluxops.cache.plugins.module_utils.backup import File, Source
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.restore import Seen
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils import ufs_look
from tests.unit.cache.settings_cases import with_
from tests.unit.cache.test_backup import FOLDER, MID, NEW
from tests.unit.cache.test_backup_place import lying

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATEST = Source("latest", "")
IN_UFS = Source("ufs", f"{FOLDER}/{NEW}")
BY_NAME = Source("name", NEW)
HERE = Source("controller", f"/home/me/{NEW}")
IN_JOURNAL = f"/journal/alluxops-backups/{NEW}"


def plan(source: Source, seen: Seen) -> restore.Plan:
    return restore.plan(source, seen, "alluxio", "/journal")


@pytest.mark.parametrize(
    ("source", "uri"),
    [(LATEST, ""), (BY_NAME, ""), (IN_UFS, f"{FOLDER}/{NEW}"), (HERE, IN_JOURNAL)],
)
def test_a_new_restore_begins(source: Source, uri: str) -> None:
    assert plan(source, Seen()) == restore.Plan(source, uri)


def test_a_cache_that_serves_is_not_restored_over() -> None:
    with pytest.raises(SettingsError, match=r"alluxio serves \(alluxio-master-0 leads\)"):
        plan(LATEST, Seen(serving="alluxio-master-0"))


def test_a_rollback_replaces_what_serves() -> None:
    seen = Seen(serving="alluxio-master-0")
    found = restore.plan(LATEST, seen, "alluxio", "/journal", replaces=True)
    assert found == restore.Plan(LATEST, "")


def test_a_rollback_may_take_another_backup_than_the_one_it_began_with() -> None:
    seen = Seen(serving="alluxio-master-0", pending=f"{FOLDER}/{MID}", restored=12)
    found = restore.plan(IN_UFS, seen, "alluxio", "/journal", replaces=True)
    assert found == restore.Plan(IN_UFS, IN_UFS.value)
    found = restore.plan(LATEST, seen, "alluxio", "/journal", replaces=True)
    assert found == restore.Plan(LATEST, f"{FOLDER}/{MID}", is_finished=True)


@pytest.mark.parametrize(
    ("source", "pending"),
    [
        (LATEST, f"{FOLDER}/{MID}"),
        (BY_NAME, f"{FOLDER}/{NEW}"),
        (IN_UFS, f"{FOLDER}/{NEW}"),
        (HERE, IN_JOURNAL),
    ],
)
@pytest.mark.parametrize(
    ("serving", "restored", "finished"),
    [("", None, False), ("m0", None, False), ("m0", 12, True)],
)
def test_an_interrupted_restore_goes_on_with_the_same_backup(
    source: Source, pending: str, serving: str, restored: int | None, *, finished: bool
) -> None:
    found = plan(source, Seen(serving, pending, restored))
    assert found == restore.Plan(source, pending, is_finished=finished)


def test_a_restore_that_its_marker_says_has_ended_is_not_begun_again() -> None:
    seen = Seen("m0", IN_UFS.value, None, has_ended=True)
    assert plan(IN_UFS, seen) == restore.Plan(IN_UFS, IN_UFS.value, is_finished=True)


@pytest.mark.parametrize(
    ("source", "noted"),
    [
        (LATEST, f"{FOLDER}/{MID}"),
        (BY_NAME, f"{FOLDER}/{NEW}"),
        (IN_UFS, f"{FOLDER}/{NEW}"),
        (HERE, IN_JOURNAL),
    ],
)
def test_a_restore_that_only_its_note_tells_of_is_brought_to_its_end(
    source: Source, noted: str
) -> None:
    found = plan(source, Seen("m0", noted=noted))
    assert found == restore.Plan(source, noted, is_finished=True, is_settling=True)
    with pytest.raises(SettingsError, match="no master serves now") as refusal:
        plan(source, Seen(noted=noted))
    assert "run this again" in refusal.value.fix


@pytest.mark.parametrize("source", [IN_UFS, BY_NAME, HERE])
def test_another_backup_is_refused_until_a_noted_restore_is_brought_to_its_end(
    source: Source,
) -> None:
    with pytest.raises(SettingsError, match="did not come to its end") as refusal:
        plan(source, Seen("m0", noted=f"{FOLDER}/{MID}"))
    assert refusal.value.fix.startswith(f"finish it with restore_from={MID} (or latest)")


def test_a_note_does_not_vouch_for_a_restore_that_the_configuration_still_names() -> None:
    found = plan(IN_UFS, Seen("m0", IN_UFS.value, noted=IN_UFS.value))
    assert found == restore.Plan(IN_UFS, IN_UFS.value)


def test_a_rollback_restores_whatever_a_restore_has_noted() -> None:
    seen = Seen("m0", noted=IN_UFS.value)
    found = restore.plan(IN_UFS, seen, "alluxio", "/journal", replaces=True)
    assert found == restore.Plan(IN_UFS, IN_UFS.value)


@pytest.mark.parametrize(("restored", "held"), [(12, 12), (13, 12), (12, 0), (None, 12)])
def test_as_many_entries_as_the_backup_holds_are_the_whole(restored: int | None, held: int) -> None:
    restore.check_whole(restored, held, IN_JOURNAL, "alluxio")


def test_fewer_entries_than_the_backup_holds_are_not_the_whole() -> None:
    with pytest.raises(CacheError, match=r"11 entries of .* were restored into alluxio, and it"):
        restore.check_whole(11, 12, IN_JOURNAL, "alluxio")


@pytest.mark.parametrize("replaces", [False, True])
def test_what_was_restored_whole_is_not_restored_again_while_nobody_serves(
    *, replaces: bool
) -> None:
    seen = Seen("", IN_UFS.value, 12)
    with pytest.raises(SettingsError, match="was restored whole into alluxio") as refusal:
        restore.plan(IN_UFS, seen, "alluxio", "/journal", replaces=replaces)
    assert "`alluxops status`" in refusal.value.fix


@pytest.mark.parametrize("source", [IN_UFS, BY_NAME, HERE])
def test_another_backup_does_not_get_into_a_restore_that_has_begun(source: Source) -> None:
    with pytest.raises(SettingsError, match="has begun and did not end"):
        plan(source, Seen(pending=f"{FOLDER}/{MID}"))


def test_a_restore_is_confirmed_by_name() -> None:
    restore.confirm("alluxio", "alluxio")
    with pytest.raises(SettingsError, match="alluxio_confirm_restore is 'yes'"):
        restore.confirm("alluxio", "yes")
    with pytest.raises(SettingsError, match="alluxio_confirm_restore") as fault:
        restore.confirm("alluxio", "", replaces=True)
    assert "The journal of alluxio is destroyed" in fault.value.cause
    assert "is in neither: stop the clients first" in fault.value.cause


@pytest.mark.parametrize(
    ("config", "uri"),
    [
        ({}, ""),
        ({"ALLUXIO_MASTER_JAVA_OPTS": "-Da=b -Xmx1g"}, ""),
        (
            {
                "ALLUXIO_MASTER_JAVA_OPTS": f"-Da=b -Dalluxio.master.journal.init.from.backup={IN_JOURNAL} -Xmx1g"
            },
            IN_JOURNAL,
        ),
        ({"ALLUXIO_WORKER_JAVA_OPTS": "-Dalluxio.master.journal.init.from.backup=/x"}, ""),
    ],
)
def test_what_the_masters_start_from_is_read_from_their_configuration(
    config: dict[str, str], uri: str
) -> None:
    assert restore.pending(config) == uri


def test_where_the_masters_have_their_journal_is_read_from_their_configuration() -> None:
    assert restore.folder({}) == "/journal"
    assert (
        restore.folder({"ALLUXIO_JAVA_OPTS": "-Dalluxio.master.journal.folder=/j/a -Da=b"})
        == "/j/a"
    )


def test_what_a_master_says_of_a_restore() -> None:
    ended = "2026-11-24 20:03:18,778 INFO  BackupManager - Restored 12 entries from backup\n"
    skipped = (
        "INFO AlluxioMasterProcess - The journal system is not freshly formatted,"
        " skipping restoring backup from s3://b/x\n"
    )
    broken = (
        "ERROR ProcessUtils - Uncaught exception\n"
        "java.io.IOException: Failed to open backup s3://b/x: no such key\n"
    )
    assert restore.restored_entries(["", skipped, ended]) == 12
    assert restore.restored_entries(["", skipped, broken]) is None
    assert restore.why_not_restored([broken, skipped]).startswith("java.io.IOException")
    assert "was ended while it restored" in restore.why_not_restored(["", skipped])
    assert "no master says" in restore.why_not_restored([""])


def test_how_far_masters_have_got_with_a_backup() -> None:
    begun = "INFO BackupManager - 100 entries from backup applied so far...\n"
    ended = "INFO BackupManager - Restored 2500 entries from backup\n"
    assert restore.applied_entries(["", begun, begun.replace("100", "2000")]) == 2000
    assert restore.applied_entries([begun + ended, ""]) == 2500
    assert restore.applied_entries(["", "INFO starting"]) == 0


def message(size: int) -> bytes:
    """A delimited message of a size, as protobuf writes it."""
    head = bytearray()
    rest = size
    while rest >= 0x80:
        head.append(rest & 0x7F | 0x80)
        rest >>= 7
    head.append(rest)
    return bytes(head) + b"x" * size


SIZES = [1, 127, 128, 300, 20_000, 3_000_000]


def test_the_entries_of_a_backup_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(map(message, SIZES))
    whole = gzip.compress(content)
    assert restore.count_entries(io.BytesIO(whole)) == len(SIZES)
    halves = gzip.compress(content[:200]) + gzip.compress(content[200:])
    assert restore.count_entries(io.BytesIO(halves)) == len(SIZES)
    monkeypatch.setattr(restore, "_READ_BYTES", 7)
    assert restore.count_entries(io.BytesIO(whole)) == len(SIZES)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda _: b"", "cut off"),
        (lambda content: gzip.compress(content)[:-9], "cut off"),
        (lambda content: gzip.compress(content[:-1]), "no backup of Alluxio"),
        (lambda content: gzip.compress(content + b"\0"), "no backup of Alluxio"),
        (lambda _: gzip.compress(b""), "no backup of Alluxio"),
        (lambda _: gzip.compress(b"\xff" * 20), "no backup of Alluxio"),
        (lambda content: content, "no gzip file"),
        (lambda content: gzip.compress(content)[:30] + b"\0" * 30, "damaged"),
    ],
)
def test_a_file_that_is_no_whole_backup_is_told(
    tmp_path: Path, spoil: Callable[[bytes], bytes], told: str
) -> None:
    file = tmp_path / NEW
    file.write_bytes(spoil(b"".join(map(message, SIZES[:4]))))
    with pytest.raises(SettingsError, match=told):
        action._counted(file)


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        action._counted(tmp_path / NEW)


@pytest.mark.parametrize("given", ["latest", MID])
def test_a_backup_is_looked_for_in_this_cluster_s_directory(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    mine, theirs = (f"/alluxio_backups/alluxio/alluxio/uid-{number}" for number in (1, 2))
    found = lying(mine, MID) + lying(theirs, MID, NEW)
    looked: list[tuple[str, bool]] = []

    def files_in(*told: Any, deep: bool) -> list[File]:
        looked.append((told[4], deep))
        return found

    monkeypatch.setattr(ufs_look, "files_in", files_in)
    monkeypatch.setattr(objects, "cluster_uid", lambda _: "uid-1")
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    source = backup.source(given, "s3://datasets/")
    chosen = action.ActionModule.__new__(action.ActionModule)._choose(
        None,  # type: ignore[arg-type]
        {
            "plan": {"kind": source.kind, "value": source.value, "uri": "", "is_finished": False},
            "settings": with_(root_ufs="s3://datasets/").as_dict(),
            "values": {},
            "wait_timeout_s": 1,
            "revision": 0,
        },
    )
    assert chosen["uri"] == f"s3://datasets{mine}/{MID}"
    assert looked == [("/alluxio_backups/alluxio/alluxio", True)]


def test_a_check_that_looks_into_no_store_names_a_place_that_the_chart_can_render(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(objects, "cluster_uid", lambda _: "uid-1")
    monkeypatch.setattr(action.ActionModule, "check_mode", True)
    chosen = action.ActionModule.__new__(action.ActionModule)._choose(
        None,  # type: ignore[arg-type]
        {
            "plan": {"kind": "latest", "value": "", "uri": "", "is_finished": False},
            "settings": with_(root_ufs="s3://datasets/").as_dict(),
        },
    )
    assert chosen["uri"] == "s3://datasets/alluxio_backups/alluxio/alluxio/uid-1/newest"


def test_the_placed_backup_goes_to_each_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Any] = []
    monkeypatch.setattr(action, "_put", lambda *given: put.append(given))
    claims = [{"kind": "journal", "name": f"j{n}", "ordinal": n} for n in range(3)]
    options = {
        "plan": {"value": f"/home/me/{NEW}", "uri": IN_JOURNAL},
        "claims": [*claims, {"kind": "domain", "name": "d"}],
        "values": {},
    }
    module = action.ActionModule.__new__(action.ActionModule)
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    done = module._place(None, options)  # type: ignore[arg-type]
    assert (done["changed"], done["claims"]) == (True, 3)
    assert put[0][2] == claims
    with pytest.raises(SettingsError, match="no volume of their own"):
        module._place(None, {**options, "claims": []})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "revision", "looked"),
    [
        (Seen(), 0, True),
        (Seen("m0", IN_UFS.value, 12), 0, False),  # only its end is left
        (Seen("m0"), 3, False),  # a rollback replaces what there is
    ],
)
def test_kept_journals_are_looked_at_before_a_restore_that_makes_new_ones(
    monkeypatch: pytest.MonkeyPatch, seen: Seen, revision: int, *, looked: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(action, "_look", lambda *_: seen)
    monkeypatch.setattr(action, "_eras", lambda *_: ([], "2.9.4"))
    monkeypatch.setattr(action, "_refuse_kept", lambda *given: asked.append(given[-1]))
    settings = with_(root_ufs="s3://datasets/")
    options = {
        "settings": settings.as_dict(),
        "source": IN_UFS.value,
        "confirm": settings.release,
        "values": {},
        "revision": revision,
    }
    module = action.ActionModule.__new__(action.ActionModule)
    module._check(None, options)  # type: ignore[arg-type]
    assert asked == ([IN_UFS.value] if looked else [])
