"""The controller's half of helm_release: hands over chart and kubeconfig, forgets what a dead Helm left, notes pins."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load, yaml_load_all
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    drift,
    release,
    rollback,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import is_local_chart
from ansible_collections.alluxops.cache.plugins.module_utils.values import merged
from ansible_collections.alluxops.cache.plugins.plugin_utils import helm_records, parent
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience, Result
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import packed, packed_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import kubeconfig_path
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.kubeconfig import portable
from ansible_collections.alluxops.cache.plugins.plugin_utils.pins import Pins

FOREIGN_AGE_S = 310.0
"""A Helm of another machine, or started by hand, counts as dead after this: its own limit is 300 s by default."""

DELETION_LIMIT_S = 120.0


class ActionModule(ActionBase):
    """One round trip to kube_control, two where a dead run left a revision pending."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Run the module with what it needs from the controller."""
        parent.end_with_it()
        result: Result = super().run(tmp, task_vars)
        try:
            result.update(self._deploy(task_vars or {}))
        except CacheError as error:
            result.update(error.result())
        return result

    def _deploy(self, task_vars: dict[str, Any]) -> Result:
        arguments = plain(self._task.args)
        path = kubeconfig_path(str(arguments.get("kubeconfig") or ""))
        arguments["kubeconfig"] = portable(path)
        chart = str(arguments.get("chart") or "")
        if chart and is_local_chart(chart, str(arguments.get("chart_repo_url") or "")):
            place = Path(chart).expanduser()
            arguments["chart_archive"] = base64.b64encode(packed(place)).decode()
            arguments["chart_is_directory"] = place.is_dir()
        elif arguments.get("revision") and arguments.get("state", "present") == "present":
            arguments.update(_of_revision(Kube.open(path), arguments))
        return _with_chart(self._settled(path, arguments, task_vars))

    def _settled(
        self, kubeconfig: str, arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> Result:
        """Run the module, and again once what stood in its way is done."""
        forgotten: list[str] = []
        warnings: list[str] = []
        result = self._run_whole(kubeconfig, arguments, task_vars)
        if "busy" in result:
            forgotten = self._forget(kubeconfig, arguments, result)
            if self._task.check_mode:
                if arguments.get("state") == "rendered":
                    raise SettingsError(
                        f"{forgotten[0]}.",
                        "Helm renders nothing while it stands so, and a check changes nothing.",
                        "run without --check: that forgets the revision first (pods stay as they are), then plans and"
                        " goes on from there.",
                    )
                return {"changed": True, "action": "upgrade", "reasons": forgotten, "revision": 0}
            result = self._run_whole(kubeconfig, arguments, task_vars)
        if "prepare" in result:
            if kept := _kept(result["prepare"], arguments):
                return kept
            kube, namespace = Kube.open(kubeconfig), str(arguments["namespace"])
            if result["prepare"]["servers"]:
                warnings = Pins(kube, namespace, str(arguments["release"])).note()
            _write_hooks(kube, namespace, result["prepare"]["hooks"])
            _delete(kube, namespace, result["prepare"]["replace"])
            result = self._run({**arguments, "is_prepared": True}, task_vars)
        if "busy" in result:
            raise CacheError(
                "another Helm began to work on the release.", "", "wait for it, and run again."
            )
        if warnings:
            result["warnings"] = [*result.get("warnings", []), *warnings]
        if forgotten and not result.get("failed"):
            result.update(changed=True, reasons=[*forgotten, *result.get("reasons", [])])
        return result

    def _run_whole(
        self, kubeconfig: str, arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> Result:
        """Run the module, and again where it sees nothing to change but the cluster lacks some of the release."""
        result = self._run(arguments, task_vars)
        gone = _gone(kubeconfig, arguments, result.pop("objects", []))
        return self._run({**arguments, "gone": gone}, task_vars) if gone else result

    def _run(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> Result:
        result: Result = self._execute_module(
            module_name="alluxops.cache.helm_release", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result

    def _forget(
        self, kubeconfig: str, arguments: Mapping[str, Any], result: Mapping[str, Any]
    ) -> list[str]:
        """Delete the records of revisions whose Helm is dead. The workloads stay as they are: Helm adopts them next.

        That is gentler than `helm rollback`, which would restart pods to undo what the next upgrade does again.
        """
        kube = Kube.open(kubeconfig)
        folder = f"/api/v1/namespaces/{arguments['namespace']}/secrets"
        said = []
        for one in result["busy"]:
            number = int(one["revision"])
            if not self._task.check_mode and not self._is_dead(
                kube, folder, arguments, one, str(result["host"])
            ):
                continue
            said.append(f"revision {number} was left {one['status']} by a run that died")
            if not self._task.check_mode:
                kube.delete(f"{folder}/sh.helm.release.v1.{arguments['release']}.v{number}")
                Display().display(f"recovered: {said[-1]}")
        return said

    def _is_dead(
        self,
        kube: Kube,
        folder: str,
        arguments: Mapping[str, Any],
        revision: Mapping[str, Any],
        host: str,
    ) -> bool:
        """Whether the Helm at work on a revision is dead: ours, with its lock free, or one past its time. Waits for it.

        False where it went on meanwhile.
        """
        patience = Patience(FOREIGN_AGE_S)
        while True:
            selector = f"owner=helm,name={arguments['release']}"
            metadata = {
                int(secret["metadata"]["labels"]["version"]): secret["metadata"]
                for secret in kube.list_objects(folder, selector, names_only=True)
            }
            number = int(revision["revision"])
            found = metadata.get(number)
            if found is None or found["labels"].get("status") != revision["status"]:
                return False
            before = max((one for one in metadata if one < number), default=0)
            labels_before = metadata[before]["labels"] if before else None
            age_s = time.time() - datetime.fromisoformat(found["creationTimestamp"]).timestamp()
            if release.is_dead(found["labels"], labels_before, host) or age_s > FOREIGN_AGE_S:
                return True
            what = f"a Helm that is not ours to end revision {number} ({revision['status']}"
            patience.pause(f"{what} for {age_s:.0f} s)", 2.0)


def _of_revision(kube: Kube, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The chart and the values of a revision as Helm keeps them, with the values that are given laid over."""
    number = int(arguments["revision"])
    record = helm_records.read(kube, str(arguments["namespace"]), arguments["release"], number)
    chart = packed_files(record.files, f"of revision {number}")
    return {
        "chart_archive": base64.b64encode(chart).decode(),
        "values": merged(record.values, arguments.get("values") or {}),
    }


def _kept(prepare: Mapping[str, Any], arguments: Mapping[str, Any]) -> Result:
    """The result of a rollback that must not be; empty where it may. Raises SettingsError where it was asked for."""
    goal, found = prepare.get("goal", 0), _objects(prepare.get("objects"))
    if arguments.get("revision"):
        rollback.check_formatting(found, goal)
        return {}
    left = _objects(prepare.get("left"))
    why = rollback.why_not_undone(found, left, arguments["release"], goal, arguments["namespace"])
    if not why:
        return {}
    reason = f"Revision {prepare['leaves']} stays, nothing is undone: {why}. Repair what failed, and run again."
    return {"changed": False, "action": "none", "reasons": [reason], "revision": prepare["leaves"]}


def _objects(text: str | None) -> list[dict[str, Any]]:
    return [item for item in yaml_load_all(text or "") if isinstance(item, dict)]


def _gone(kubeconfig: str, arguments: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Which of a release's objects, as "Kind name", someone has deleted. Helm makes them anew where it upgrades."""
    collections = drift.collections(str(arguments["namespace"]), keys)
    if not collections:
        return []
    kube = Kube.open(kubeconfig)
    names = {}
    for kind, path in collections.items():
        try:
            found = kube.list_objects(path, names_only=True)
        except ApiError as error:
            if error.status != 403:
                raise
            continue  # Helm needs to get and change these, not to list them
        names[kind] = {item["metadata"]["name"] for item in found}
    return drift.gone(keys, names)


def _write_hooks(kube: Kube, namespace: str, hooks: list[str]) -> None:
    """Create or replace ConfigMaps that Helm would leave as they were."""
    for text in hooks:
        body = yaml_load(text)
        space = body["metadata"].get("namespace", namespace)
        folder = f"/api/v1/namespaces/{space}/configmaps"
        path = f"{folder}/{body['metadata']['name']}"
        found = kube.get(path)
        if found is None:
            kube.create(folder, body)
        else:
            body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
            kube.replace(path, body)


def _delete(kube: Kube, namespace: str, keys: list[str]) -> None:
    """Delete workloads with their pods, and Services, given as "Kind name", which Helm makes anew. Waits for it."""
    patience = Patience(DELETION_LIMIT_S)
    for key in keys:
        kind, name = key.split()
        place = objects.core if kind == "Service" else objects.apps
        path = place(namespace, f"{kind.lower()}s", name)
        if not kube.delete(path):
            continue
        while kube.get(path) is not None:
            if patience.is_over:
                raise CacheError(
                    f"the {kind} {namespace}/{name} does not go away.",
                    "Its pods must end before it is made anew.",
                    f"see `kubectl -n {namespace} get pods -o wide`, and run again.",
                )
            patience.pause(f"the pods of {name} to end", 0.5)


def _with_chart(result: Result) -> Result:
    text = result.pop("chart_text", None)
    if text is not None:
        result["chart"] = {
            "metadata": yaml_load(text["chart"]),
            "values": yaml_load(text["values"]) or {},
        }
    return result
