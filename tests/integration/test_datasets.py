"""What `datasets` promises: declared is what is there, a second run changes nothing, nothing in a store is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab
from tests.integration.store_under_test import WRONG, empty, images, keys, make_secrets, small_cache

pytestmark = pytest.mark.long

NAME = "datasets"
BUCKET = "images-under-test"
ROOT_PREFIX = "datasets-under-test"
FILES = 300
SETTINGS = small_cache(ROOT_PREFIX)
IMAGES = images(BUCKET)


@dataclass(frozen=True)
class Datasets:
    """A cache and its datasets."""

    cache: Cache

    def run(self, *argv: str, declared: list[Any], code: int = 0, **more: Any) -> Outcome:
        """`alluxops datasets`, which must end with this code."""
        settings = {**SETTINGS, "alluxio_datasets": declared, **more}
        outcome = self.cache.verb("datasets", *argv, **settings)
        assert outcome.code == code, outcome.output
        return outcome

    def alluxio(self, *commands: str) -> str:
        """Commands in the first master."""
        return self.cache.script("; ".join(f"alluxio fs {command}" for command in commands))

    def keys(self) -> list[str]:
        """All that is in the bucket."""
        return keys(self.cache.lab, BUCKET)


@pytest.fixture(scope="module")
def sets(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Datasets]:
    """A deployed cache, a bucket with some hundred small files, and Secrets good and bad."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)
    client = lab.s3()
    client.put_object(Bucket="datasets", Key=f"{ROOT_PREFIX}/own/file", Body=b"a" * 1000)
    client.create_bucket(Bucket=BUCKET)
    for number in range(FILES):
        part = "train" if number % 3 else "val"
        client.put_object(Bucket=BUCKET, Key=f"{part}/{number:04d}", Body=b"%d" % number * 200)
    cache.apply("site", **SETTINGS)
    make_secrets(lab, NAME)
    yield Datasets(cache)
    cache.remove()
    empty(lab, BUCKET, ROOT_PREFIX)


def test_what_cannot_work_is_refused_before_anything_changes(sets: Datasets) -> None:
    store = {"ufs": f"s3://{BUCKET}/"}
    text = sets.run(
        declared=[
            {"name": "scheme", "ufs": "foo://b/"},
            {"name": "in", "path": "/sets"},
            {"name": "in", "path": "/sets/in"},
        ],
        code=2,
    ).output
    assert "No such scheme is supported" in text
    assert "two datasets with the name in" in text
    assert "is at /sets/in and in at /sets" in text

    text = sets.run(
        declared=[
            {"name": "none", **store, "secret": "none-s3"},
            {"name": "half", "ufs": "s3://half/", "secret": "half-s3"},
            {"name": "root", "ufs": f"s3://datasets/{ROOT_PREFIX}/own/"},
        ],
        code=2,
    ).output
    assert "names the Secret none-s3, and there is none" in text
    assert "lacks secretKey" in text
    assert "leave `ufs` out" in text

    text = sets.run(
        declared=[
            {"name": "keys", **store, "secret": "wrong-s3"},
            {"name": "bucket", "ufs": "s3://no-such-bucket-under-test/"},
            {"name": "local", "ufs": "/no/such/place"},
        ],
        code=2,
    ).output
    assert "does not accept the credentials" in text
    assert "There is no such bucket" in text
    assert "There is no such directory" in text
    assert WRONG not in text
    assert "/sets" not in sets.alluxio("mount", "ls /")


def test_a_dataset_that_does_not_fit_is_refused(sets: Datasets) -> None:
    client = sets.cache.lab.s3()
    body = b"\0" * (64 * 1024**2)
    for number in range(7):
        client.put_object(Bucket=BUCKET, Key=f"large/{number}", Body=body)
    try:
        text = sets.run(declared=[IMAGES], code=2).output
    finally:
        for number in range(7):
            client.delete_object(Bucket=BUCKET, Key=f"large/{number}")
    assert re.search(r"loads or pins 448\S* MiB .* 3 workers hold 384 MiB: 345.6 MiB", text)


def test_check_mode_shows_the_plan_and_changes_nothing(sets: Datasets) -> None:
    text = sets.run("--check", "--diff", declared=[IMAGES]).output
    assert f"mount s3://{BUCKET}/ at /sets/images" in text
    assert "images: load /sets/images" in text
    assert BUCKET not in sets.alluxio("mount")


def test_declared_is_mounted_loaded_and_pinned(sets: Datasets) -> None:
    before = sets.keys()
    text = sets.run(declared=[IMAGES]).output
    assert f"mounted read-only, pinned, loaded {FILES} of {FILES} files" in text
    listed = sets.alluxio("ls -R -p /sets/images")
    assert listed.count("100%") == FILES
    assert sets.keys() == before


def test_a_second_run_changes_nothing_and_says_so(sets: Datasets) -> None:
    text = sets.run(declared=[IMAGES]).output
    assert "nothing to change" in text
    assert "0 changed" in text


def test_credentials_are_in_no_log_and_no_config_map(sets: Datasets) -> None:
    lab = sets.cache.lab
    secret = lab.s3()._request_signer._credentials.secret_key
    logs = lab.kubectl("-n", NAME, "logs", f"{NAME}-master-0", "--all-containers")
    containers = ("alluxio-master", "alluxio-job-master")
    inside = "".join(
        sets.cache.script("cat /opt/alluxio/logs/*.log 2>/dev/null || true", each)
        for each in containers
    )
    maps = lab.kubectl("-n", NAME, "get", "configmaps", "-o", "yaml")
    mounts = sets.alluxio("mount")
    assert [secret in text for text in (logs, inside, maps, mounts)] == [False] * 4
    assert "******" in mounts
    # The proxy has ended with the run.
    listing = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    running = [sets.cache.script(listing, each) for each in containers]
    assert ["JobMaster" in text for text in running] == [False, True]
    assert ["AlluxioProxy" in text for text in running] == [False, False]


def test_drift_is_shown_and_mended(sets: Datasets) -> None:
    sets.alluxio("unpin /sets/images", "free /sets/images/val")
    text = sets.run("--check", "--diff", declared=[IMAGES]).output
    assert "images: pin" in text
    assert "100 files" in text
    text = sets.run(declared=[IMAGES]).output
    assert f"pinned, loaded {FILES} of {FILES} files" in text


def test_what_is_new_in_the_store_is_loaded(sets: Datasets) -> None:
    sets.cache.lab.s3().put_object(Bucket=BUCKET, Key="val/new", Body=b"new")
    try:
        text = sets.run("--check", "--diff", declared=[IMAGES]).output
        assert f"loaded {FILES} of {FILES} files" in text
        assert "images: learn what is new in the store" in text
        text = sets.run(declared=[IMAGES]).output
        assert f"loaded {FILES + 1} of {FILES + 1} files" in text
    finally:
        sets.cache.lab.s3().delete_object(Bucket=BUCKET, Key="val/new")
    # What a store has lost is repair's to forget.
    text = sets.run(declared=[IMAGES]).output
    assert f"loaded {FILES + 1} of {FILES + 1} files" in text
    assert "nothing to change" in text


def test_other_settings_are_applied(sets: Datasets) -> None:
    timed = {**IMAGES, "pin": False, "ttl": "30d"}
    text = sets.run(declared=[timed]).output
    assert "ttl 2592000 s" in text
    assert "pinned" not in text.rpartition("images ")[2]
    assert "nothing to change" in sets.run(declared=[timed]).output
    text = sets.run(declared=[IMAGES]).output
    assert "ttl" not in text.rpartition("/sets/images from")[2]


def test_a_mount_is_made_anew_only_where_that_is_confirmed(sets: Datasets) -> None:
    writable = {**IMAGES, "read_only": False}
    text = sets.run(declared=[writable], code=2).output
    assert "read_only is True, declared False" in text
    assert "-e alluxio_confirm_remount=images" in text
    text = sets.run(declared=[writable], alluxio_confirm_remount="images").output
    assert f"mounted writable, pinned, loaded {FILES}" in text


def test_files_that_are_in_no_store_are_not_lost(sets: Datasets) -> None:
    gone = {**IMAGES, "read_only": False, "state": "absent"}
    sets.cache.script(
        "alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE"
        " copyFromLocal /opt/alluxio/conf/log4j.properties /sets/images/only-cached"
    )
    text = sets.run(declared=[gone], code=2).output
    assert "/sets/images/only-cached" in text
    assert "datasets_loses=images" in text
    sets.alluxio("rm /sets/images/only-cached")


def test_what_is_in_the_cache_only_survives_its_name_in_the_store(sets: Datasets) -> None:
    client, path, new = sets.cache.lab.s3(), "/sets/images/both", "/sets/images/train/new"
    sets.cache.script(
        "alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE"
        f" copyFromLocal /opt/alluxio/conf/log4j.properties {path}"
    )
    before = sets.alluxio(f"checksum {path}")
    client.put_object(Bucket=BUCKET, Key="both", Body=b"the store's own")
    client.put_object(Bucket=BUCKET, Key="train/new", Body=b"new")
    try:
        text = sets.run(declared=[{**IMAGES, "read_only": False}]).output
        assert f"loaded {FILES + 2} of {FILES + 2} files" in text
        assert "NOT_PERSISTED" in sets.alluxio(f"ls {path}")
        assert sets.alluxio(f"checksum {path}") == before
        assert client.get_object(Bucket=BUCKET, Key="both")["Body"].read() == b"the store's own"
    finally:
        sets.alluxio(f"rm {path}", f"rm {new}")
        for key in ("both", "train/new"):
            client.delete_object(Bucket=BUCKET, Key=key)


def test_a_killed_worker_does_not_end_a_load(sets: Datasets) -> None:
    cache, lab = sets.cache, sets.cache.lab
    sets.alluxio("unpin /sets/images", "free /sets/images")
    cache.wait_for(
        "all to be freed",
        lambda: "100%" not in sets.alluxio("ls -R /sets/images"),
        is_patient=True,
    )
    declared = {**IMAGES, "read_only": False}
    settings = {**SETTINGS, "alluxio_datasets": [declared]}
    argv = ("alluxops", "datasets", "-i", str(lab.inventory))

    def told() -> list[int]:
        """How many files each line of the run that waits for the load says are loaded."""
        found = re.findall(rf"waiting: images: (\d+) of {FILES} files", cache.running_log)
        return [int(loaded) for loaded in found]

    # Small files: at the slowest rate of the lab they still take but half a minute.
    with lab.slowed("--rate", "100kbit"), cache.running(*argv, **settings) as process:
        cache.wait_for("the load of some files", lambda: any(told()))
        worker = next(name for name in cache.pods() if "-worker-" in name)
        before = told()
        lab.kubectl("-n", NAME, "delete", "pod", worker, "--force", "--grace-period=0")
        assert 0 < before[-1] < FILES
        cache.wait_for("the load to go on", lambda: len(told()) > len(before))
        code = process.wait(timeout=600)
    assert code == 0, cache.running_log
    assert f"loaded {FILES} of {FILES} files" in cache.running_log


def test_a_directory_of_the_root_needs_no_mount(sets: Datasets) -> None:
    own = {"name": "own", "path": "/own", "pin": True, "load": True}
    assert "loaded 1 of 1 files" in sets.run(declared=[own]).output
    freed = {"name": "own", "path": "/own", "state": "freed"}
    assert "/own: 0 bytes cached" in sets.run(declared=[freed]).output
    assert "nothing to change" in sets.run(declared=[freed]).output


def test_absent_is_unmounted_and_the_store_keeps_all(sets: Datasets) -> None:
    before = sets.keys()
    gone = {**IMAGES, "state": "absent"}
    assert "/sets/images: not mounted" in sets.run(declared=[gone]).output
    assert BUCKET not in sets.alluxio("mount")
    assert "nothing to change" in sets.run(declared=[gone]).output
    assert sets.keys() == before
