"""What `check` and `repair` promise: every breakage is found and mended, and nothing in a store is touched or lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.cache_under_test import Cache
from tests.integration.checked_under_test import Checked
from tests.integration.lab_under_test import RunningLab
from tests.integration.store_under_test import (
    WRONG,
    empty,
    images,
    listing,
    make_secrets,
    put_in_parts,
    small_cache,
)

pytestmark = pytest.mark.long

NAME = "check"
BUCKET = "check-under-test"
ROOT_PREFIX = "check-under-test"
FILES = 1200
SET = images(BUCKET)
SETTINGS = {**small_cache(ROOT_PREFIX), "alluxio_datasets": [SET]}
TOP = SET["path"]


def put(checked: Checked, key: str, body: bytes) -> None:
    """Write an object beside the cache."""
    checked.cache.lab.s3().put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture(scope="module")
def checked(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """A deployed cache with a dataset of many small files, and a few large ones of which one has two parts."""
    folder = tmp_path_factory.mktemp(NAME)
    cache = Cache(lab, folder, NAME)
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)
    client = lab.s3()
    client.create_bucket(Bucket=BUCKET)
    for number in range(FILES):
        client.put_object(Bucket=BUCKET, Key=f"small/{number:04d}", Body=b"%d " % number * 50)
    client.put_object(Bucket=BUCKET, Key="large/one", Body=b"1" * 20_000_000)
    put_in_parts(client, BUCKET, "large/parts", [b"%d" % number * 6_000_000 for number in (1, 2)])
    client.put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/file", Body=b"a" * 1000)
    cache.apply("site", **SETTINGS)
    make_secrets(lab, NAME)
    cache.apply("datasets", **SETTINGS)
    yield Checked(cache, folder / "report.json", SETTINGS, [TOP])
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)


def test_what_cannot_be_looked_at_is_refused(checked: Checked) -> None:
    text = checked.check(code=2, check_paths=["sets/images", "/a/../b"]).output
    assert "check_paths[0] is 'sets/images'" in text
    assert "check_paths[1]" in text
    assert "check_content" in checked.check(code=2, check_content="some").output
    assert "there is no /nowhere" in checked.check(code=2, check_paths=["/nowhere"]).output
    undeclared = checked.check(code=2, alluxio_datasets=[]).output
    assert "with credentials of its own" in undeclared
    missing = [{**SET, "secret": "none-s3"}]
    assert "there is none in check" in checked.check(code=2, alluxio_datasets=missing).output
    wrong = checked.check(code=2, alluxio_datasets=[{**SET, "secret": "wrong-s3"}]).output
    assert "does not accept the credentials" in wrong
    assert WRONG not in wrong
    assert "repair_paths is empty" in checked.repair(code=2, repair_paths=[]).output


def test_a_good_dataset_is_proven_and_left_as_it_was(checked: Checked) -> None:
    before, listed = listing(checked.cache.lab, BUCKET), checked.alluxio(f"ls -R {TOP}")
    text = checked.check().output
    assert f"{FILES + 2} of {FILES + 2} files" in text
    assert "1 read from the store too" in text
    assert "findings  none" in text
    assert checked.found == {}
    assert checked.report.stat().st_mode & 0o777 == 0o600
    assert (listing(checked.cache.lab, BUCKET), checked.alluxio(f"ls -R {TOP}")) == (before, listed)
    text = checked.check("--check", check_content="sample", check_sample=20).output
    assert "20 of 20 files" in text
    assert "0 changed" in checked.repair().output


def test_reading_has_nothing_cached(checked: Checked) -> None:
    checked.alluxio("unpin /sets/images/large/one", "free /sets/images/large/one")
    checked.cache.wait_for(
        "the file to be freed", lambda: " 0% " in checked.alluxio(f"ls {TOP}/large/one")
    )
    text = checked.check(alluxio_datasets=[{**SET, "load": False}]).output
    assert "1 file not cached" in text
    assert " 0% " in checked.alluxio(f"ls {TOP}/large/one")
    # Declared to be loaded, so it is to be cached.
    checked.check(code=1)
    assert checked.found == {f"{TOP}/large/one": "lost blocks"}
    checked.repair()
    checked.cache.apply("datasets", **SETTINGS)  # it was its pin that went by hand
    checked.check()


def corrupt(checked: Checked, path: str) -> None:
    """Write over what a worker has of a file."""
    status = checked.cache.script(f"alluxio fs stat {path}")
    found = re.search(r"blockIds=\[(\d+)", status)
    assert found, status
    lab = checked.cache.lab
    hits = 0
    for pod in (name for name in checked.cache.pods() if "-worker-" in name):
        text = lab.kubectl(
            "-n", NAME, "exec", pod, "-c", "alluxio-worker", "--", "bash", "-c",
            f"for f in $(find /dev/shm /mnt -name {found[1]} 2> /dev/null); do"
            " printf XX | dd of=$f conv=notrunc status=none; echo hit; done",
        )  # fmt: skip
        hits += text.count("hit")
    assert hits


def break_it(checked: Checked) -> dict[str, str]:
    """Everything that may go wrong beside the cache; what `check` has to say of it."""
    put(checked, "small/0000", b"X " * 50)
    put(checked, "small/0001", b"x")
    checked.cache.lab.s3().delete_object(Bucket=BUCKET, Key="small/0002")
    put(checked, "small/new", b"new")
    corrupt(checked, f"{TOP}/small/0003")
    return {
        f"{TOP}/small/0000": "changed",
        f"{TOP}/small/0001": "truncated",
        f"{TOP}/small/0002": "missing in UFS",
        f"{TOP}/small/new": "added",
        f"{TOP}/small/0003": "content differs",
    }


def test_every_breakage_is_found_and_mended(checked: Checked) -> None:
    broken = break_it(checked)
    before = listing(checked.cache.lab, BUCKET)
    text = checked.check(code=1).output
    assert checked.found == broken
    assert "1 truncated" in text
    text = checked.repair("--check", "--diff").output
    assert f"{TOP}/small/0002: forget it" in text
    checked.check(code=1)
    assert checked.found == broken

    text = checked.repair().output
    assert "steps     5" in text
    checked.check()
    assert "0 changed" in checked.repair().output
    assert "findings  none" in checked.check().output
    assert listing(checked.cache.lab, BUCKET) == before
    pinned = checked.alluxio(f"ls -R -p {TOP}")
    assert pinned.count("100%") == FILES + 2
    assert checked.cache.lab.kubectl("-n", NAME, "get", "configmaps").count("check-repair") == 0


def test_only_what_is_named_is_touched(checked: Checked) -> None:
    put(checked, "small/0004", b"y " * 70)
    put(checked, "large/new", b"new")
    checked.repair(repair_paths=[f"{TOP}/large"], repair_content="none")
    checked.check(code=1, check_content="none")
    assert checked.found == {f"{TOP}/small/0004": "changed"}
    checked.repair(repair_paths=[f"{TOP}/small/0004"])
    checked.check()


def test_what_only_the_cache_has_is_told_and_kept(checked: Checked) -> None:
    write = "-Dalluxio.user.file.writetype.default=MUST_CACHE copyFromLocal /etc/hostname"
    checked.cache.script(
        "alluxio fs ls /own;"
        f" alluxio fs {write} /own/only; alluxio fs {write} /own/clash; alluxio fs cat /own/clash"
    )
    client = checked.cache.lab.s3()
    client.put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/clash", Body=b"theirs")
    client.delete_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/file")
    text = checked.check(code=1, check_paths=["/own"]).output
    assert checked.found == {"/own/clash": "two versions", "/own/file": "missing in UFS"}
    assert "1 file only in the cache" in text
    text = checked.repair(code=1, repair_paths=["/own"]).output
    assert "left      1 two versions" in text
    listed = checked.alluxio("ls /own", "cat /own/clash", "cat /own/only")
    assert "theirs" not in listed
    assert "/own/file" not in listed
    assert listed.count("NOT_PERSISTED") == 2
    checked.alluxio("rm /own/clash", "rm /own/only")


def test_a_load_whose_worker_was_killed_is_found_and_mended(checked: Checked) -> None:
    checked.break_off_load(r"images: \d+ of \d+ files")
    checked.check(code=1, check_content="none")
    assert set(checked.found.values()) == {"lost blocks"}
    checked.repair()
    assert "0 changed" in checked.repair().output
    checked.check()


def test_a_killed_check_is_taken_up(checked: Checked) -> None:
    lab = checked.cache.lab
    given = {**SETTINGS, "check_paths": [f"{TOP}/small"], "check_content": "all"}
    with checked.cache.running(
        "alluxops", "check", "-i", str(lab.inventory), **given
    ) as process:  # fmt: skip
        checked.cache.wait_for(
            "a batch", lambda: re.search(r"\d+ of \d+ files read", checked.cache.running_log)
        )
        checked.cache.kill(process)
    text = checked.check(check_paths=[f"{TOP}/small"]).output
    assert re.search(r"[1-9]\d* of them proven by the interrupted run before", text)
    assert "check-ufs-look" not in lab.kubectl("-n", NAME, "get", "jobs")


def test_credentials_are_in_no_log_config_map_or_report(checked: Checked) -> None:
    lab = checked.cache.lab
    secret = lab.s3()._request_signer._credentials.secret_key
    logs = lab.kubectl("-n", NAME, "logs", f"{NAME}-master-0", "--all-containers")
    maps = lab.kubectl("-n", NAME, "get", "configmaps", "-o", "yaml")
    told = checked.check("-vvv").output
    assert [secret in text for text in (logs, maps, told, checked.report.read_text())] == [
        False
    ] * 4
