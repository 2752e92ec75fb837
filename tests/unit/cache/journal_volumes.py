"""A cluster of folders for the journal guard: volumes, Jobs that look into them, masters that serve."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal as action
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import HOLDS_JOURNAL
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult
from tests.unit.cache.kube_objects import container, pod

Json = dict[str, Any]
LEADER = '{"version": "2.9.6", "workers": []}'
CLAIMS = "/api/v1/namespaces/cache/persistentvolumeclaims"
SET = "/apis/apps/v1/namespaces/cache/statefulsets/alluxio-master"


class Volumes:
    """Kube over folders: a Job's pod runs once the Job is made, and exec runs its script on the claim's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.jobs: dict[str, Json] = {}
        self.masters: Json | None = None
        self.pods: list[Json] = []
        self.done: list[str] = []
        self.members: list[int] = []
        self.phase = "Bound"
        self.uid = ""
        self.records: list[Json] = []
        self.leads = True
        self.notes: dict[str, str] = {}

    def folder(self, ordinal: int) -> Path:
        folder = self.root / f"alluxio-journal-alluxio-master-{ordinal}"
        folder.mkdir(exist_ok=True)
        return folder

    def serve(self, *ready: bool) -> None:
        """Masters, ready or failing, on an embedded journal with entries."""
        self.masters = {
            "metadata": {"name": "alluxio-master", "namespace": "cache", "generation": 1},
            "spec": {"replicas": len(ready), "template": {"spec": {"containers": []}}},
        }
        for ordinal, is_ready in enumerate(ready):
            statuses = [container("alluxio-master", ready=is_ready, restarts=0 if is_ready else 3)]
            statuses.append(container("alluxio-job-master"))
            self.pods.append(
                pod(f"alluxio-master-{ordinal}", "alluxio-master", f"n{ordinal + 1}", statuses)
            )
            if is_ready:
                self.write(ordinal)

    def write(self, ordinal: int) -> None:
        log = self.folder(ordinal) / "raft" / "02511d47" / "current" / "log_inprogress_0"
        log.parent.mkdir(parents=True)
        log.write_text("entries")

    def get(self, path: str) -> Json | None:
        if "/persistentvolumeclaims/" in path:
            return {"status": {"phase": self.phase}}
        if path == "/api/v1/namespaces/kube-system":
            return {"metadata": {"uid": self.uid}}
        return self.masters if path == SET else None

    def create(self, path: str, body: Json) -> Json:
        assert path.endswith("/jobs")
        self.jobs[body["metadata"]["name"]] = body
        return body

    def delete(self, path: str, **_: Any) -> bool:
        name = path.rpartition("/")[2]
        self.done.append(f"delete {name}")
        return self.jobs.pop(name, None) is not None

    def list_objects(self, path: str, selector: str = "", **_: Any) -> list[Json]:
        if path.endswith("/secrets"):
            return self.records
        if path == CLAIMS:
            names = [journal.claim_name("alluxio", ordinal) for ordinal in range(5)]
            return [{"metadata": {"name": name, **self._annotations(name)}} for name in names]
        if "task=journal" in selector:
            return [] if path.endswith("/jobs") else [self._job_pod(name) for name in self.jobs]
        return self.pods if path.endswith("/pods") else []

    def _annotations(self, claim: str) -> Json:
        since = self.notes.get(claim)
        return {"annotations": {HOLDS_JOURNAL: since}} if since else {}

    def noted(self) -> list[int]:
        """The masters whose claims say that a journal lies there."""
        return sorted(int(name.rpartition("-")[2]) for name in self.notes)

    def _job_pod(self, name: str) -> Json:
        labels = {"batch.kubernetes.io/job-name": name}
        states = [{"name": "journal", "state": {"running": {}}}]
        return {
            "metadata": {"name": f"{name}-x", "labels": labels},
            "status": {"containerStatuses": states},
        }

    def pod_log(self, _namespace: str, name: str, *_: Any, **__: Any) -> str:
        job = self.jobs[name.removesuffix("-x")]
        [spec] = job["spec"]["template"]["spec"]["containers"]
        script = spec["command"][2].partition("\ntrap ")[0]
        return self._run(name, ["/bin/sh", "-c", script]).stdout

    def exec(self, _namespace: str, name: str, _: str, command: list[str], **__: Any) -> ExecResult:
        if "quorum info" in command[-1]:
            return ExecResult(0, self._quorum(), "")
        done = self._run(name, command)
        return ExecResult(done.returncode, done.stdout, done.stderr)

    def _quorum(self) -> str:
        """What the leader says of the members, master 0 leading."""
        head = "Journal domain\t: MASTER\nQuorum leader\t: alluxio-master-0:19200\n"
        return head + "".join(
            f"AVAILABLE | 1 | alluxio-master-{ordinal}:19200\n" for ordinal in self.members
        )

    def _run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        ordinal = int(name.removesuffix("-x").rpartition("-")[2])
        folder = str(self.folder(ordinal))
        return subprocess.run(
            [folder if word == "/journal" else word for word in command],
            env={"JOURNAL": folder, "JOURNAL_TYPE": "EMBEDDED", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    def merge(self, path: str, patch: Json) -> Json:
        if path.startswith(f"{CLAIMS}/"):
            since = patch["metadata"]["annotations"][HOLDS_JOURNAL]
            name = path.rpartition("/")[2]
            self.notes = {key: value for key, value in self.notes.items() if key != name}
            self.notes |= {name: since} if since else {}
            return {}
        assert path == SET
        replicas = patch.get("spec", {}).get("replicas")
        self.done.append("notes" if replicas is None else f"replicas {replicas}")
        if replicas == 0:
            self.pods = []
        assert self.masters is not None
        notes = patch["metadata"]["annotations"]
        kept = {**self.masters["metadata"].get("annotations", {}), **notes}
        self.masters["metadata"]["annotations"] = {
            key: value for key, value in kept.items() if value is not None
        }
        if replicas not in {None, self.masters["spec"]["replicas"]}:
            self.masters["metadata"]["generation"] += 1
            self.masters["spec"]["replicas"] = replicas
        return self.masters

    def pod_http(self, *_: Any) -> str | None:
        return LEADER if self.leads else None


def options(masters: int = 3, **given: Any) -> Json:
    return {
        "namespace": "cache",
        "release": "alluxio",
        "claims": [
            {
                "name": f"alluxio-journal-alluxio-master-{ordinal}",
                "kind": "journal",
                "ordinal": ordinal,
            }
            for ordinal in range(masters)
        ],
        "values": {
            "imageTag": "2.9.6",
            "journal": {"type": "EMBEDDED", "volumeType": "persistentVolumeClaim"},
            "master": {"count": masters},
        },
        "policy": "if_empty",
        "confirm": "",
        "read": False,
        "ordinals": [],
        "stale": False,
        "restoring": "",
        "backed_up": "",
        "backup_to": "ufs",
        "wait_timeout_s": 30,
        **given,
    }


def marker(cluster: Volumes, ordinal: int) -> journal.Marker | None:
    path = cluster.folder(ordinal) / journal.MARKER
    text = path.read_bytes() if path.exists() else b""
    return journal.read_marker(base64.b64encode(text).decode())


def guard(cluster: Volumes, **given: Any) -> action._Guard:
    return action._Guard(cluster, options(**given))  # type: ignore[arg-type]


def holds(cluster: Volumes) -> list[bool]:
    return [(cluster.folder(ordinal) / "raft").exists() for ordinal in range(3)]


@dataclass(frozen=True)
class Made:
    """A backup as backups.take returns it."""

    uri: str = "s3://b/alluxio_backups/x.gz"


def fake_backups(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """plugin_utils/backups with a take() that can be told to fail."""
    module = ModuleType("backups")
    module.taken = []  # type: ignore[attr-defined]
    module.error = None  # type: ignore[attr-defined]

    def take(*where: Any, to: str, kept: bool, patience: Any) -> Made:
        module.kept = kept  # type: ignore[attr-defined]
        if module.error is not None:
            raise module.error
        module.taken.append((where[1:], to))
        return Made()

    module.take = take  # type: ignore[attr-defined]
    module.plan = lambda *_, to, kept: f"{to}/{'before-changes' if kept else ''}/"  # type: ignore[attr-defined]
    monkeypatch.setattr(action, "backups", module)
    return module


def forced(cluster: Volumes, **given: Any) -> action._Guard:
    return guard(cluster, policy="force", confirm="alluxio", **given)
