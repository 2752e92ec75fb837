"""How durations and sizes read."""

from __future__ import annotations

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def duration(seconds: float) -> str:
    """'0.4 s', '12 s', '2 min 12 s', '1 h 3 min'."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock(seconds: float) -> str:
    """'0:07', '12:30', '1:02:03'."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def size(number: int) -> str:
    """'0 B', '512 MiB', '1.5 GiB'."""
    if number < 1024:
        return f"{number} B"
    value = float(number)
    for unit in UNITS:
        value /= 1024
        if value < 1024 or unit == UNITS[-1]:
            break
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def count(number: int, noun: str) -> str:
    """'1 task', '3 tasks'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
