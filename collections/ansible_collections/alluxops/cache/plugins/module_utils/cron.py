"""Whether a text is a schedule that Kubernetes takes, told in the reader's words before the API server refuses it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()


_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)
_MACROS: Final = frozenset(
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]
)
_EVERY: Final = re.compile(r"^@every ((\d+(\.\d+)?)(h|m|s))+$")


def fault(text: str) -> str:
    """What is wrong with a schedule, as a sentence; empty when nothing is."""
    if text.startswith("@"):
        if text in _MACROS or _EVERY.match(text):
            return ""
        return f"{text} is not one of {', '.join(sorted(_MACROS))}, or `@every 6h`."
    if text.upper().startswith(("TZ=", "CRON_TZ=")):
        return "Kubernetes takes no time zone in the schedule; it is UTC."
    parts = text.split()
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        return f"It has {len(parts)} fields instead of five: {names}."
    for part, field in zip(parts, _FIELDS, strict=True):
        for item in part.split(","):
            wrong = _item_fault(item, field)
            if wrong:
                return f"The {field.name} is {part!r}: {wrong}."
    return _never(parts)


def _never(parts: list[str]) -> str:
    """That the day never comes, such as the 30th of February: Kubernetes takes the CronJob, and never runs it."""
    if parts[4] not in {"*", "?"} or not all(each.isdigit() for each in parts[2].split(",")):
        return ""
    months = [_number(each, _FIELDS[3]) for each in parts[3].split(",")]
    first = min(int(each) for each in parts[2].split(","))
    if all(month is not None and first > _LONGEST[month - 1] for month in months):
        return f"Day {parts[2]} of month {parts[3]} never comes."
    return ""


def _item_fault(item: str, field: _Field) -> str:
    """What is wrong with one of `*`, `5`, `1-5`, `*/10`, `mon-fri`."""
    span, slash, step = item.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return f"the step {step!r} is no number above 0"
    if span in {"*", "?"}:
        return ""
    ends = [_number(end, field) for end in span.split("-")]
    if len(ends) > 2 or None in ends:
        return f"{span!r} is neither *, a number nor a range"
    numbers = [end for end in ends if end is not None]
    if not all(field.least <= number <= field.most for number in numbers):
        return f"it must lie from {field.least} to {field.most}"
    return "the range runs backwards" if numbers != sorted(numbers) else ""


def _number(text: str, field: _Field) -> int | None:
    if text.isdigit():
        return int(text)
    words = field.words
    return field.least + words.index(text.lower()) if text.lower() in words else None
