"""10,000 small files and 2 GiB in eight, from S3 into the cache: loaded, proven, broken in five ways, found, mended,
proven again, and nothing lost in S3.

What each verb took is printed at the end, and stands in build/data-plane.json.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bench.measures import Measure, as_json, table
from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.checked_under_test import Checked
from tests.integration.lab_under_test import ROOT, RunningLab
from tests.integration.store_under_test import (
    empty,
    images,
    in_parallel,
    listing,
    make_secrets,
    put_in_parts,
    small_cache,
)

RUN_LIMIT_S = 1800
"""Of a verb, which has 10,000 files to load or to read: against one that hangs, not a measure."""
pytestmark = [pytest.mark.long, pytest.mark.timeout(4 * RUN_LIMIT_S)]

NAME = "data-plane"
BUCKET = "data-plane-under-test"
ROOT_PREFIX = "data-plane-under-test"
MIB = 1024**2
SMALL, LARGE = 10_000, 8
LARGE_MIB, PART_MIB = 256, 64
SETS = [
    {**images(BUCKET), "name": name, "path": f"/sets/{name}", "ufs": f"s3://{BUCKET}/{name}/"}
    for name in ("small", "large")
]
QUOTA_BYTES = 2560 * MIB
"""Room for all of it on one worker: loads and repairs do not spread evenly."""
AT_ONCE = {"alluxio.job.batch.size": "6"}
"""Blocks that one worker loads at once. Each lies whole in its direct memory, which is 512 MiB in the lab."""
LIMITS = {"worker": "5Gi", "master": "2Gi"}
"""Of containers. A worker's tier is in memory, and what is loaded passes through memory beside it; in the master's this
test lists all files by Alluxio's commands. The job master's is the lab's own, by which the verbs have to manage."""

ALL_PROVEN = re.compile(rf"{SMALL + LARGE} of {SMALL + LARGE} files \(.*\) same digest")


def small(number: int) -> bytes:
    """1 to 2 kB, another content for each file."""
    return b"%05d " % number * (171 + number % 171)


def large(number: int, megabytes: int = LARGE_MIB) -> bytes:
    """Another content for each MiB, as a block in the wrong place has to show."""
    return b"".join(b"%07d %07d\n" % (number, each) * (MIB // 16) for each in range(megabytes))


def key(name: str, number: int) -> str:
    return f"{name}/{number:05d}"


def fill(lab: RunningLab) -> None:
    """Every other large file in parts, as most tools write them."""
    client = lab.s3()
    client.create_bucket(Bucket=BUCKET)

    def put_small(number: int) -> None:
        client.put_object(Bucket=BUCKET, Key=key("small", number), Body=small(number))

    in_parallel(put_small, range(SMALL))
    for number in range(LARGE):
        body = large(number)
        if number % 2:
            cuts = range(0, len(body), PART_MIB * MIB)
            parts = (body[cut : cut + PART_MIB * MIB] for cut in cuts)
            put_in_parts(client, BUCKET, key("large", number), parts)
        else:
            client.put_object(Bucket=BUCKET, Key=key("large", number), Body=body)


def roomy(values: Mapping[str, Any]) -> dict[str, Any]:
    """The lab's values with LIMITS."""
    found = deepcopy(dict(values))
    for component, memory in LIMITS.items():
        found[component]["resources"]["limits"]["memory"] = memory
    return found


@dataclass(frozen=True)
class DataPlane:
    """The datasets' cache, and how long each verb took on it."""

    checked: Checked
    measures: list[Measure] = field(default_factory=list)

    @property
    def lab(self) -> RunningLab:
        return self.checked.cache.lab

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.checked.settings

    def timed(self, what: str, run: Callable[[], Outcome]) -> str:
        """What a run says; its seconds are noted."""
        began = time.monotonic()
        said = run().output
        self.measures.append(Measure(what, "s", (time.monotonic() - began,)))
        return said


@pytest.fixture(scope="module")
def plane(
    lab: RunningLab, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[DataPlane]:
    """A deployed cache beside a filled bucket, with nothing mounted but its root."""
    folder = tmp_path_factory.mktemp(NAME)
    cache = Cache(lab, folder, NAME, RUN_LIMIT_S)
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)
    fill(lab)
    lab.s3().put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/file", Body=b"a" * 1000)
    settings = {
        **small_cache(ROOT_PREFIX),
        "alluxio_worker_quota": QUOTA_BYTES,
        "alluxio_values": {
            **roomy(lab.values),
            "properties": AT_ONCE,
        },
        "alluxio_datasets": SETS,
    }
    cache.apply("site", **settings)
    make_secrets(lab, NAME)
    paths = [one["path"] for one in SETS]
    found = DataPlane(Checked(cache, folder / "report.json", settings, paths))
    yield found
    _tell(found.measures, request)
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)


def _tell(measures: list[Measure], request: pytest.FixtureRequest) -> None:
    place = ROOT / "build" / "data-plane.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(as_json(measures) + "\n", encoding="utf-8")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\n{table(measures)}\n")


def test_both_are_mounted_loaded_and_pinned_by_one_command(plane: DataPlane) -> None:
    stored = listing(plane.lab, BUCKET)
    cache = plane.checked.cache
    said = plane.timed(
        f"datasets, {SMALL} small files and {LARGE} of {LARGE_MIB} MiB",
        lambda: cache.apply("datasets", **plane.settings),
    )
    assert f"mounted read-only, pinned, loaded {SMALL} of {SMALL} files" in said
    assert f"mounted read-only, pinned, loaded {LARGE} of {LARGE} files" in said
    cached = plane.checked.cached()
    assert len(cached) == SMALL + LARGE
    assert set(cached.values()) == {"100%"}
    assert listing(plane.lab, BUCKET) == stored


def test_every_digest_is_that_of_the_store(plane: DataPlane) -> None:
    said = plane.timed("check, all content", plane.checked.check)
    assert ALL_PROVEN.search(said)
    assert f"{LARGE // 2} read from the store too" in said
    assert "findings  none" in said


def break_store(lab: RunningLab) -> dict[str, str]:
    """Change, truncate, delete and add in both datasets; what `check` has to say of it."""
    client = lab.s3()
    for name, changed, truncated, added in (
        ("small", small(0).replace(b"0", b"x"), small(1)[:500], b"new"),
        ("large", large(LARGE), large(1, LARGE_MIB // 2), large(LARGE + 1, 20)),
    ):
        client.put_object(Bucket=BUCKET, Key=key(name, 0), Body=changed)
        client.put_object(Bucket=BUCKET, Key=key(name, 1), Body=truncated)
        client.delete_object(Bucket=BUCKET, Key=key(name, 2))
        client.put_object(Bucket=BUCKET, Key=f"{name}/new", Body=added)
    kinds = {0: "changed", 1: "truncated", 2: "missing in UFS"}
    names = ("small", "large")
    found = {f"/sets/{key(name, at)}": kind for name in names for at, kind in kinds.items()}
    return {**found, **{f"/sets/{name}/new": "added" for name in names}}


def test_five_breakages_of_both_are_found_listed_and_mended(plane: DataPlane) -> None:
    checked = plane.checked
    # While the small files are loaded, so that none of the large ones is; that may take but ten seconds.
    checked.break_off_load(r"small: [1-9]\d* of \d+ files", rate="2mbit")
    # Alluxio goes on with what it was told to load, without the run.
    progress = "load --progress /sets/small || true"
    checked.cache.wait_for(
        "Alluxio's load",
        lambda: "RUNNING" not in checked.alluxio(progress),
        limit_s=RUN_LIMIT_S,
        is_patient=True,
    )
    lost = {path: "lost blocks" for path, part in checked.cached().items() if part != "100%"}
    assert sum(path.startswith("/sets/small/") for path in lost) > 3
    assert sum(path.startswith("/sets/large/") for path in lost) == LARGE
    broken = {**lost, **break_store(plane.lab)}
    stored, cached = listing(plane.lab, BUCKET), checked.cached()

    plane.timed("check of what is broken", lambda: checked.check(code=1))
    assert checked.found == broken
    # Two of the large files are missing or truncated, which is more than a tenth of them.
    forgets = ["/sets/large"]
    plane.timed(
        "repair --check", lambda: checked.repair("--check", "--diff", repair_forgets=forgets)
    )
    assert len(checked.told["steps"]) == len(broken)
    assert (checked.told["done"], checked.told["left"]) == (False, [])
    assert checked.cached() == cached

    said = plane.timed(
        f"repair of {len(broken)} files", lambda: checked.repair(repair_forgets=forgets)
    )
    assert f"steps     {len(broken)}" in said
    assert checked.told["left"] == []
    said = plane.timed("check of what was repaired", checked.check)
    assert ALL_PROVEN.search(said)
    assert "findings  none" in said
    assert set(checked.cached().values()) == {"100%"}
    assert listing(plane.lab, BUCKET) == stored


def test_what_was_declared_is_there_again(plane: DataPlane) -> None:
    """The pins were taken away by hand. Whatever is loaded, is."""
    stored = listing(plane.lab, BUCKET)
    cache = plane.checked.cache
    said = plane.timed("datasets, pins only", lambda: cache.apply("datasets", **plane.settings))
    assert f"pinned, loaded {SMALL} of {SMALL} files" in said
    assert f"pinned, loaded {LARGE} of {LARGE} files" in said
    assert listing(plane.lab, BUCKET) == stored
