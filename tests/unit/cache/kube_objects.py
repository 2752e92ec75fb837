"""Objects as the Kubernetes API returns them, as small as the functions under test allow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> Json:
    """A recorded answer of a real API."""
    content: Json = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return content


def container(
    name: str,
    *,
    ready: bool = True,
    restarts: int = 0,
    waiting: str = "",
    exit_code: int | None = None,
) -> Json:
    """A container's status; with exit_code, its last run ended with it."""
    state: Json = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    last: Json = {}
    if exit_code is not None:
        reason = "OOMKilled" if exit_code == 137 else "Error"
        last = {"terminated": {"exitCode": exit_code, "reason": reason}}
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last,
    }


def pod(
    name: str, role: str, node: str, statuses: list[Json] | None = None, **metadata: Any
) -> Json:
    """A master or worker pod; nodes are named n1, n2, ... and have the addresses 10.0.0.1, 10.0.0.2, ..."""
    short = "master" if role == "alluxio-master" else "worker"
    names = [f"alluxio-{short}", f"alluxio-job-{short}"]
    number = node.removeprefix("n")
    return {
        "metadata": {"name": name, "labels": {"role": role, "release": "alluxio"}, **metadata},
        "spec": {
            "nodeName": node,
            "containers": [
                {"name": names[0], "ports": [{"name": "web", "containerPort": 19999}]},
                {"name": names[1]},
            ],
        },
        "status": {
            "phase": "Running",
            "hostIP": f"10.0.0.{number}",
            "podIP": f"10.1.0.{number}",
            "containerStatuses": statuses or [container(each) for each in names],
        },
    }


def event(
    kind: str, name: str, reason: str, message: str, at: str = "2026-01-01T00:00:00Z"
) -> Json:
    """An event about an object."""
    return {
        "metadata": {},
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
    }


def node(name: str, *, ready: bool = True, cordoned: bool = False, **spec: Any) -> Json:
    """A node with 8 GiB."""
    return {
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name},
            "resourceVersion": "1",
        },
        "spec": {"unschedulable": cordoned, **spec},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "allocatable": {"memory": "8388608Ki"},
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "nodeInfo": {"kubeletVersion": "v1.34.4"},
        },
    }
