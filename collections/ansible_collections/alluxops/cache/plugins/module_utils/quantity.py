"""Sizes as Kubernetes, Alluxio and the JVM read them, and times as Alluxio does.

The same text means different sizes to each: "1G" is 10^9 bytes to Kubernetes and 2^30 to Alluxio. Each reader here
follows its own program, so that a difference can be found before a worker crash-loops over it.
Standard library only.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

_KUBERNETES_UNITS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
    "Ei": Decimal(2) ** 60,
}
_ALLUXIO_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_NUMBER = re.compile(r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$")
_ALLUXIO = re.compile(r"^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$")
_ALLUXIO_TIME = re.compile(
    r"(\d+(?:\.\d+)?)\s*(|ms|millisecond|s|sec|second|m|min|minute|h|hr|hour|d|day)"
)
_SECONDS = {"": 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_JVM_HEAP = re.compile(r"^-Xmx([0-9]+)([kKmMgGtT]?)$")
_JVM_DIRECT = re.compile(r"^-XX:MaxDirectMemorySize=([0-9]+)([kKmMgGtT]?)$")


def kubernetes_bytes(text: Any) -> int:
    """Bytes of a Kubernetes quantity such as 1Gi, 1G, 1e9 or 1073741824. ValueError where the API server refuses it."""
    match = _NUMBER.match(str(text).strip())
    if match is None or match.group(2) not in _KUBERNETES_UNITS:
        raise ValueError(f"{text!r} is no Kubernetes quantity")
    try:
        value = Decimal(match.group(1)) * _KUBERNETES_UNITS[match.group(2)]
    except InvalidOperation:
        raise ValueError(f"{text!r} is no Kubernetes quantity") from None
    return int(value.to_integral_value(rounding="ROUND_CEILING"))


def alluxio_bytes(text: Any) -> int:
    """Bytes of an Alluxio size such as 1GB, 1g, 1GiB or 1073741824: every unit is a power of 1024. ValueError else."""
    match = _ALLUXIO.match(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is no Alluxio size")
    unit = match.group(2).lower()
    for ending in ("ib", "i", "b"):
        if unit.endswith(ending):
            unit = unit[: -len(ending)]
            break
    if unit not in _ALLUXIO_POWERS or match.group(2).lower() in ("i", "ib"):
        raise ValueError(f"{text!r} is no Alluxio size")
    return int(Decimal(match.group(1)) * 1024 ** _ALLUXIO_POWERS[unit])


def _jvm_bytes(options: list[str], pattern: re.Pattern[str]) -> int | None:
    found: int | None = None
    for option in options:
        match = pattern.match(option)
        if match is not None:  # the JVM takes the last one
            power = " kmgt".index(match.group(2).lower() or " ")
            found = int(match.group(1)) * int(1024**power)
    return found


def jvm_memory(options: list[str]) -> tuple[int | None, int | None]:
    """(heap, direct memory) in bytes that the JVM options ask for; None where they do not say."""
    words = [word for option in options for word in str(option).split()]
    return _jvm_bytes(words, _JVM_HEAP), _jvm_bytes(words, _JVM_DIRECT)


def human(size: int) -> str:
    """A size for people: 1073741824 -> "1 GiB", 1500 -> "1500 B"."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            value = size / 1024**power
            return f"{value:.0f} {unit}" if value == int(value) else f"{value:.1f} {unit}"
    return f"{size} B"


def counted(number: int, noun: str) -> str:
    """A number of things for people: "1 master", "3 masters"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def alluxio_seconds(value: Any) -> float | None:
    """A time as Alluxio writes it, such as 2min or 1500ms, in seconds; a bare number is milliseconds. None: no time."""
    match = _ALLUXIO_TIME.fullmatch(str(value).strip().lower())
    if match is None:
        return None
    number, unit = match.groups()
    known = "ms" if unit.startswith(("ms", "milli")) else unit[:1]
    return float(number) * _SECONDS[known]
