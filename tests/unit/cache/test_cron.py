"""A schedule that Kubernetes would refuse is refused by us, with the field that is wrong."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import cron


@pytest.mark.parametrize(
    "text",
    [
        "30 2 * * *",
        "*/15 * * * *",
        "0 0,12 1-7 JAN-mar mon",
        "0 0 ? * 0-6/2",
        "5/10 * * * *",
        "0 0 29 2 *",
        "0 0 31 * *",
        "0 0 31 4,may *",
        "0 0 30 2 mon",
        "@daily",
        "@every 6h",
        "@every 1h30m",
        "  0   1 * * *  ",
    ],
)
def test_a_schedule_is_taken(text: str) -> None:
    assert cron.fault(text) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("30 2 * *", "It has 4 fields instead of five"),
        ("0 30 2 * * *", "It has 6 fields"),
        ("nightly", "It has 1 fields"),
        ("60 2 * * *", "The minute is '60': it must lie from 0 to 59."),
        ("0 24 * * *", "The hour is '24'"),
        ("0 0 0 * *", "The day of the month is '0'"),
        ("0 0 * 13 *", "The month is '13'"),
        ("0 0 * * 7", "The day of the week is '7': it must lie from 0 to 6."),
        ("0 0 * * someday", "'someday' is neither"),
        ("5-1 * * * *", "runs backwards"),
        ("1-2-3 * * * *", "is neither"),
        ("*/0 * * * *", "the step '0'"),
        ("*/x * * * *", "the step 'x'"),
        (", * * * *", "is neither"),
        ("0 0 30 2 *", "Day 30 of month 2 never comes."),
        ("0 0 31 apr,jun *", "never comes"),
        ("@nightly", "@nightly is not one of"),
        ("@every day", "@every day is not one of"),
        ("TZ=Europe/Berlin 0 2 * * *", "UTC"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    assert told in cron.fault(text)
