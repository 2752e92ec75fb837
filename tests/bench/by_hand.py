"""The cache deployed with kubectl, helm and ssh, as a person with a good list of commands would.

The list is as short as it can be: manifests and values are ready, nothing is looked up or checked.
"""

from __future__ import annotations

import copy
import json
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.repository import ROOT

NAMESPACE = "alluxio"
RELEASE = "alluxio"
STORAGE = "/mnt/fuse3"
CHART = ROOT / "charts" / "alluxio"
COMPONENTS = ("master", "jobMaster", "worker", "jobWorker")
ROLLED_OUT = tuple(
    ("kubectl", "rollout", "status", workload, "-n", NAMESPACE, "--timeout=300s")
    for workload in (f"statefulset/{RELEASE}-master", f"daemonset/{RELEASE}-worker")
)
"""Commands that wait until every pod is ready."""
# The probes of Alluxio's own chart. Most of its time to ready is their delays.
UPSTREAM_PROBES: dict[str, Any] = {
    "startupProbe": None,
    "readinessProbe": {
        "initialDelaySeconds": 10,
        "periodSeconds": 10,
        "timeoutSeconds": 1,
        "failureThreshold": 3,
        "successThreshold": 1,
    },
    "livenessProbe": {
        "initialDelaySeconds": 15,
        "periodSeconds": 30,
        "timeoutSeconds": 5,
        "failureThreshold": 2,
    },
}
_OF_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "finalizers")


@dataclass(frozen=True)
class Lab:
    """A running lab: its environment, and ssh command lines by node."""

    environment: Mapping[str, str]
    ssh: Mapping[str, tuple[str, ...]]

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a command against the lab and return what it printed.

        Raises:
            RuntimeError: it failed; carries its command line and standard error.
        """
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def on_nodes(self, script: str) -> None:
        """Run a shell script on each node, one after the other."""
        for command in self.ssh.values():
            self.run(*command, script)


def connect(environment: Mapping[str, str]) -> Lab:
    """The lab that an environment leads to; ssh settings come from its inventory."""
    lab = Lab(environment, {})
    inventory = json.loads(lab.run("ansible-inventory", "--list"))
    ssh = {}
    for node in inventory["cache_workers"]["hosts"]:
        facts = inventory["_meta"]["hostvars"][node]
        ssh[node] = (
            "ssh",
            *("-i", facts["ansible_ssh_private_key_file"]),
            *shlex.split(facts["ansible_ssh_common_args"]),
            f"{facts['ansible_user']}@{facts['ansible_host']}",
        )
    return Lab(environment, ssh)


def as_manifest(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object as it was read, without what the server wrote into it."""
    manifest = copy.deepcopy(dict(found))
    manifest.pop("status", None)
    for key in _OF_THE_SERVER:
        manifest["metadata"].pop(key, None)
        manifest.get("spec", {}).get("claimRef", {}).pop(key, None)
    return manifest


@dataclass(frozen=True)
class Recipe:
    """What a person would have in files before starting: volumes and Secrets, and chart values."""

    manifests: str
    values: str
    chart: Path


def take_recipe(lab: Lab, chart: Path) -> Recipe:
    """Read from a release that site.yml deployed what is needed to make it again by hand."""
    volumes = json.loads(lab.run("kubectl", "get", "pv", "-o", "json"))["items"]
    own = [v for v in volumes if v["spec"].get("claimRef", {}).get("namespace") == NAMESPACE]
    secrets = json.loads(lab.run("kubectl", "get", "secret", "-n", NAMESPACE, "-o", "json"))[
        "items"
    ]
    opaque = [secret for secret in secrets if secret["type"] == "Opaque"]
    values = json.loads(lab.run("helm", "get", "values", RELEASE, "-n", NAMESPACE, "-o", "json"))
    journal = values.setdefault("journal", {})
    journal["format"] = {**(journal.get("format") or {}), "runFormat": True}
    for component in COMPONENTS:
        values[component] = {**(values.get(component) or {}), **UPSTREAM_PROBES}
    items = [as_manifest(item) for item in [*own, *opaque]]
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    return Recipe(manifests, json.dumps(values), chart)


def deploy(lab: Lab, recipe: Recipe) -> float:
    """Deploy by hand; seconds until every pod is ready."""
    base = f"{STORAGE}/{NAMESPACE}/{RELEASE}"
    folders = f"{base}/journal {base}/domain {base}/tier0"
    began = time.monotonic()
    lab.on_nodes(f"mkdir -p {folders} && chown 1000:1000 {folders} && chmod 0750 {folders}")
    lab.run("kubectl", "create", "namespace", NAMESPACE)
    lab.run("kubectl", "apply", "-f", "-", stdin=recipe.manifests)
    install = ("helm", "install", RELEASE, str(recipe.chart), "--namespace", NAMESPACE)
    lab.run(*install, "--values", "-", stdin=recipe.values)
    for command in ROLLED_OUT:
        lab.run(*command)
    return time.monotonic() - began


def remove(lab: Lab, namespace: str = NAMESPACE, *directories: str) -> None:
    """Remove a namespace with its releases, volumes and data, however they were deployed.

    directories: what to delete on the nodes beside its part of the storage.
    """
    for release in lab.run("helm", "list", "-n", namespace, "--short").split():
        lab.run("helm", "uninstall", release, "-n", namespace, "--wait", "--timeout", "3m")
    lab.run("kubectl", "delete", "namespace", namespace, "--ignore-not-found", "--timeout=180s")
    for volume in json.loads(lab.run("kubectl", "get", "pv", "-o", "json"))["items"]:
        if volume["spec"].get("claimRef", {}).get("namespace") == namespace:
            lab.run("kubectl", "delete", "pv", volume["metadata"]["name"], "--timeout=60s")
    lab.on_nodes(f"rm -rf {' '.join([f'{STORAGE}/{namespace}', *directories])}")
