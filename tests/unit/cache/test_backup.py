"""What `fsadmin backup` says is read rightly, a restore reads what is meant, pruning takes no other file."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.module_utils.backup import File, Source
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

OLD = "alluxio-backup-2026-11-22-1795377794682.gz"
MID = "alluxio-backup-2026-11-23-1795464194682.gz"
NEW = "alluxio-backup-2026-11-24-1795550594682.gz"
ROOT = "s3://datasets/"
FOLDER = "s3://datasets/alluxio_backups/alluxio/alluxio"

# Alluxio 2.9.6, standard output: progress is overwritten in place, the answer follows on the same line.
MADE = (
    f"{' ' * 75}\r Backup state: Initiating\r{' ' * 75}\r{' ' * 75}\rBackup Host        : alluxio-master-1\n"
    f"Backup URI         : {FOLDER}/{NEW}\n"
    "Backup Entry Count : 10\n"
)
FAILED = (
    f"{' ' * 75}\r Backup state: Initiating\r{' ' * 75}\rLocal backup failed: Failed to create directory /x\n"
    "2026-11-24 20:03:18,778 ERROR AbstractShell - Error running backup /x\n"
    "Picked up JAVA_TOOL_OPTIONS: -Xmx256m\n"
)
AT = "11-24-2026 20:03:14:707"
ALLUXIO = "alluxio        alluxio       "
LISTED = f"""\
-rw-r--r--  {ALLUXIO}              382       PERSISTED {AT}   0% /alluxio_backups/a/b/{NEW}
-rw-r--r--  {ALLUXIO}                0       PERSISTED {AT} 100% /alluxio_backups/a/b/{NEW}.complete
-rwx------+ {ALLUXIO}               12   NOT_PERSISTED {AT}   0% /alluxio_backups/a/b/notes 1.txt
drwxr-xr-x  {ALLUXIO}                2       PERSISTED {AT}  DIR /alluxio_backups/a/b/more
Picked up JAVA_TOOL_OPTIONS: -Xmx256m
"""


def files(*names: str) -> list[File]:
    """Files, each backup with what marks it whole."""
    return [File(name, 0 if name.endswith(backup.COMPLETE) else 9) for name in names]


def whole(*names: str) -> list[File]:
    return files(*(each for name in names for each in (name, name + backup.COMPLETE)))


def test_what_a_backup_says_of_itself_is_read() -> None:
    written = backup.parse_written(MADE)
    assert written == backup.Written("alluxio-master-1", f"{FOLDER}/{NEW}", 10)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (FAILED, "Local backup failed: Failed to create directory /x"),
        ("\r Backup lost. Please check Alluxio logs.\n", "Backup lost. Please check Alluxio logs."),
        (
            "alluxio.exception.status.UnavailableException: Failed to connect\n\tat alluxio.X",
            "alluxio.exception.status.UnavailableException: Failed to connect",
        ),
        ("", "it printed nothing"),
        (
            "Backup URI         : s3://datasets/somewhere\n",
            "Backup URI         : s3://datasets/somewhere",
        ),
    ],
)
def test_a_backup_that_failed_says_why(said: str, reason: str) -> None:
    with pytest.raises(CacheError) as error:
        backup.parse_written(said)
    assert error.value.cause == reason


def test_a_backup_in_progress_and_a_missing_standby_are_told_apart() -> None:
    busy = "Exception: Backup in progress"
    alone = "alluxio.exception.BackupDelegationException: Failed to delegate the backup."
    assert backup.is_busy(busy)
    assert not backup.is_busy(alone)
    assert backup.is_undelegated(alone)
    assert not backup.is_undelegated(FAILED)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (NEW, True),
        (NEW + ".complete", False),
        ("alluxio-backup-2026-11-23-1795550594682.gz", False),  # another day than its time
        ("alluxio-backup-2026-11-24-1.gz", False),
        ("my-" + NEW, False),
        ("alluxio-backup-2026-11-24-1795550594682.gz.bak", False),
        ("", False),
    ],
)
def test_only_names_that_alluxio_gives_are_backups(name: str, *, is_one: bool) -> None:
    assert backup.is_name(name) is is_one


def test_a_name_tells_when() -> None:
    assert backup.taken_at(f"{FOLDER}/{NEW}") == "2026-11-24T20:03:14Z"


def test_a_listing_is_read_and_directories_left_out() -> None:
    assert backup.parse_listing(LISTED) == [
        File(NEW, 382, "/alluxio_backups/a/b"),
        File(NEW + ".complete", 0, "/alluxio_backups/a/b"),
        File("notes 1.txt", 12, "/alluxio_backups/a/b"),
    ]


@pytest.mark.parametrize(
    ("keep", "made", "gone"),
    [
        (0, NEW, []),
        (1, NEW, [OLD, MID]),
        (2, NEW, [OLD]),
        (3, NEW, []),
        (7, NEW, []),
        (
            1,
            OLD,
            [MID],
        ),  # a clock that was set back: the one just made stays whatever its name says
    ],
)
def test_pruning_keeps_the_newest_and_the_one_just_made(
    keep: int, made: str, gone: list[str]
) -> None:
    names = [NEW, OLD, MID, "notes.txt", NEW + ".complete", OLD + ".bak"]
    assert backup.prunable(names, names, keep, made) == gone


@pytest.mark.parametrize(
    ("complete", "keep", "gone"),
    [
        ([OLD, NEW], 2, []),
        ([OLD, NEW], 1, [OLD, MID]),
        ([OLD, MID], 1, [OLD]),
        ([OLD], 2, []),
        ([NEW], 1, [OLD, MID]),
        ([], 1, []),
    ],
)
def test_a_backup_that_is_not_whole_pushes_no_whole_one_out(
    complete: list[str], keep: int, gone: list[str]
) -> None:
    assert backup.prunable([OLD, MID, NEW], complete, keep, "") == gone


def test_a_backup_on_a_master_lies_in_its_journal_volume() -> None:
    assert backup.folder_in_journal("/journal/") == "/journal/alluxops-backups"
    assert backup.folder_in_journal("hdfs://nn/journal") == "/tmp/alluxops-backups"


@pytest.mark.parametrize(
    ("to", "root", "refused"),
    [
        ("ufs", ROOT, ""),
        ("ufs", "ephemeral", "ephemeral"),
        ("ufs", "/opt/ephemeral/", "ephemeral"),
        ("/var/backups", "ephemeral", ""),
        ("backups", ROOT, "'backups'"),
        ("s3://other/", ROOT, "'s3://other/'"),
    ],
)
def test_a_backup_outlives_its_cache(to: str, root: str, refused: str) -> None:
    if not refused:
        backup.check_destination(to, root, "/opt/ephemeral")
        return
    with pytest.raises(SettingsError, match=refused):
        backup.check_destination(to, root, "/opt/ephemeral")


@pytest.mark.parametrize(
    ("given", "root", "meant"),
    [
        ("latest", ROOT, Source("latest", "")),
        (NEW, ROOT, Source("name", NEW)),
        (f"s3://datasets/old/{NEW}", ROOT, Source("ufs", f"s3://datasets/old/{NEW}")),
        (f"/mnt/nfs/b/{NEW}", "/mnt/nfs", Source("ufs", f"/mnt/nfs/b/{NEW}")),
        (f"/home/me/{NEW}", "/mnt/nfs", Source("controller", f"/home/me/{NEW}")),
        (f"/home/me/{NEW}", ROOT, Source("controller", f"/home/me/{NEW}")),
        (f"backups/{NEW}", ROOT, Source("controller", f"backups/{NEW}")),
    ],
)
def test_what_a_restore_reads(given: str, root: str, meant: Source) -> None:
    assert backup.source(given, root) == meant


@pytest.mark.parametrize(
    ("given", "root"),
    [
        ("", ROOT),
        (f"s3://other/{NEW}", ROOT),
        (f"hdfs://nn/{NEW}", ROOT),
        (f"file:///mnt/{NEW}", ROOT),
        (f"s3://datasets/{NEW}", "s3://datasets/team/"),
    ],
)
def test_a_backup_that_no_master_could_read_is_refused(given: str, root: str) -> None:
    with pytest.raises(SettingsError, match="restore_from is"):
        backup.source(given, root)


def test_the_newest_whole_backup_is_the_latest() -> None:
    lying = whole(OLD, MID) + files(NEW) + [File("alluxio-backup-x.gz", 5)]
    assert backup.choose(lying, Source("latest", ""), FOLDER).name == MID


@pytest.mark.parametrize(
    ("lying", "wanted", "told"),
    [
        ([], Source("latest", ""), "there is no backup in"),
        (files(NEW), Source("latest", ""), "was not finished"),
        ([], Source("ufs", f"{FOLDER}/{NEW}"), "holds no backup"),
        (whole(OLD), Source("ufs", f"{FOLDER}/{NEW}"), f"there are: {OLD}"),
        (files(NEW), Source("ufs", f"{FOLDER}/{NEW}"), "was not finished"),
        ([File(NEW, 0), File(NEW + ".complete", 0)], Source("ufs", NEW), "holds no backup"),
    ],
)
def test_a_missing_or_torn_backup_is_refused(lying: list[File], wanted: Source, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        backup.choose(lying, wanted, FOLDER)
    assert told in str(error.value)


def test_a_backup_tells_where_it_is() -> None:
    made = backup.Backup(
        f"{FOLDER}/{NEW}", "2026-11-24T20:03:14Z", "2.9.6", 10, size_bytes=382, pruned=(OLD,)
    )
    told = backup.summary(backup.timed(made, 1.84).as_dict())
    assert told == f"{FOLDER}/{NEW} (10 entries, 382 bytes, 1.8 s, 1 older removed)"
    local = backup.Backup(f"/journal/b/{NEW}", "", "", None, file=f"/backups/{NEW}")
    assert backup.summary(local.as_dict()) == f"/backups/{NEW}"


@pytest.mark.parametrize(
    ("uri", "root", "folder"),
    [
        (f"{FOLDER}/{NEW}", ROOT, "/alluxio_backups/alluxio/alluxio"),
        (f"s3://datasets/{NEW}", ROOT, "/"),
        (f"s3://datasets/team/x/{NEW}", "s3://datasets/team", "/x"),
        (f"/mnt/nfs/x/{NEW}", "/mnt/nfs/", "/x"),
    ],
)
def test_a_backup_s_directory_is_a_path_of_the_cache(uri: str, root: str, folder: str) -> None:
    assert backup.folder_of(uri, root) == folder
