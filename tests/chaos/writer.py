"""A steady writer in a pod of its own: it notes each directory that a master has acknowledged.

A directory that is made with MUST_CACHE is an entry of the journal and of nothing else: lost there, it is lost. The
notes go to a file on the node, which is read on the host, so neither a dead API server nor a dead node hides them.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

from lab.state import Node
from tests.chaos.release import WORKER, Release

BATCH = 150
"""Directories a JVM makes before the next begins."""
ROOT = "/writes"
OWNER = 1000
"""The user of Alluxio's image; nobody else may write where it keeps its notes."""
SCRIPT = f"""
n=$(cat /notes/batch 2>/dev/null || echo 0)
while [ ! -e /notes/stop ]; do
  n=$((n + 1)); echo $n >/notes/batch
  alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE mkdir \
    $(seq -f "$TARGET/b$n-%03g" 1 {BATCH}) >>/notes/acknowledged 2>>/notes/errors || sleep 1
  sleep 1
done
echo stopped >/notes/stopped
sleep infinity
"""


class Writer:
    """Writes below ROOT/LABEL until it is stopped."""

    def __init__(self, release: Release, node: Node, label: str) -> None:
        self.directory = f"{ROOT}/{label}"
        self._release = release
        self._node = node
        self._pod = f"{release.name}-writer"
        self._notes = release.lab.paths.node(node.name).real("mnt") / f"{release.name}-writer"

    def start(self) -> None:
        """Begin, and wait for the first acknowledged write."""
        self._remove_notes()
        self._notes.mkdir(mode=0o700)
        os.chown(self._notes, OWNER, OWNER)
        self._release.lab.run("kubectl", "apply", "-f", "-", stdin=json.dumps(self._manifest()))
        self._wait(lambda: bool(self.acknowledged), "its first acknowledged write", 120)

    def stop(self) -> set[str]:
        """Let it end its batch, and return what was acknowledged."""
        (self._notes / "stop").touch()
        # A client goes on trying for two minutes; a pod whose node was booted just now starts anew first.
        self._wait((self._notes / "stopped").exists, "it to stop", 240)
        return self.acknowledged

    def remove(self) -> None:
        """Take the pod and the notes away."""
        where = ("-n", self._release.name, self._pod, "--ignore-not-found")
        self._release.lab.run(
            *("kubectl", "delete", "pod", *where, "--grace-period=0", "--force"), check=False
        )
        self._remove_notes()

    @property
    def acknowledged(self) -> set[str]:
        """The directories that a master has said it made."""
        path = self._notes / "acknowledged"
        text = path.read_text(errors="replace") if path.exists() else ""
        # A line without its end may be cut.
        return set(re.findall(r"^Successfully created directory (\S+)\n", text, re.MULTILINE))

    def missing(self, acknowledged: set[str]) -> list[str]:
        """What of the acknowledged the masters do not know any more."""
        listed = self._release.run(f"alluxio fs ls {self.directory}")
        known = set(re.findall(rf"({re.escape(self.directory)}/\S+)", listed))
        return sorted(acknowledged - known)

    def forget(self) -> None:
        """Remove what it wrote from the cache, so that the next listing is short."""
        self._release.run(f"alluxio fs rm -R -U --alluxioOnly {self.directory}")

    def _wait(self, condition: Any, what: str, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            errors = self._notes / "errors"
            said = errors.read_text(errors="replace")[-2000:] if errors.exists() else ""
            assert time.monotonic() < end, f"waited {limit_s:.0f} s for the writer: {what}\n{said}"
            time.sleep(0.5)

    def _remove_notes(self) -> None:
        if self._notes.is_dir():
            for path in self._notes.iterdir():
                path.unlink()
            self._notes.rmdir()

    def _manifest(self) -> dict[str, Any]:
        """A pod that is set up as the release's workers are, whatever chart made them."""
        spec = self._release.pods(WORKER)[0]["spec"]
        like = next(item for item in spec["containers"] if item["name"] == WORKER)
        container = {
            "name": "writer",
            "image": like["image"],
            "imagePullPolicy": like["imagePullPolicy"],
            "envFrom": like.get("envFrom", []),
            "env": [{"name": "TARGET", "value": self.directory}],
            "command": ["bash", "-c", SCRIPT],
            "securityContext": {"runAsUser": OWNER, "runAsGroup": OWNER},
            "volumeMounts": [{"name": "notes", "mountPath": "/notes"}],
        }
        notes = {"path": f"/mnt/{self._notes.name}", "type": "Directory"}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self._pod, "namespace": self._release.name},
            "spec": {
                "nodeName": self._node.name,
                "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 0,
                "automountServiceAccountToken": False,
                "tolerations": [{"operator": "Exists"}],
                "containers": [container],
                "volumes": [{"name": "notes", "hostPath": notes}],
            },
        }
