"""What was measured: links between nodes, the store, tiers; read from what the programs print. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any, Final

Json = dict[str, Any]

LEAST_TOGETHER_S: Final = 1.0
MEMORY: Final = ("tmpfs", "ramfs")
_DD: Final = re.compile(r"^(\d+) bytes .*copied, ([\d.e-]+) s", re.MULTILINE)


class MeasureError(Exception):
    """A program could not measure; its own words."""


@dataclass(frozen=True)
class Link:
    """One direction between two nodes. latency_ms: of opening a connection; None where that failed."""

    source: str
    target: str
    bytes_per_s: float
    latency_ms: float | None = None
    retransmits: int = 0


@dataclass(frozen=True)
class StoreLink:
    """What the nodes get from the store: each by itself, and all together (None: not known). endpoint: its URL."""

    endpoint: str
    object: str
    object_bytes: int
    alone: Mapping[str, float]
    together: float | None
    latency_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Disk:
    """What a worker's tier gives one reader. kind: `memory`, `disk`, or `cached` where the page cache has a part."""

    node: str
    folder: str
    kind: str
    bytes: int
    bytes_per_s: float


@dataclass(frozen=True)
class Measured:
    """All of it; not_measured says what is not in it, a sentence each."""

    workers: tuple[str, ...]
    compute: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    store: StoreLink | None = None
    disks: tuple[Disk, ...] = ()
    not_measured: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node, workers first."""
        return (*self.workers, *(node for node in self.compute if node not in self.workers))

    def without(self, missing: Sequence[str]) -> Measured:
        """The same, with what it has not."""
        return replace(self, not_measured=tuple(missing))

    def as_dict(self) -> Json:
        """For a JSON document."""
        found: Json = json.loads(json.dumps(asdict(self)))
        return found

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Measured:
        """What as_dict() made; a document may have more."""
        store = document.get("store")
        return cls(
            workers=tuple(document["workers"]),
            compute=tuple(document["compute"]),
            links=tuple(Link(**link) for link in document["links"]),
            store=StoreLink(**store) if store else None,
            disks=tuple(Disk(**disk) for disk in document["disks"]),
            not_measured=tuple(document["not_measured"]),
        )


def parse_iperf(text: str) -> tuple[float, int]:
    """(bytes a second that arrived, segments sent again) from iperf3's JSON. Raises MeasureError."""
    said = _json(text, "iperf3")
    try:
        end = said["end"]
        bits = float(end["sum_received"]["bits_per_second"])
        return bits / 8, int(end.get("sum_sent", {}).get("retransmits") or 0)
    except (KeyError, TypeError, ValueError) as error:
        raise MeasureError(f"iperf3 told no sum ({error})") from error


def parse_answer(text: str, what: str) -> Json:
    """What the program in the pod printed. Raises MeasureError."""
    return _json(text, what)


def _json(text: str, what: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError:
        last = (text.strip().splitlines() or ["nothing"])[-1]
        raise MeasureError(f"{what} printed {last[:200]}") from None
    if not isinstance(found, dict):
        raise MeasureError(f"{what} printed no object")
    if found.get("error"):
        raise MeasureError(str(found["error"]))
    return found


def parse_tier(node: str, text: str) -> Disk:
    """A tier from what the script in the worker printed. Raises MeasureError where it holds nothing to read."""
    reads = [(int(size), float(took)) for size, took in _DD.findall(text)]
    size, took = sum(size for size, _ in reads), sum(took for _, took in reads)
    if not size or not took:
        raise MeasureError("it holds no block of 16 MiB or more")
    folder = re.search(r"^folder (.*)$", text, re.MULTILINE)
    kind = re.search(r"^kind (.*)$", text, re.MULTILINE)
    if kind is not None and kind[1] in MEMORY:
        told = "memory"
    else:
        told = "cached" if re.search(r"^cached$", text, re.MULTILINE) else "disk"
    return Disk(node, folder[1] if folder else "", told, size, size / took)


def tier_folders(config: Mapping[str, str]) -> list[str]:
    """The folders of the workers' tiers, the first tier's first, from the release's ConfigMap."""
    found: dict[str, list[str]] = {}
    for key, options in config.items():
        if key not in ("ALLUXIO_JAVA_OPTS", "ALLUXIO_WORKER_JAVA_OPTS"):
            continue
        pattern = r"-Dalluxio\.worker\.tieredstore\.level(\d)\.dirs\.path=(\S+)"
        for level, folders in re.findall(pattern, options):
            found[level] = folders.split(",")
    return [folder for level in sorted(found) for folder in found[level]]


def rate(answer: Mapping[str, Any]) -> float:
    """Bytes a second that one pod read from the store."""
    seconds, size = answer["ticks"][-1]
    return float(size) / float(seconds) if seconds > 0 else 0.0


def rate_together(answers: Sequence[Mapping[str, Any]]) -> float | None:
    """Bytes a second that several pods read together, counted while all of them read; None where they hardly did.

    Their clocks and starts differ; what one reads before the others have begun would count too much.
    """
    if not answers:
        return None
    begins = max(float(answer["began"]) for answer in answers)
    ends = min(float(answer["began"]) + float(answer["ticks"][-1][0]) for answer in answers)
    if ends - begins < LEAST_TOGETHER_S:
        return None
    total = sum(_at(answer, ends) - _at(answer, begins) for answer in answers)
    return total / (ends - begins)


def _at(answer: Mapping[str, Any], moment: float) -> float:
    """Bytes read until a moment, between two ticks in proportion."""
    since = moment - float(answer["began"])
    ticks = answer["ticks"]
    for (before, had), (after, has) in pairwise(ticks):
        if before <= since <= after and after > before:
            return float(had + (has - had) * (since - before) / (after - before))
    return float(ticks[-1][1] if since > 0 else 0)


def middle(latencies: Sequence[float]) -> float:
    """The median, to a microsecond."""
    return round(median(latencies), 3)
