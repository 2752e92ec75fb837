"""What a benchmark measures: workloads, arms, and which of them this cache can be measured by. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import benchmark_variant, network_pods
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_variant import Variant
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.health import ROOM
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Store
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human
from ansible_collections.alluxops.cache.plugins.module_utils.values import ROOT_UFS

DIRECT: Final = "direct"
SLOW: Final = "direct-slow"
COLD: Final = "cold"
FUSE: Final = "warm-fuse"
SHORT: Final = "warm-short-circuit"
S3: Final = "warm-s3"
ARMS: Final = (DIRECT, SLOW, COLD, FUSE, SHORT, S3)
"""In the order in which they run: `cold` leaves each worker with what its own node reads in the warm ones."""
WARM: Final = (FUSE, SHORT, S3)
PATHS: Final = {
    DIRECT: "the object store itself",
    SLOW: "the object store across the slow link",
    COLD: "FUSE, nothing cached: a worker fetches from the store",
    FUSE: "FUSE, from the worker of another node, over the network",
    SHORT: "FUSE, from the own node's worker, over its domain socket",
    S3: "the own node's proxy, which reads from any worker",
}

FOLDER: Final = "alluxops-benchmark"
"""Below the root under store, and so a directory of the cache."""
MARKER: Final = ".alluxops-benchmark.json"
KEYS: Final = ("name", "files", "bytes")
MOUNTED: Final = (FUSE, SHORT)
"""Warm arms with a mount, which variants of its settings are measured by too."""
LEAST_BYTES: Final = 16
"""A file begins with its own number, by which a reader knows that it has the right one."""
MOST_PARALLEL: Final = 256
MOST_EPOCHS: Final = 20


@dataclass(frozen=True)
class Workload:
    """Files of one size. bytes: of each."""

    name: str
    files: int
    bytes: int

    @property
    def folder(self) -> str:
        """Below FOLDER; another size is another directory."""
        return f"{self.name}-{self.files}x{self.bytes}"

    @property
    def total_bytes(self) -> int:
        """Of all files."""
        return self.files * self.bytes

    def __str__(self) -> str:
        return f"{counted(self.files, 'file')} of {human(self.bytes)}"


@dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    workloads: tuple[Workload, ...]
    arms: tuple[str, ...]
    runs: int
    parallelism: int
    slow_endpoint: str
    tolerance_percent: int
    warm_up_s: int = 3
    variants: tuple[Variant, ...] = ()
    epochs: int = 1

    def epochs_of(self, arm: str) -> int:
        """How often each reader of an arm reads its files. Only what has a mount of its own knows more of them then."""
        return self.epochs if base(arm) in MOUNTED else 1


@dataclass(frozen=True)
class Seat:
    """A node with a serving worker, where a reader runs. free_bytes: what its worker can still hold.

    proxy: host:port of the proxy beside it; empty where none serves.
    """

    node: str
    free_bytes: int
    proxy: str = ""


def read(options: Mapping[str, Any]) -> tuple[Wanted, list[SettingsError]]:
    """What the options ask for, and all that is wrong with them."""
    faults: list[SettingsError] = []
    workloads = _workloads(options["workloads"], faults)
    arms = [str(arm) for arm in options["arms"]]
    faults += [
        SettingsError(
            f"benchmark_arms has {arm!r}.",
            "There is no such arm.",
            f"name some of {', '.join(ARMS)}.",
        )
        for arm in arms
        if arm not in ARMS
    ]
    _check_number(options, "runs", 1, 100, faults)
    _check_number(options, "epochs", 1, MOST_EPOCHS, faults)
    _check_number(options, "parallelism", 1, MOST_PARALLEL, faults)
    _check_number(options, "tolerance_percent", 0, 99, faults)
    _check_number(options, "warm_up_s", 0, 60, faults)
    slow = str(options["slow_endpoint"])
    if slow and not re.fullmatch(r"https?://[^/\s@]+/?", slow):
        faults.append(
            SettingsError(
                f"benchmark_slow_endpoint is {slow!r}.",
                "It is the address of the store across the slow link, without credentials in it.",
                "write it as http://HOST:PORT or https://HOST.",
            )
        )
    wanted = Wanted(
        workloads=tuple(workloads),
        arms=tuple(arm for arm in ARMS if arm in arms),
        runs=int(options["runs"]),
        parallelism=int(options["parallelism"]),
        slow_endpoint=slow.rstrip("/"),
        tolerance_percent=int(options["tolerance_percent"]),
        warm_up_s=int(options["warm_up_s"]),
        variants=tuple(benchmark_variant.read(options["variants"], faults)),
        epochs=int(options["epochs"]),
    )
    return wanted, faults


def _workloads(given: Sequence[Any], faults: list[SettingsError]) -> list[Workload]:
    found: list[Workload] = []
    for number, entry in enumerate(given):
        place = f"benchmark_workloads[{number}]"
        wrong = _wrong(entry)
        if wrong:
            faults.append(
                SettingsError(
                    f"{place} {wrong}.", "", "as in {name: small, files: 4000, bytes: 102400}."
                )
            )
            continue
        one = Workload(str(entry["name"]), int(entry["files"]), int(entry["bytes"]))
        if one.name in [other.name for other in found]:
            faults.append(
                SettingsError(f"{place}.name is {one.name!r}, as another's.", "", "name it apart.")
            )
            continue
        found.append(one)
    if not given:
        faults.append(
            SettingsError("benchmark_workloads is empty.", "", "name one, or leave it out.")
        )
    return found


def base(arm: str) -> str:
    """The arm that an arm with a variant is one of."""
    return arm.partition("/")[0]


def with_variants(arms: Sequence[str], variants: Sequence[Variant]) -> tuple[str, ...]:
    """The arms, and those with a mount once more for each variant, beside them."""
    found: list[str] = []
    for arm in arms:
        found.append(arm)
        if arm in MOUNTED:
            found += [f"{arm}/{one.name}" for one in variants]
    return tuple(found)


def path_of(arm: str) -> str:
    """Which way an arm takes, in words."""
    name = arm.partition("/")[2]
    return PATHS[base(arm)] + (f"; with the settings of {name}" if name else "")


def _wrong(entry: Any) -> str:
    """What is wrong with a workload, in words; empty where nothing is."""
    if not isinstance(entry, Mapping):
        return f"is {entry!r}, no mapping"
    if unknown := sorted(set(map(str, entry)) - set(KEYS)):
        return f"has {unknown[0]!r}; it takes {', '.join(KEYS)}"
    if missing := [key for key in KEYS if key not in entry]:
        return f"has no {missing[0]}"
    if not re.fullmatch(benchmark_variant.NAME, str(entry["name"])):
        return f"is named {entry['name']!r}; small letters, digits and dashes make a name"
    for key, least in (("files", 1), ("bytes", LEAST_BYTES)):
        value = entry[key]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return f"has {key} {value!r}; it is a whole number, {least} or more"
    return ""


def _check_number(
    options: Mapping[str, Any], name: str, least: int, most: int, faults: list[SettingsError]
) -> None:
    if not least <= int(options[name]) <= most:
        faults.append(
            SettingsError(f"benchmark_{name} is {options[name]}.", "", f"set {least} to {most}.")
        )


def properties_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The properties of a release's masters, from its values."""
    master = values.get("master") or {}
    found = {**(values.get("properties") or {}), **(master.get("properties") or {})}
    return {str(name): str(value) for name, value in found.items()}


def store_of(properties: Mapping[str, str]) -> Store:
    """The root under store. Raises SettingsError where readers cannot ask it themselves."""
    root = properties.get(ROOT_UFS, "")
    found = network_pods.store_of(root, properties, "")
    if found is None:
        raise SettingsError(
            f"the root under store is {root or 'unknown'!r}.",
            "The benchmark keeps its files in it, and reads them past the cache too, which it can do over S3 only.",
            "measure a cache whose alluxio_root_ufs is s3://BUCKET/.",
        )
    return found


def top_of(store: Store) -> str:
    """Below which all keys of a benchmark are."""
    prefix = store.prefix.strip("/")
    return f"{prefix}/{FOLDER}/" if prefix else f"{FOLDER}/"


def hindrances(
    values: Mapping[str, Any], seats: Sequence[Seat], slow_endpoint: str
) -> dict[str, tuple[str, str]]:
    """(why, fix) of each arm that this deployment cannot be measured by."""
    found: dict[str, tuple[str, str]] = {}
    if not slow_endpoint:
        found[SLOW] = (
            "benchmark_slow_endpoint is not set",
            "set it to the store's address across that link.",
        )
    if len(seats) == 1:
        # Its own worker's bytes count as over the network too, where a mount has no domain socket.
        found[FUSE] = (
            f"no node but {seats[0].node} has a worker that serves, and it reads what another's has",
            "measure it with two workers or more.",
        )
    short = values.get("shortCircuit") or {}
    if not short.get("enabled", True) or short.get("policy", "uuid") != "uuid":
        found[SHORT] = (
            "the cache has no domain socket (shortCircuit)",
            "set shortCircuit.enabled: true and policy: uuid in alluxio_values.",
        )
    without = [seat.node for seat in seats if not seat.proxy]
    if _opens_blocks(values):
        found[S3] = (
            "proxies open block files themselves (shortCircuit.policy local), which no worker counts",
            "measure it with policy: uuid; `direct`, `cold` and `warm-fuse` are proven under either.",
        )
    if without:
        found[S3] = (
            f"no proxy serves on {', '.join(without[:5])}",
            "set proxy: {enabled: true} in alluxio_values, and run site.",
        )
    return found


def _opens_blocks(values: Mapping[str, Any]) -> bool:
    """Whether clients in the release's own pods open the block files of their node's worker."""
    short = values.get("shortCircuit") or {}
    levels = (values.get("tieredstore") or {}).get("levels") or []
    is_local = short.get("enabled", True) and short.get("policy", "uuid") == "local"
    return bool(is_local and levels and all(one.get("type") != "emptyDir" for one in levels))


def choose(
    asked: Sequence[str], hindered: Mapping[str, tuple[str, str]]
) -> tuple[tuple[str, ...], dict[str, str], list[SettingsError]]:
    """(the arms that are measured, why others are not, what was asked for in vain)."""
    faults = [
        SettingsError(f"benchmark_arms has {arm}, and {hindered[arm][0]}.", "", hindered[arm][1])
        for arm in asked
        if arm in hindered
    ]
    if asked:
        return tuple(asked), {}, faults
    left = {arm: why for arm, (why, _) in hindered.items()}
    return tuple(arm for arm in ARMS if arm not in left), left, []


def share_files(workload: Workload, readers: int) -> int:
    """The most files that one of so many readers has."""
    return -(-workload.files // readers)


def fit(workloads: Sequence[Workload], seats: Sequence[Seat]) -> list[SettingsError]:
    """What is wrong with the sizes. Each node's worker is to hold its reader's share, and evict nobody's."""
    if not seats:
        return [
            SettingsError(
                "no worker serves.", "Readers run beside workers.", "see `alluxops status`."
            )
        ]
    faults = []
    least = min(seats, key=lambda seat: seat.free_bytes)
    for one in workloads:
        share = share_files(one, len(seats)) * one.bytes
        if one.files < len(seats):
            faults.append(
                SettingsError(
                    f"benchmark_workloads: {one.name} has {counted(one.files, 'file')} for {len(seats)} workers.",
                    "A reader runs on each of their nodes, and each reads files of its own.",
                    f"give it {len(seats)} files or more.",
                )
            )
        elif share > least.free_bytes * ROOM:
            room = int(least.free_bytes * ROOM)
            faults.append(
                SettingsError(
                    f"benchmark_workloads: {one.name} ({human(one.total_bytes)}) takes {human(share)} of each worker,"
                    f" and the one on {least.node} has room for {human(room)}.",
                    "What does not fit cannot be warm, and would evict what others have cached.",
                    f"give it {room // one.bytes * len(seats)} files of that size at most, or free something.",
                )
            )
    return faults


def steps(wanted: Wanted, arms: Sequence[str], readers: int) -> list[str]:
    """What would be measured, a line each."""
    lines = []
    for one in wanted.workloads:
        lines.append(
            f"{one.name}: {one}, {counted(readers, 'reader')}, each with"
            f" {counted(wanted.parallelism, 'file')} at once"
        )
        lines += [
            f"  {arm}, {counted(wanted.runs, 'run')}{_each(wanted.epochs_of(arm))}: {path_of(arm)}"
            for arm in arms
        ]
    return lines


def _each(epochs: int) -> str:
    return f" of {epochs} epochs" if epochs > 1 else ""


def settings(wanted: Wanted, arms: Sequence[str], seats: Sequence[Seat]) -> dict[str, Any]:
    """What makes two benchmarks comparable."""
    return {
        "workloads": [asdict(one) for one in wanted.workloads],
        "arms": list(arms),
        "runs": wanted.runs,
        "epochs": wanted.epochs,
        "parallelism": wanted.parallelism,
        "warm_up_s": wanted.warm_up_s,
        "readers": len(seats),
        "variants": [asdict(one) for one in wanted.variants],
    }
