"""The steps from the volumes that exist to those a release needs.

Pure functions over the API's JSON. A plan never touches data: a step creates, relabels or releases API objects only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import kubernetes_bytes
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import (
    PV,
    PVC,
    Claim,
    Json,
    Release,
    desired_claim,
    desired_volume,
    phase,
    volume_node,
    volume_path,
)


@dataclass(frozen=True)
class Step:
    """One change of one object. what: none, create, update, recover or delete. body: the object, or a merge patch."""

    what: str
    kind: str
    name: str
    body: Json = field(default_factory=dict)
    why: str = ""


def plan_volumes(
    release: Release,
    claims: Sequence[Claim],
    volumes: Sequence[Mapping[str, Any]],
    existing_claims: Sequence[Mapping[str, Any]],
) -> list[Step]:
    """The steps, in order, from what exists to volumes that the claims are bound to.

    volumes: PersistentVolumes of the cluster. existing_claims: claims of the release's namespace.
    Raises SettingsError where going on could part a journal from its data, or take a volume from someone else.
    """
    volume_by_name = {volume["metadata"]["name"]: volume for volume in volumes}
    claim_by_name = {item["metadata"]["name"]: item for item in existing_claims}
    steps: list[Step] = []
    for claim in claims:
        current = claim_by_name.get(claim.name)
        if claim.provisioned:
            steps.append(_claim_step(release, claim, current))
            continue
        _check_not_elsewhere(release, claim, current, volumes)
        steps.append(
            _volume_step(release, claim, volume_by_name.get(release.volume_of(claim)), current)
        )
        if claim.precreate:
            steps.append(_claim_step(release, claim, current))
    return steps


def plan_removal(
    release: Release,
    claims: Sequence[Claim],
    volumes: Sequence[Mapping[str, Any]],
    existing_claims: Sequence[Mapping[str, Any]],
) -> list[Step]:
    """The steps that delete claims and volumes of a release, claims first. The nodes' directories keep their data.

    A claim whose volume a provisioner has made stays: its data would go with it.
    """
    claims = [claim for claim in claims if not claim.provisioned]
    names = {volume["metadata"]["name"] for volume in volumes}
    claim_names = {item["metadata"]["name"] for item in existing_claims}
    steps = [Step("delete", PVC, claim.name) for claim in claims if claim.name in claim_names]
    for claim in claims:
        name = release.volume_of(claim)
        if name in names:
            steps.append(Step("delete", PV, name))
    return steps


def _check_not_elsewhere(
    release: Release,
    claim: Claim,
    current: Mapping[str, Any] | None,
    volumes: Sequence[Mapping[str, Any]],
) -> None:
    """Refuse when the claim is, or is about to be, bound to a volume that is not the settings' one."""
    ours = release.volume_of(claim)
    bound = (current or {}).get("spec", {}).get("volumeName", "")
    if bound and bound != ours:
        raise SettingsError(
            f"claim {release.namespace}/{claim.name} is bound to volume {bound}, not to {ours}.",
            "what is stored there would be out of reach of the release.",
            f"move the data to {_place(claim.path, claim.place)} and delete the claim, or give the release another"
            " name.",
        )
    for volume in volumes:
        reference = volume["spec"].get("claimRef") or {}
        is_for_it = (
            reference.get("namespace") == release.namespace and reference.get("name") == claim.name
        )
        if is_for_it and volume["metadata"]["name"] != ours and not bound:
            other = volume["metadata"]["name"]
            raise SettingsError(
                f"volume {other} ({volume_path(volume) or 'no node path'}) is reserved for claim"
                f" {release.namespace}/{claim.name} too.",
                f"the claim could bind to it instead of to {ours}.",
                f"delete it (`kubectl delete pv {other}`; its reclaim policy is"
                f" {volume['spec'].get('persistentVolumeReclaimPolicy')}) after moving what it holds to {claim.path}.",
            )


def _volume_step(
    release: Release,
    claim: Claim,
    volume: Mapping[str, Any] | None,
    current: Mapping[str, Any] | None,
) -> Step:
    name = release.volume_of(claim)
    was_bound = current is not None and phase(current) in {"Lost", "Bound"}
    uid = str((current or {}).get("metadata", {}).get("uid", "")) if was_bound else ""
    desired = desired_volume(release, claim, uid)
    if volume is None:
        return Step("create", PV, name, desired, "there is none")
    _check_volume(release, claim, volume)
    patch = _volume_patch(volume, desired)
    reference = volume["spec"].get("claimRef") or {}
    if reference.get("uid", "") and reference["uid"] != (current or {}).get("metadata", {}).get(
        "uid"
    ):
        # Its claim was deleted, or deleted and made anew: the old uid keeps the volume from binding ever again.
        patch.setdefault("spec", {})["claimRef"] = {"uid": uid or None, "resourceVersion": None}
        return Step("recover", PV, name, patch, f"it is {phase(volume)}, its claim was deleted")
    if not reference:
        patch.setdefault("spec", {})["claimRef"] = desired["spec"]["claimRef"]
    return Step(
        "update" if patch else "none",
        PV,
        name,
        patch,
        "labels, size or policy differ" if patch else "",
    )


def _check_volume(release: Release, claim: Claim, volume: Mapping[str, Any]) -> None:
    """Refuse to touch a volume of our name that is someone else's, is elsewhere, or is being deleted."""
    name = volume["metadata"]["name"]
    reference = volume["spec"].get("claimRef") or {}
    if reference and (reference.get("namespace"), reference.get("name")) != (
        release.namespace,
        claim.name,
    ):
        raise SettingsError(
            f"volume {name} belongs to claim {reference.get('namespace')}/{reference.get('name')}, not to"
            f" {release.namespace}/{claim.name}.",
            fix="give the release another name or namespace, or delete that claim and the volume.",
        )
    if "deletionTimestamp" in volume["metadata"]:
        raise SettingsError(
            f"volume {name} is being deleted, and something still uses it.",
            fix=f"see `kubectl describe pv {name}`; run again once it is gone.",
        )
    found, wanted = (volume_path(volume), volume_node(volume)), (claim.path, claim.place)
    if found != wanted:
        raise SettingsError(
            f"volume {name} is at {_place(*found)}; the settings say {_place(*wanted)}.",
            "a volume's place cannot be changed, and what is stored there would stay behind.",
            _place_back(release, claim),
        )
    storage_class = volume["spec"].get("storageClassName", "")
    if storage_class != claim.storage_class:
        raise SettingsError(
            f"volume {name} has storage class {storage_class!r}; the values say {claim.storage_class!r}.",
            "claim and volume bind only within one class, and a claim's class cannot be changed.",
            f"set the class in the values back to {storage_class!r}, or delete claim and volume (the data stay).",
        )


def _place_back(release: Release, claim: Claim) -> str:
    """What to do about a volume that is not where the settings say."""
    if claim.kind == "zookeeper":
        return (
            "set node_storage_root and the order of cache_masters and cache_workers back (a new host goes in the place"
            " of the one that is gone). Or let servers that move begin anew, as they keep nothing but who leads: while"
            f" those that stay are a majority that serves, delete the claim of each ({claim.name}), its pod and its"
            f" volume ({release.volume_of(claim)}), and run again (see docs/runbooks/high-availability.md)."
        )
    return (
        "set node_storage_root, alluxio_journal_shared_path and the order of cache_masters back, or move the data,"
        " delete claim and volume, and run again. (Where a master's host is gone for good, see"
        " docs/runbooks/high-availability.md.)"
    )


def _volume_patch(volume: Mapping[str, Any], desired: Mapping[str, Any]) -> Json:
    """Merge patch of what differs and may be changed: labels, capacity, access modes, reclaim policy."""
    patch: Json = {}
    labels = volume["metadata"].get("labels") or {}
    missing = {
        key: value
        for key, value in desired["metadata"]["labels"].items()
        if labels.get(key) != value
    }
    if missing:
        patch["metadata"] = {"labels": missing}
    spec: Json = {}
    if kubernetes_bytes(volume["spec"]["capacity"]["storage"]) < kubernetes_bytes(
        desired["spec"]["capacity"]["storage"]
    ):
        spec["capacity"] = desired["spec"]["capacity"]
    for key in ("accessModes", "persistentVolumeReclaimPolicy"):
        if volume["spec"].get(key) != desired["spec"][key]:
            spec[key] = desired["spec"][key]
    if spec:
        patch["spec"] = spec
    return patch


def _claim_step(release: Release, claim: Claim, current: Mapping[str, Any] | None) -> Step:
    desired = desired_claim(release, claim)
    if current is None:
        return Step("create", PVC, claim.name, desired, "there is none")
    if "deletionTimestamp" in current["metadata"]:
        raise SettingsError(
            f"claim {release.namespace}/{claim.name} is being deleted, and a pod still uses it.",
            fix=f"see `kubectl -n {release.namespace} describe pvc {claim.name}`; run again once it is gone.",
        )
    storage_class = current["spec"].get("storageClassName", "")
    by_default = claim.provisioned and not claim.storage_class
    is_other = storage_class != claim.storage_class and not by_default
    if is_other or list(current["spec"].get("accessModes", [])) != list(claim.access_modes):
        raise SettingsError(
            f"claim {release.namespace}/{claim.name} has class {storage_class!r} and modes"
            f" {current['spec'].get('accessModes')}; the values say {claim.storage_class!r} and"
            f" {list(claim.access_modes)}.",
            "neither can be changed on a claim that exists.",
            "set journal.storageClass and journal.accessModes in the values back, or delete the claim (the data stay).",
        )
    labels = current["metadata"].get("labels") or {}
    missing = {
        key: value
        for key, value in desired["metadata"]["labels"].items()
        if labels.get(key) != value
    }
    if missing:
        return Step("update", PVC, claim.name, {"metadata": {"labels": missing}}, "labels differ")
    return Step("none", PVC, claim.name)


def _place(path: str, node: str) -> str:
    return f"{path or 'a place that is no directory of a node'}" + (f" on {node}" if node else "")
