"""A release whose leader has a real shell and an `alluxio` that lists, pins and sets replication, over a few files."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, ExecResult
from tests.unit.cache.kube_objects import Json, pod

NOTE = "/api/v1/namespaces/cache/configmaps/alluxio-pins"
CONFIG = "/api/v1/namespaces/cache/configmaps/alluxio-config"

# Prints as 2.9.6 does.
ALLUXIO = r"""#!/usr/bin/python3 -IS
import json, sys
from datetime import datetime, timezone
words = [word for word in sys.argv[2:] if not word.startswith("-D")]
state = json.load(open("{state}"))
def below(place):
    if place.endswith("/*"):
        return [path for path in sorted(state) if path.rpartition("/")[0] == place[:-2]]
    return [place] if place in state else []
def row(path):
    it = state[path]
    shown = "DIR" if it["folder"] else "%d%%" % it["percent"]
    size = 7 if it["folder"] else 1024
    print("%-12s%-15s%-15s%15s%16s%24s%5s %-5s" % (
        "-rw-r--r--", "alluxio", "a-group-of-a-long-name", size, it["state"], it["created"], shown, path))
if {broken}:
    print("the master has no room")
    sys.exit(255)
if words[0] == "ls" and "-R" in words:
    for path in sorted(state):
        if state[path]["pinned"] or "-p" not in words:
            row(path)
elif words[0] == "ls":
    if words[-1] not in state and words[-1] != "/":
        print("Path %s does not exist" % words[-1])
        sys.exit(255)
    for path in below(words[-1].rstrip("/") + "/*"):
        row(path)
elif words[0] == "stat":
    for path in below(words[1]):
        it = state[path]
        print(path + " is a file path.")
        print("URIStatus{info=FileInfo{fileId=1, fileIdentifier=null, name=x, path=%s, ufsPath=s3://b%s, length=4,"
              " blockSizeBytes=1, creationTimeMs=1, completed=true, folder=%s, pinned=%s, pinnedlocation=[%s],"
              " cacheable=true, persisted=true, blockIds=[1], replicationMax=-1, replicationMin=%d,"
              " fileBlockInfos=[FileBlockInfo{offset=0}], mountId=1, xattr=[]}, cacheContext=null}" % (
              path, path, str(it["folder"]).lower(), str(it["pinned"]).lower(), ", ".join(it["media"]), it["min"]))
elif words[0] in ("pin", "setReplication"):
    place = words[1] if words[0] == "pin" else words[-1]
    if place in {refused}:
        print("Failed to do it: no such path " + place)
        sys.exit(255)
    for path in below(place):
        state[path]["pinned"] = True
        if words[0] == "pin":
            state[path]["media"], state[path]["min"] = words[2:], max(1, state[path]["min"])
        else:
            state[path]["min"] = int(words[2])
json.dump(state, open("{state}", "w"))
open("{log}", "a").write(" ".join(words) + "\n")
"""


class PinnedCache:
    """A Kube of that release. Attributes: objects: ConfigMaps by path. execs: how many scripts ran in the leader.

    workers: nodes that have one. writes: (pod, script) of what ran in those. cannot_write: how it ended, by pod.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects: dict[str, Json] = {}
        self.execs = 0
        self.leads = True
        self.workers: list[str] = []
        self.writes: list[tuple[str, str]] = []
        self.cannot_write: dict[str, ExecResult | ApiError] = {}
        self.refused: list[str] = []
        self.forbidden = self.broken = False
        self.log = folder / "commands"
        self.log.touch()
        self._state = folder / "state.json"
        self._save({})

    def file(self, path: str, *, pinned: bool = True, **over: Any) -> None:
        """Make a file, and its directory; the same path again makes another file."""
        state = self.state
        usual = {"state": "PERSISTED", "percent": 100, "min": int(pinned), "media": []}
        usual["created"] = f"20261126134830{len(state):03d}"
        one = {"folder": False, "pinned": pinned, **usual, **over}
        folder = path.rpartition("/")[0]
        if folder:
            state.setdefault(folder, {**one, "folder": True, "pinned": False})
        self._save({**state, path: one})

    def change(self, path: str, **over: Any) -> None:
        """Make something of a file otherwise; it stays the same file."""
        state = self.state
        self._save({**state, path: {**state[path], **over}})

    def unpin(self, *paths: str) -> None:
        """What Alluxio's job does."""
        for path in paths:
            self.change(path, pinned=False, min=0, media=[])

    def remove(self, path: str) -> None:
        """Remove a file."""
        self._save({name: one for name, one in self.state.items() if name != path})

    @property
    def state(self) -> dict[str, Any]:
        """The files and directories."""
        found: dict[str, Any] = json.loads(self._state.read_text())
        return found

    @property
    def pinned(self) -> dict[str, tuple[int, list[str]]]:
        """Least number of replicas and media of each pinned file."""
        return {
            path: (one["min"], one["media"]) for path, one in self.state.items() if one["pinned"]
        }

    @property
    def commands(self) -> list[str]:
        """The commands that pinned something."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if line.startswith(("pin", "setReplication"))]

    def get(self, path: str) -> Json | None:
        if path.endswith("/pods/alluxio-master-0"):
            return pod("alluxio-master-0", "alluxio-master", "n1")
        return self.objects.get(path)

    def list_objects(self, path: str, _selector: str = "", **_: Any) -> list[Json]:
        assert path.endswith("/pods")
        workers = [pod(f"w-{node}", "alluxio-worker", node) for node in self.workers]
        return [pod("alluxio-master-0", "alluxio-master", "n1"), *workers] if self.leads else []

    def pod_http(self, _space: str, _name: str, _port: int, path: str) -> str | None:
        if "metrics" in path:
            count = sum(1 for one in self.state.values() if one["pinned"] and not one["folder"])
            return json.dumps({"gauges": {"Master.FilesPinned": {"value": count}}})
        workers = [
            {
                "address": {"host": f"10.0.0.{node[1:]}"},
                "capacityBytes": 1,
                "usedBytes": 0,
                "lastContactSec": 0,
            }
            for node in self.workers
        ]
        return json.dumps({"version": "2.9.6", "workers": workers, "mountPoints": {}})

    def create(self, path: str, body: Json) -> Json:
        if self.forbidden:
            raise ApiError("POST", 403, "configmaps is forbidden")
        body["metadata"]["resourceVersion"] = "1"
        return self.objects.setdefault(f"{path}/{body['metadata']['name']}", body)

    def replace(self, path: str, body: Json) -> Json:
        assert (
            body["metadata"]["resourceVersion"] == self.objects[path]["metadata"]["resourceVersion"]
        )
        self.objects[path] = body
        return body

    def delete(self, path: str, *, propagation: str) -> bool:
        assert propagation == "Background", "else it is still there for a moment"
        return self.objects.pop(path, None) is not None

    def exec(self, _space: str, name: str, _box: str, command: list[str], **_: Any) -> ExecResult:
        if name.startswith("w-"):
            return self._write(name, command[-1])
        self.execs += 1
        program = self.folder / "bin" / "alluxio"
        program.parent.mkdir(exist_ok=True)
        text = ALLUXIO.replace("{state}", str(self._state)).replace("{log}", str(self.log))
        text = text.replace("{refused}", repr(self.refused)).replace("{broken}", str(self.broken))
        program.write_text(text)
        program.chmod(0o755)
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": f"{program.parent}:/usr/bin:/bin"},
        )
        return ExecResult(done.returncode, done.stdout, done.stderr)

    def _write(self, name: str, script: str) -> ExecResult:
        self.writes.append((name, script))
        assert not self.commands, "a pin was given back before"
        ended = self.cannot_write.get(name, ExecResult(0, "", ""))
        if isinstance(ended, ApiError):
            raise ended
        return ended

    def _save(self, state: dict[str, Any]) -> None:
        self._state.write_text(json.dumps(state))
