"""The title of a plan claims no version that nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import upgrade, upgrade_told
from tests.unit.cache.test_upgrade import asked, seen

Json = dict[str, Any]
IMAGE = "alluxio/alluxio"
DIGEST = f"{IMAGE}@sha256:0a"
UNTOLD = {"pods": [], "masters": {"image": f"{IMAGE}:prod", "replicas": 1}}


@pytest.mark.parametrize(
    ("masters", "wanted", "given", "title"),
    [
        ("2.9.4", f"{IMAGE}:2.9.6", {}, "Alluxio 2.9.4 becomes 2.9.6 (alluxio-0.1.0)"),
        ("2.9.6", f"{IMAGE}:prod", {}, f"image {IMAGE}:2.9.6 becomes {IMAGE}:prod (alluxio-0.1.0)"),
        ("2.9.6", DIGEST, {}, f"image {IMAGE}:2.9.6 becomes {DIGEST} (alluxio-0.1.0)"),
        (
            "2.9.6 prod 2.9.4",  # a killed run has taken one on
            f"{IMAGE}:prod",
            {},
            f"images {IMAGE}:2.9.4, {IMAGE}:2.9.6 become {IMAGE}:prod (alluxio-0.1.0)",
        ),
        (
            "2.9.6",
            DIGEST,
            {"revision": 4, "rollback_version": "2.9.4"},
            "Alluxio 2.9.6 becomes 2.9.4 (alluxio-0.1.0), back to revision 4",
        ),
        ("prod", f"{IMAGE}:prod", {}, f"other settings for image {IMAGE}:prod (alluxio-0.1.0)"),
    ],
)
def test_a_plan_names_images_where_no_version_is_known(
    masters: str, wanted: str, given: Json, title: str
) -> None:
    plan = upgrade.plan(seen(masters, wanted), asked(**given), restores=False)
    assert upgrade_told.lines(plan)[0] == f"alluxio in cache: {title}"


def test_an_image_that_no_master_came_to_run_is_what_they_were_told_to() -> None:
    found = seen(wanted=f"{IMAGE}:2.9.6", leader="", cluster=UNTOLD)
    plan = upgrade.plan(found, asked(), restores=False)
    said = f"image {IMAGE}:prod becomes {IMAGE}:2.9.6"
    assert upgrade_told.lines(plan)[0].startswith(f"alluxio in cache: {said}")


@pytest.mark.parametrize(
    ("image", "runs"), [(DIGEST, f"image {DIGEST}"), (f"{IMAGE}:2.9.6", "Alluxio 2.9.6")]
)
def test_what_runs_as_it_should_is_named_as_it_is_known(image: str, runs: str) -> None:
    found = seen("2.9.6", image, cluster={"pods": [], "masters": {"image": image}})
    plan = upgrade.plan(found, asked(action="none"), restores=False)
    said = f"alluxio in cache: nothing to do, {runs} runs as the settings say"
    assert upgrade_told.lines(plan) == [said]
