"""The backup of a run that did not end takes the place of a new one only where it holds everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import noted_backup

Json = dict[str, Any]
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
NAME_AT = f"alluxio-backup-2026-01-02-{int(AT.timestamp()) * 1000}.gz"


@pytest.mark.parametrize(
    ("where", "hours", "counts"),
    [
        (f"s3://b/{NAME_AT}", 1, True),
        (f"/home/me/{NAME_AT}", 23, True),
        (f"s3://b/{NAME_AT}", 25, False),
        ("s3://b/else.gz", 1, False),
        ("", 1, False),
    ],
)
def test_the_backup_of_a_run_that_stopped_counts_for_a_day(
    where: str, hours: int, *, counts: bool
) -> None:
    notes = {noted_backup.BACKUP_NOTE: where}
    assert bool(noted_backup.noted_backup(notes, AT + timedelta(hours=hours), AT)) is counts


def master_pod(created: datetime, since: datetime | None = None, *, ready: bool = False) -> Json:
    """since: when it came to be Ready, or ceased to."""
    conditions = [{"type": "PodScheduled", "status": "True"}]
    if since:
        at = {"lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
        conditions.append({"type": "Ready", "status": str(ready), **at})
    return {
        "metadata": {
            "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "labels": {"role": "alluxio-master"},
        },
        "status": {"conditions": conditions},
    }


SOON, LATE = AT + timedelta(minutes=3), AT + timedelta(hours=20)


@pytest.mark.parametrize(
    ("pods", "counts"),
    [
        ([master_pod(SOON, SOON)], True),  # it never served
        ([master_pod(SOON)], True),  # its image does not exist
        ([master_pod(AT - timedelta(days=9), SOON)], True),  # it ended right after the backup
        ([master_pod(SOON, LATE)], False),  # it served for 20 h
        ([master_pod(LATE, LATE)], False),  # of the pod before it nothing is known
        ([master_pod(SOON, SOON, ready=True)], False),
        ([], False),
    ],
)
def test_it_counts_as_long_as_no_master_can_have_served_since(
    pods: list[Json], *, counts: bool
) -> None:
    notes = {noted_backup.BACKUP_NOTE: f"s3://b/{NAME_AT}"}
    quiet = noted_backup.quiet_since(pods, max(len(pods), 1))
    now = LATE + timedelta(hours=1)
    assert bool(noted_backup.noted_backup(notes, now, quiet)) is counts


def test_masters_that_are_missing_may_have_served() -> None:
    assert noted_backup.quiet_since([master_pod(SOON)], 3) is None


def test_a_run_that_found_nobody_serving_vouches_for_the_time_before_it() -> None:
    notes = {
        noted_backup.BACKUP_NOTE: f"s3://b/{NAME_AT}",
        noted_backup.QUIET_NOTE: (LATE - timedelta(minutes=2)).isoformat(),
    }
    assert noted_backup.noted_backup(notes, LATE + timedelta(hours=1), LATE)
