"""What is left to do for a dataset follows from what is declared and what the cache has; done, nothing is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_plan,
    dataset_refuse,
    dataset_state,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import (
    Actual,
    File,
    Mount,
    Top,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from tests.unit.cache.dataset_answers import LISTING, MOUNT_TABLE, STATUS

NOW_MS = 1_000_000_000
IMAGES = Dataset("images", "/images", "s3://b", load=("/images",), pin=True)
MOUNT = Mount("/images", "s3://b", read_only=True, shared=False)
TOP = Top(NOW_MS - 60_000, is_pinned=True, media=(), ttl_ms=-1, ttl_action="FREE")


def file(name: str = "a", *, cached: int = 10, **over: Any) -> File:
    base = File(f"/images/{name}", 10, cached, cached == 10, True, True, 1, -1)
    return replace(base, **over)


LOOSE = file(cached=0, is_pinned=False, replication_min=0)


def actual(*files: File, **over: Any) -> Actual:
    return replace(Actual(MOUNT, TOP, files or (file(),)), **over)


def steps(one: Dataset, found: Actual, **how: Any) -> list[str]:
    return [step.kind for step in dataset_plan.plan(one, found, NOW_MS, **how).steps]


@pytest.mark.parametrize(
    ("one", "found", "wanted"),
    [
        (IMAGES, actual(), []),
        (IMAGES, Actual(), ["mount", "load", "pin"]),
        (IMAGES, actual(file(), file("b", cached=3)), ["load", "pin"]),
        # Alluxio may unpin what it copies while a load brings it, and its number of copies is gone with that.
        (
            replace(IMAGES, replication_min=2),
            actual(file(replication_min=2), file("b", cached=3, replication_min=2)),
            ["load", "pin", "replicate"],
        ),
        (IMAGES, actual(top=replace(TOP, is_pinned=False)), ["pin"]),
        (IMAGES, actual(file(is_pinned=False, replication_min=0)), ["pin"]),
        (replace(IMAGES, media=("SSD",)), actual(), ["pin"]),
        (replace(IMAGES, pin=False), actual(), ["unpin"]),
        (replace(IMAGES, pin=False), actual(top=replace(TOP, is_pinned=False)), ["unpin"]),
        (replace(IMAGES, pin=False, replication_max=2), actual(), ["unpin", "replicate"]),
        (replace(IMAGES, replication_min=2), actual(), ["replicate"]),
        (replace(IMAGES, replication_min=2), Actual(), ["mount", "load", "pin", "replicate"]),
        (IMAGES, actual(file(replication_min=2)), ["replicate"]),
        (replace(IMAGES, pin=False, ttl_s=3600), actual(), ["unpin", "ttl"]),
        (IMAGES, actual(top=replace(TOP, ttl_ms=9)), ["ttl"]),
        (replace(IMAGES, pin=False, load=(), state="freed"), actual(), ["unpin", "free"]),
        (
            replace(IMAGES, pin=False, load=(), state="freed"),
            actual(LOOSE, top=replace(TOP, is_pinned=False)),
            [],
        ),
        (replace(IMAGES, state="absent"), actual(), ["unmount"]),
        (replace(IMAGES, state="absent"), Actual(), []),
        (Dataset("d", "/images", state="absent"), actual(mount=None), ["unpin"]),
        (Dataset("d", "/images", state="absent"), Actual(), []),
    ],
)
def test_steps(one: Dataset, found: Actual, wanted: list[str]) -> None:
    assert steps(one, found) == wanted


def test_a_mount_that_is_made_anew_is_unmounted_first() -> None:
    assert steps(IMAGES, actual(), remounts=True) == ["unmount", "mount", "load", "pin"]


def test_a_ttl_that_is_over_frees_once() -> None:
    """Alluxio counts from when the path was made: set again, it would free at once."""
    one = replace(IMAGES, pin=False, ttl_s=60)
    found = actual(LOOSE, top=replace(TOP, is_pinned=False))
    plan = dataset_plan.plan(one, found, NOW_MS)
    assert plan.steps == ()
    assert "its ttl was over at 1970-01-12" in plan.notes[0]
    assert steps(replace(one, ttl_s=61), found) == ["ttl", "load"]
    longer = replace(found, top=replace(TOP, is_pinned=False, ttl_ms=90_000))
    assert steps(one, longer) == ["ttl"]


def test_a_ttl_that_would_delete_is_set_anew() -> None:
    one = replace(IMAGES, pin=False, ttl_s=61)
    top = replace(TOP, is_pinned=False, ttl_ms=61_000, ttl_action="DELETE")
    step = dataset_plan.plan(one, actual(LOOSE, top=top), NOW_MS).steps[0]
    assert (step.kind, step.ttl_ms) == ("ttl", 61_000)


def test_the_diff_shows_what_differs() -> None:
    plan = dataset_plan.plan(IMAGES, actual(file(), file("b", cached=0)), NOW_MS)
    assert plan.before["images"]["loaded"] == "1 of 2 files (10 B of 20 B)"
    assert plan.after["images"]["loaded"] == "2 of 2 files (20 B)"
    assert plan.shown == ["images: load /images: 1 files", "images: pin"]
    assert dataset_plan.plan(IMAGES, Actual(), NOW_MS).before == {"images": "not mounted"}


def test_the_diff_of_a_mount_that_is_made_anew_shows_what_was_there() -> None:
    found = actual(mount=replace(MOUNT, ufs="s3://c"))
    plan = dataset_plan.plan(IMAGES, found, NOW_MS, remounts=True)
    assert (plan.before["images"]["ufs"], plan.after["images"]["ufs"]) == ("s3://c/", "s3://b/")
    assert plan.before["images"]["pin"] is True


def test_a_line_a_dataset() -> None:
    assert dataset_plan.line(IMAGES, actual()) == (
        "/images from s3://b/: mounted read-only, pinned, loaded 1 of 1 files (10 B)"
    )
    assert dataset_plan.line(IMAGES, Actual()) == "/images: not mounted"
    copied = dataset_plan.line(replace(IMAGES, replication_min=3), actual())
    assert "pinned, asks for 3 workers or more" in copied


def test_the_mount_table_is_read_without_secrets() -> None:
    mounts = dataset_state.parse_mounts(MOUNT_TABLE)
    assert mounts["/"].ufs == "s3://root"
    found = mounts["/data/ds"]
    assert (found.ufs, found.read_only, found.shared) == ("s3://bkt", True, True)
    assert found.options == {"alluxio.underfs.s3.endpoint": "http://127.0.0.1:17070"}
    assert found.has_credentials


def test_what_is_no_mount_table_is_told() -> None:
    with pytest.raises(CacheError, match="does not tell what is mounted"):
        dataset_state.parse_mounts("<html>")


def test_a_status_and_a_listing_are_read() -> None:
    top = dataset_state.parse_top(STATUS)
    assert (top.is_pinned, top.media, top.ttl_ms, top.ttl_action) == (
        True,
        ("MEM",),
        604800000,
        "FREE",
    )
    files = dataset_state.parse_files(LISTING)
    assert [one.path for one in files] == ["/ds/sub/f1", "/ds/big", "/ds/empty"]
    found = dataset_state.totals(files)
    assert (found.files, found.bytes, found.loaded_files, found.cached_bytes) == (3, 1100, 2, 600)
    assert dataset_state.totals(files, ("/ds/sub",)).files == 1
    assert dataset_state.totals(files, ("/ds/su",)).files == 0


def refused(one: Dataset, found: Actual, **how: Any) -> str:
    how = {"remounts": False, "loses": False, **how}
    return "\n".join(map(str, dataset_refuse.against_cache(one, found, **how)))


UNPERSISTED = file("new", is_persisted=False)


@pytest.mark.parametrize(
    ("one", "found", "how", "words"),
    [
        (IMAGES, actual(mount=replace(MOUNT, ufs="s3://c")), {}, "alluxio_confirm_remount=images"),
        (IMAGES, actual(mount=replace(MOUNT, has_credentials=True)), {}, "credentials is True"),
        (replace(IMAGES, secret="s"), actual(), {}, "credentials is False"),
        (IMAGES, actual(mount=None), {}, "there is something already"),
        (replace(IMAGES, ufs=""), actual(), {}, "has no `ufs`, and s3://b/ is mounted"),
        (replace(IMAGES, ufs=""), Actual(), {}, "there is no /images"),
        (replace(IMAGES, ufs="s3://c", state="absent"), actual(), {}, "another mount"),
        (replace(IMAGES, state="absent"), actual(UNPERSISTED), {}, "datasets_loses=images"),
        (IMAGES, actual(UNPERSISTED), {"remounts": True}, "/images/new"),
        (
            replace(IMAGES, state="freed"),
            actual(UNPERSISTED),
            {"loses": True},
            "does not free them",
        ),
        (
            Dataset("d", "/images", state="freed"),
            actual(UNPERSISTED, mount=None),
            {},
            "/images/new",
        ),
    ],
)
def test_what_would_lose_or_hide_something_is_refused(
    one: Dataset, found: Actual, how: dict[str, Any], words: str
) -> None:
    assert words in refused(one, found, **how)


@pytest.mark.parametrize(
    ("one", "found", "how"),
    [
        (IMAGES, actual(), {}),
        (IMAGES, Actual(), {}),
        (IMAGES, actual(mount=replace(MOUNT, ufs="s3://c")), {"remounts": True}),
        (replace(IMAGES, state="absent"), actual(), {}),
        (replace(IMAGES, state="absent"), actual(UNPERSISTED), {"loses": True}),
        (replace(IMAGES, state="absent"), Actual(), {}),
        (Dataset("d", "/images", state="absent"), Actual(), {}),
    ],
)
def test_what_loses_nothing_is_not_refused(one: Dataset, found: Actual, how: Any) -> None:
    assert refused(one, found, **how) == ""


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Dataset("x", "/images/x", "s3://x"), "/images"),
        (Dataset("x", "/x", "s3://b/part"), "no part of a store twice"),
        (Dataset("x", "/x", "s3://root/part"), "leave `ufs` out"),
    ],
)
def test_a_dataset_lies_beside_the_mounts_that_are_there(one: Dataset, words: str) -> None:
    root = Mount("/", "s3://root", read_only=False, shared=False)
    mounts = {"/": root, "/images": MOUNT}
    assert words in "\n".join(map(str, dataset_refuse.against_mounts([one], mounts)))
    assert list(dataset_refuse.against_mounts([IMAGES], mounts)) == []


def test_a_mount_that_goes_in_this_run_is_in_nobodys_way() -> None:
    renamed = Dataset("pictures", "/pictures", "s3://b")
    gone = replace(IMAGES, state="absent")
    mounts = {"/images": MOUNT}
    assert list(dataset_refuse.against_mounts([gone, renamed], mounts)) == []
    assert len(list(dataset_refuse.against_mounts([renamed], mounts))) == 1


def test_a_secret_has_both_keys() -> None:
    one = replace(IMAGES, secret="keys")
    good = {"data": {"accessKeyId": "aWQ=", "secretKey": "c2VjcmV0Cg=="}}
    found, fault = dataset_refuse.credentials(one, good, "ns")
    assert (found, fault) == ({"s3a.accessKeyId": "id", "s3a.secretKey": "secret"}, None)
    for secret, words in ((None, "there is none in ns"), ({"data": {"a": "eA=="}}, "has a and")):
        _, fault = dataset_refuse.credentials(one, secret, "ns")
        assert words in str(fault)


def test_what_does_not_fit_is_told_with_its_parts() -> None:
    needs = {"a": 3 * 1024**3, "b": 1024**3}
    (fault,) = dataset_refuse.sizes(needs, {}, 2 * 1024**3, {}, 3)
    assert "loads or pins 4 GiB (a 3 GiB, b 1 GiB), and 3 workers hold 2 GiB: 1.8 GiB" in str(fault)


@pytest.mark.parametrize(("size", "faults"), [(90, 0), (91, 1)])
def test_workers_are_not_filled_to_the_brim(size: int, faults: int) -> None:
    assert len(list(dataset_refuse.sizes({"a": size}, {}, 100, {}, 1))) == faults


@pytest.mark.parametrize(
    ("media", "tier_bytes", "told"),
    [
        ({"a": ("MEM",)}, {"MEM": 100, "SSD": 900}, ["pins 300 B (a 300 B) to MEM", "hold 100 B"]),
        ({"a": ("MEM",), "b": ("MEM", "SSD")}, {"MEM": 400, "SSD": 50, "HDD": 550}, ["MEM, SSD"]),
        ({"a": ("MEM", "SSD")}, {"MEM": 100, "SSD": 900}, []),
        ({"a": ("SSD",)}, {"MEM": 100, "SSD": 900}, []),
        ({"a": ("MEM",)}, {"FAST": 100, "SLOW": 900}, []),  # what MEM holds is not known
        ({"a": ()}, {"MEM": 100, "SSD": 900}, []),
    ],
)
def test_what_is_pinned_to_a_medium_fits_into_it(
    media: dict[str, tuple[str, ...]], tier_bytes: dict[str, int], told: list[str]
) -> None:
    needs = {"a": 300, "b": 200}
    faults = "\n".join(map(str, dataset_refuse.sizes(needs, media, 1000, tier_bytes, 2)))
    assert [word for word in told if word not in faults] == []
    assert bool(faults) == bool(told)


def test_a_part_to_load_is_there() -> None:
    one = replace(IMAGES, load=("/images/train", "/images/val"))
    (fault,) = dataset_refuse.missing_parts(one, ["/images/val"])
    assert "loads /images/train, which is not there" in str(fault)
