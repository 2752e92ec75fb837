"""An image's tag says which Alluxio it is."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import versions


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


def test_the_newest_is_found_by_number() -> None:
    assert versions.newest(["2.9.6", "2.9.10-x", "latest"]) == "2.9.10-x"
    assert versions.newest(["latest"]) == ""
