"""An image's tag says which Alluxio it is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import versions

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("2.9.6", (2, 9, 6)),
        ("2.9.6-custom", (2, 9, 6)),
        ("v2.8.1", (2, 8, 1)),
        ("2.9.10", (2, 9, 10)),
        ("2.9", None),
        ("latest", None),
        ("", None),
    ],
)
def test_the_version_of_a_tag(tag: str, expected: tuple[int, int, int] | None) -> None:
    assert versions.numbers(tag) == expected


def ran(tag: str, *, role: str = "alluxio-master", started: bool = True) -> Json:
    return {"image": f"r/alluxio:{tag}", "role": role, "started": started}


@pytest.mark.parametrize(
    ("pods", "oldest"),
    [
        ([ran("2.9.4"), ran("2.9.6"), ran("2.8.1")], "2.8.1"),
        ([ran("2.9.6"), ran("2.9.6-custom"), ran("prod")], ""),
        ([ran("2.9.6"), ran("2.9.4", started=False), ran("2.9.4", role="alluxio-worker")], ""),
    ],
)
def test_the_masters_that_are_behind(pods: list[Json], oldest: str) -> None:
    assert versions.behind({"pods": pods}, "2.9.6") == oldest
    assert versions.behind({"pods": pods}, "prod") == ""


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("alluxio/alluxio:2.9.6", "2.9.6"),
        ("registry:5000/alluxio/alluxio:2.9.6@sha256:abc", "2.9.6"),
        ("registry:5000/alluxio/alluxio", ""),
        ("alluxio", ""),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str) -> None:
    assert versions.tag_of(image) == tag


@pytest.mark.parametrize(
    "image", ["r:5000/a/alluxio", "r:5000/a/alluxio:2.9.6@sha256:abc", "r:5000/a/alluxio@sha256:a"]
)
def test_the_name_of_an_image(image: str) -> None:
    assert versions.name_of(image) == "r:5000/a/alluxio"


def test_the_newest_is_found_by_number() -> None:
    assert versions.newest(["2.9.6", "2.9.10-x", "latest"]) == "2.9.10-x"
    assert versions.newest(["latest"]) == ""


def _pod(tag: str, role: str = "master", *, started: bool = True, no_image: bool = False) -> Json:
    facts = {"role": f"alluxio-{role}", "started": started, "no_image": no_image}
    return {**facts, "image": f"r:5000/alluxio:{tag}"}


WORKER = _pod("2.9.4", "worker")


@pytest.mark.parametrize(
    ("pods", "replicas", "found"),
    [
        ([_pod("2.9.6"), WORKER], 1, "2.9.6"),
        ([_pod("2.9.4"), _pod("2.9.7", "worker")], 1, "2.9.4"),
        # It served; then it was made anew, moved away or scaled to nothing.
        ([_pod("2.9.6", started=False), WORKER], 1, "2.9.6"),
        ([WORKER], 1, "2.9.6"),
        ([WORKER], 0, "2.9.6"),
        ([_pod("2.9.4"), _pod("2.9.4"), _pod("2.9.6", started=False)], 3, "2.9.6"),
        ([_pod("2.9.4"), _pod("2.9.4")], 3, "2.9.6"),
        # None of it was ever made, or its image does not exist.
        ([_pod("2.9.4"), _pod("2.9.4"), _pod("2.9.4")], 3, "2.9.4"),
        ([_pod("2.9.4"), _pod("2.9.6", started=False, no_image=True)], 2, "2.9.4"),
        ([_pod("2.9.6", started=False, no_image=True), WORKER], 1, "2.9.4"),
    ],
)
def test_what_may_have_written_the_journal_is_what_masters_ran(
    pods: list[Json], replicas: int, found: str
) -> None:
    masters = {"image": "r:5000/alluxio:2.9.6", "replicas": replicas}
    assert versions.running({"pods": pods, "masters": masters}) == found
