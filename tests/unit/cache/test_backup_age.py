"""No Alluxio is given a backup of a newer one: the time in its name and Helm's history tell which one wrote it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import backup_age
from ansible_collections.alluxops.cache.plugins.module_utils.backup import File
from ansible_collections.alluxops.cache.plugins.module_utils.backup_age import Era
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
ERAS = [
    Era(number, START + timedelta(hours=hours), tag)
    for number, hours, tag in (
        (3, 0, "2.9.4"),
        (4, 2, "2.9.6-custom"),
        (5, 4, "2.9.4"),
        (6, 6, "latest"),
    )
]


def made(hours: float) -> str:
    """The name of a backup of that time."""
    at = START + timedelta(hours=hours)
    return f"alluxio-backup-{at:%Y-%m-%d}-{int(at.timestamp()) * 1000}.gz"


@pytest.mark.parametrize(
    ("name", "revision"),
    [(made(-1), 0), (made(0), 3), (made(1.9), 3), (made(2), 4), (made(9), 6), ("mine.gz", 0)],
)
def test_a_backup_is_of_the_revision_in_force_when_it_was_begun(name: str, revision: int) -> None:
    era = backup_age.era_of(f"s3://b/{name}", ERAS)
    assert (era.revision if era else 0) == revision


@pytest.mark.parametrize("hours", [-1, 1, 5, 9])
def test_what_it_can_read_or_nobody_can_tell_is_taken(hours: float) -> None:
    backup_age.check(f"/home/me/{made(hours)}", ERAS, "2.9.4")


def test_a_backup_of_a_newer_alluxio_is_refused() -> None:
    with pytest.raises(SettingsError, match="restore_from is") as fault:
        backup_age.check(f"s3://b/{made(3)}", ERAS, "2.9.4")
    assert "Alluxio 2.9.6 (revision 4)" in fault.value.cause
    backup_age.check(f"s3://b/{made(3)}", ERAS, "2.9.6")


@pytest.mark.parametrize(("hours", "is_doubted"), [(-1, True), (1, False), (3, False), (9, True)])
def test_what_nobody_can_tell_is_said(hours: float, *, is_doubted: bool) -> None:
    assert bool(backup_age.doubts(f"s3://b/{made(hours)}", ERAS)) is is_doubted


def test_the_newest_is_looked_for_among_those_it_can_read() -> None:
    files = [File(made(hours), 1) for hours in (1, 3, 5)]
    files.append(File(f"{made(3)}.complete", 0))
    found = backup_age.readable(files, ERAS, "2.9.4")
    assert [file.name for file in found] == [made(1), made(5), f"{made(3)}.complete"]
