"""An upgrade takes the cache's own ZooKeeper on too: in its plan, after the backup, before the masters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.alluxops.cache.plugins.module_utils import (
    immutable,
    upgrade,
    upgrade_told,
)
from tests.unit.cache.settings_cases import with_
from tests.unit.cache.test_upgrade import asked as asked_of_plan
from tests.unit.cache.test_upgrade import seen, workload
from tests.unit.cache.test_upgrade_journals import read, runs
from tools.repository import ROOT

Json = dict[str, Any]

CACHE: Json = {
    "action": "none",
    "reasons": [],
    "rendered": {"current": "---\na: 1\n", "wanted": "---\na: 1\n", "chart": "alluxio-1.0.0"},
}
ENSEMBLE: Json = {
    "action": "upgrade",
    "reasons": ["changed: StatefulSet alluxio-zookeeper"],
    "rendered": {"current": "---\nz: 1\n", "wanted": "---\nz: 2\n", "chart": "zookeeper-1.0.0"},
}
SKIPPED: Json = {"changed": False, "skipped": True}


def trusted(value: Any) -> Any:
    """The same with its texts as templates, as the loader of roles makes them."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return trust_as_template(value) if isinstance(value, str) else value


def asked(cache: Json, ensemble: Json) -> Json:
    """What the action that plans is given."""
    [task] = [one for one in read("plan.yml") if "alluxops.cache.upgrade" in one]
    wanted = {key: task["alluxops.cache.upgrade"][key] for key in ("rendered", "action", "reasons")}
    known = yaml.safe_load((ROOT / "roles/upgrade/vars/main.yml").read_text())
    variables = {
        **trusted(known),
        "__alluxio_release": cache,
        "__zookeeper_release": ensemble,
        "__preflight_settings": {"settings": with_(ha="zookeeper").as_dict()},
    }
    result: Json = Templar(DataLoader(), variables=variables).template(trusted(wanted))
    return result


@pytest.mark.parametrize("own", [False, True])
def test_the_ensemble_goes_after_the_backup_and_before_the_masters(*, own: bool) -> None:
    for plan, _, before in runs("main", own_zookeeper=own):
        assert ("zookeeper release" in before) is own, plan
        assert ("zookeeper main" in before) is own, plan
        if own:
            plans, backs_up = (
                at for at, step in enumerate(before) if step == "alluxops.cache.upgrade"
            )
            assert before.index("zookeeper release") < plans, plan
            assert backs_up < before.index("zookeeper main"), plan
            assert "volumes main" in before[backs_up : before.index("zookeeper main")], plan


def test_another_image_of_the_ensemble_is_something_to_do() -> None:
    given = asked(CACHE, ENSEMBLE)
    assert given["action"] == "upgrade"
    assert given["reasons"] == ["alluxio-zookeeper: changed: StatefulSet alluxio-zookeeper"]
    # What would restart, and what Kubernetes would refuse, is told of both.
    assert list(yaml.safe_load_all(given["rendered"]["wanted"])) == [{"a": 1}, {"z": 2}]
    assert list(yaml.safe_load_all(given["rendered"]["current"])) == [{"a": 1}, {"z": 1}]
    assert given["rendered"]["chart"] == "alluxio-1.0.0"


def test_without_a_change_or_an_ensemble_the_plan_is_the_caches() -> None:
    same = {**ENSEMBLE, "action": "none", "reasons": []}
    assert (asked(CACHE, same)["action"], asked(CACHE, same)["reasons"]) == ("none", [])
    assert asked(CACHE, SKIPPED) == CACHE
    changed = {**CACHE, "action": "upgrade", "reasons": ["changed: ConfigMap"]}
    assert asked(changed, SKIPPED) == changed
    # Where Helm is not installed yet, in check mode, nothing is rendered.
    missing = {"action": "install", "reasons": ["Helm is not installed yet"]}
    assert asked(missing, SKIPPED)["rendered"]["current"] == ""


def test_the_volumes_of_its_servers_have_settings_of_their_own() -> None:
    fault = immutable.Conflict(
        "StatefulSet", "alluxio-zookeeper", "spec.volumeClaimTemplates.data.resources", "1Gi", "2Gi"
    )
    assert "zookeeper_values.persistence" in fault.fix
    assert "journal.size" not in fault.fix


@pytest.mark.parametrize(
    ("pods", "said", "why"),
    [
        ("2.9.6 2.9.6 2.9.6", "stay as they are", ["why"]),
        (
            "2.9.4 2.9.6 2.9.4",
            "alluxio-master-0, then the leader alluxio-master-2; one at a time",
            ["why", "alluxio-master-0, alluxio-master-2 did not restart since the last change"],
        ),
    ],
)
def test_masters_that_a_killed_run_left_restart_though_only_the_ensemble_changes(
    pods: str, said: str, why: list[str]
) -> None:
    masters = workload("StatefulSet", "alluxio-master", "alluxio:2.9.6")
    old, new = (workload("StatefulSet", "alluxio-zookeeper", f"zk:{tag}") for tag in (1, 2))
    found = replace(seen(pods), current=[masters, old], wanted=[masters, new])
    plan = upgrade.plan(found, asked_of_plan(), restores=False)
    told = upgrade_told.lines(plan)
    # What the roll of the masters is told, and then restarts, is the same: those that are stale.
    assert plan.restarts == ["alluxio-zookeeper"]
    assert f"  2 masters    {said}" in told
    assert [line.split(maxsplit=1)[1] for line in told if line.startswith("  why")] == why
    assert "  restart too  alluxio-zookeeper" in told
