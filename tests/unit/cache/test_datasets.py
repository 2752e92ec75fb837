"""Datasets are read from what is declared, and every fault of it is told with its place and the fix."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_refuse, datasets
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset

IMAGES: dict[str, Any] = {"name": "images", "ufs": "s3://research/images/"}


def told(*declared: Any, lines: datasets.Lines | None = None) -> str:
    return "\n".join(str(fault) for fault in datasets.read(list(declared), lines)[1])


def read_one(**over: Any) -> Dataset:
    found, faults = datasets.read([{**IMAGES, **over}])
    assert faults == []
    return found[0]


def test_the_shortest_is_a_read_only_mount_named_after_it() -> None:
    one = read_one()
    assert (one.path, one.ufs, one.read_only, one.must_fit) == (
        "/images",
        "s3://research/images",
        True,
        False,
    )


def test_all_of_it_can_be_said() -> None:
    one = read_one(
        path="/data/images/",
        secret="keys",
        options={"endpoint": "http://s3", "alluxio.underfs.s3.threads.max": 9},
        read_only=False,
        shared=True,
        load=["val/", "train", "train/part1"],
        replication_max=3,
        ttl="7d",
    )
    assert one.path == "/data/images"
    assert one.load == ("/data/images/train", "/data/images/val")
    assert one.options["alluxio.underfs.s3.endpoint"] == "http://s3"
    assert one.options["alluxio.underfs.s3.threads.max"] == "9"
    assert (one.replication_max, one.ttl_s) == (3, 7 * 86400)


def test_of_a_pin_all_files_matter_and_of_a_load_its_paths() -> None:
    assert read_one(load=["train"]).listed == ("/images/train",)
    assert read_one(load=["train"], pin=True).listed == ("/images",)
    assert read_one(load=True).load == ("/images",)
    assert read_one(pin=["SSD", "MEM"]).media == ("MEM", "SSD")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"ufs": "foo://bucket/"}, ["alluxio_datasets[0].ufs of images is 'foo://bucket/'", "s3a"]),
        ({"ufs": "hdf://name/"}, ["Did you mean hdfs?"]),
        ({"ufs": "bucket/prefix"}, ["absolute path"]),
        ({"ufs": "s3:///prefix"}, ["bucket"]),
        ({"ufs": "s3://key:secret@bucket/"}, ["no credentials"]),
        ({"ufs": "s3://key:sec/ret@bucket/"}, ["no credentials"]),
        ({"ufs": "hdfs://user@name:8020/"}, ["no credentials"]),
        ({"ufs": "s3://"}, ["bucket"]),
        ({"ufs": "s3://b//x/"}, ["empty part", "s3://PLACE/PREFIX/"]),
        ({"ufs": "s3a://b/x/./y"}, ["`.`"]),
        ({"ufs": "s3://b/x/../y/"}, ["`..`"]),
        ({"ufs": "s3://b/x/.."}, ["`..`"]),
        ({"ufs": "hdfs://name:8020/a/../b"}, ["`..`"]),
        ({"ufs": "hdfs:////a"}, ["empty part"]),
        ({"path": "images"}, ["begins with /"]),
        ({"path": "/a/../b"}, ["`..`"]),
        ({"path": "/"}, ["alluxio_root_ufs"]),
        ({"laod": True}, ["laod of images is no key", "Did you mean load?"]),
        ({"load": "train"}, ["list of paths"]),
        ({"load": ["/train"]}, ["list of paths"]),
        ({"load": []}, ["list of paths"]),
        ({"pin": ["RAM"]}, ["MEM, SSD, HDD"]),
        ({"pin": "yes"}, ["MEM, SSD, HDD"]),
        ({"ttl": "soon"}, ["such as 7d"]),
        ({"ttl": 0}, ["such as 7d"]),
        ({"ttl": "7d", "pin": True}, ["`pin` keeps what `ttl` frees"]),
        ({"ttl_action": "delete"}, ["no key of a dataset"]),
        ({"state": "gone"}, ["present, freed, absent"]),
        ({"state": "freed", "load": True}, ["nothing is cached"]),
        ({"read_only": "true"}, ["true or false"]),
        ({"replication_min": -1}, ["0 or greater"]),
        ({"replication_min": 2}, ["set pin"]),
        ({"pin": True, "replication_min": 3, "replication_max": 2}, ["replication_max", "is 3"]),
        ({"replication_max": 0}, ["has to be somewhere"]),
        ({"secret": "Not A Name"}, ["name of a Secret"]),
        ({"secret": "keys", "ufs": "/mnt/data"}, ["S3 client only"]),
        ({"options": {"s3a.secretKey": "hunter2"}}, ["s3a.secretKey is secret", "Secret in"]),
        ({"options": ["endpoint"]}, ["mapping"]),
        ({"ufs": None, "read_only": True}, ["without `ufs`"]),
        ({"name": "a/b"}, ["letters"]),
    ],
)
def test_what_cannot_be_is_told(over: dict[str, Any], words: list[str]) -> None:
    text = told({**IMAGES, **over})
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    "ufs",
    [
        "s3://b/x@y",
        "s3a://b/x:y",
        "hdfs://name:8020/x@y",
        "hdfs:///x",
        "s3://b",
        "s3://b/..x/y./.z",
    ],
)
def test_a_prefix_may_have_any_sign(ufs: str) -> None:
    found, faults = datasets.read([{**IMAGES, "ufs": f"{ufs}/", "secret": None}])
    assert ([one.ufs for one in found], faults) == ([ufs], [])


@pytest.mark.parametrize(
    "given",
    [
        {"options": {"s3a.secretKey": "hunter2"}},
        {"options": {"s3a": {"accessKeyId": "AKIA1", "secretKey": "hunter2"}}},
        {"options": "s3a.secretKey=hunter2"},
        {"options": ["s3a.secretKey=hunter2"]},
        {"options": {"endpoint": "http://AKIA1:hunter2@h"}},
        {"options": {"endpoint": "http://AKIA1:hun/ter2@h"}},
        {"options": {"endpoint": "AKIA1:hunter2@h"}},
        {"ufs": "https://AKIA1:hunter2@host/b"},
        {"ufs": "s3//AKIA1:hunter2@b/"},
        {"ufs": "s3://AKIA1:hunter2/b"},
        {"ufs": "s3://b/?secretKey=hunter2"},
        {"ufs": "s3//AKIA1:hunter2 '@b/"},
        {"ufs": {"address": "s3://b/", "secretKey": "hunter2"}},
        {"path": "s3://AKIA1:hunter2@b/"},
        {"load": ["s3://AKIA1:hunter2@b/", {"secretKey": "hunter2"}]},
        {"secret": {"accessKeyId": "AKIA1", "secretKey": "hunter2"}},
        {"secret": "hunter2/AKIA1"},
    ],
)
def test_what_is_secret_is_refused_and_not_repeated(given: dict[str, Any]) -> None:
    text = told({**IMAGES, **given})
    assert next(iter(given)) in text
    assert not re.search("AKIA1|hunter2|ter2", text)


@pytest.mark.parametrize(
    "value", ["https://s3.example.com:9000", "s3.example.com:9000", "a/_HOST@B"]
)
def test_an_option_without_a_user_is_taken(value: str) -> None:
    assert not told({**IMAGES, "options": {"endpoint": value}})


def test_an_entry_that_is_no_mapping_is_not_repeated() -> None:
    assert "alluxio_datasets[0] is text." in told("s3://AKIA1:hunter2@b/")


def test_all_faults_are_told_at_once_each_with_its_place() -> None:
    lines: datasets.Lines = {(): "x.yml:1", (1,): "x.yml:9", (1, "ufs"): "x.yml:11"}
    text = told({"path": "/a"}, {"name": "b", "ufs": "foo://b/", "pin": 3}, lines=lines)
    assert "alluxio_datasets[0].name is not set (x.yml:1)." in text
    assert "(x.yml:11)" in text
    assert "alluxio_datasets[1].pin of b is 3 (x.yml:9)." in text


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"name": "images", "path": "/b", "ufs": "s3://b/"}, "two datasets with the name images"),
        ({"name": "b", "path": "/images", "ufs": "s3://b/"}, "images at /images"),
        ({"name": "b", "path": "/images/b", "ufs": "s3://b/"}, "b is at /images/b"),
        ({"name": "b", "ufs": "s3://research/"}, "no part of a store twice"),
        ({"name": "b", "ufs": "s3://research/images"}, "no part of a store twice"),
    ],
)
def test_datasets_lie_beside_each_other(other: dict[str, Any], words: str) -> None:
    assert words in told(IMAGES, other)
    assert told(IMAGES, {"name": "images2", "ufs": "s3://research/images2/"}) == ""


GONE: dict[str, Any] = {"name": "pictures", "ufs": IMAGES["ufs"], "state": "absent"}


def test_a_dataset_may_get_another_name_in_one_run() -> None:
    assert told(GONE, IMAGES) == ""
    assert told(IMAGES, GONE) == ""
    assert told({**GONE, "path": "/images/old"}, IMAGES) == ""
    assert "no part of a store twice" in told(GONE, {**IMAGES, "state": "absent"})
    assert "two datasets with the name images" in told(IMAGES, {**GONE, "name": "images"})


def test_a_path_is_not_both_absent_and_present() -> None:
    """Each run would unmount, or unset, what the run before has made."""
    assert "images at /images" in told(IMAGES, {**GONE, "path": "/images"})
    directory = {"name": "d", "path": "/images/a", "state": "absent"}
    assert "d is at /images/a" in told(IMAGES, directory)


def test_s3_and_s3a_are_one_store() -> None:
    assert datasets.overlap("s3a://b/part", "s3://b")
    assert not datasets.overlap("s3a://b", "s3://b2")
    assert "no part of a store twice" in told(IMAGES, {"name": "b", "ufs": "s3a://research/"})


def test_a_confirmation_names_a_dataset() -> None:
    found = dataset_refuse.confirmation_faults(
        [Dataset("images", "/images")], {"loses": "image, images"}
    )
    assert [fault.what for fault in found] == ["loses names image, which no dataset is called."]
