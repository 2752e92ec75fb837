"""What Kubernetes would refuse half-way is found before Helm begins."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import immutable

Json = dict[str, Any]

RENDERED: Json = {
    "kind": "StatefulSet",
    "metadata": {"name": "alluxio-master"},
    "spec": {
        "serviceName": "alluxio-master",
        "replicas": 1,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "alluxio", "role": "alluxio-master"}},
        "template": {"metadata": {"labels": {"app": "alluxio"}}},
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "alluxio-journal", "labels": {"app": "alluxio"}},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "alluxops-local",
                    "resources": {"requests": {"storage": "1024Mi"}},
                },
            }
        ],
    },
}


def live() -> Json:
    """The same as the server completes it."""
    found = copy.deepcopy(RENDERED)
    claim = found["spec"]["volumeClaimTemplates"][0]
    claim["spec"] |= {"volumeMode": "Filesystem", "resources": {"requests": {"storage": "1Gi"}}}
    claim["status"] = {"phase": "Pending"}
    found["spec"]["updateStrategy"] = {"type": "RollingUpdate"}
    return found


def changed(*path: Any, to: Any) -> Json:
    new = copy.deepcopy(RENDERED)
    at: Any = new
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return new


CLAIM = ("spec", "volumeClaimTemplates", 0)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (RENDERED, ""),
        (changed("spec", "replicas", to=3), ""),
        (changed("spec", "template", to={}), ""),
        (changed("spec", "serviceName", to="other"), "spec.serviceName"),
        (changed("spec", "podManagementPolicy", to="OrderedReady"), "spec.podManagementPolicy"),
        (changed("spec", "selector", "matchLabels", "app", to="x"), "spec.selector"),
        (
            changed(*CLAIM, "spec", "resources", "requests", "storage", to="2Gi"),
            "spec.volumeClaimTemplates.alluxio-journal.resources",
        ),
        (
            changed(*CLAIM, "spec", "storageClassName", to="fast"),
            "spec.volumeClaimTemplates.alluxio-journal.storageClassName",
        ),
        (changed("spec", "volumeClaimTemplates", to=[]), "spec.volumeClaimTemplates"),
        (
            changed(*CLAIM, "metadata", "labels", "app", to="x"),
            "spec.volumeClaimTemplates.alluxio-journal.labels",
        ),
    ],
)
def test_what_a_stateful_set_cannot_take(new: Json, field: str) -> None:
    found = immutable.conflicts([new], {("StatefulSet", "alluxio-master"): live()})
    assert [conflict.field for conflict in found] == ([field] if field else [])
    for conflict in found:
        assert "uninstall" in str(conflict.error())
        assert conflict.error().refused


def test_an_object_that_does_not_exist_takes_anything() -> None:
    assert immutable.conflicts([RENDERED], {}) == []


@pytest.mark.parametrize(
    ("then", "now", "fields"),
    [
        ("10.96.0.7", None, []),
        ("10.96.0.7", "10.96.0.8", ["spec.clusterIP"]),
        # helm_release replaces these.
        ("10.96.0.7", "None", []),
        ("None", None, []),
        ("None", "10.96.0.8", []),
    ],
)
def test_a_services_address(then: str, now: str | None, fields: list[str]) -> None:
    def service(address: str | None) -> Json:
        return {"kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": address}}

    found = immutable.conflicts([service(now)], {("Service", "s"): service(then)})
    assert [conflict.field for conflict in found] == fields
