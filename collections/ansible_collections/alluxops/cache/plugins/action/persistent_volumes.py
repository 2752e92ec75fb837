"""Make the PersistentVolumes (and journal claims) of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import volume_plan, volumes
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.namespaces import ensure_namespace

NUDGE: Final = "alluxops/nudge"
SEEN_PHASES: Final = frozenset({"Available", "Bound"})


class ActionModule(ApiAction):
    """alluxops.cache.persistent_volumes."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Plan from what is, do the steps, wait for the phases."""
        release = volumes.Release(options["namespace"], options["release"])
        labels = None
        if any(claim.get("node") for claim in options["claims"]):
            labels = volumes.hostnames(kube.list_objects(objects.node()))
        claims = [volumes.claim_of(claim, labels) for claim in options["claims"]]
        current, existing = self._read(kube, release)
        plan = (
            volume_plan.plan_volumes if options["state"] == "present" else volume_plan.plan_removal
        )
        steps = plan(release, claims, list(current.values()), list(existing.values()))
        if not self.check_mode:
            if any(step.what == "create" and step.kind == volumes.PVC for step in steps):
                ensure_namespace(
                    kube, release.namespace, options["wait_timeout_s"], check_mode=False
                )
            patience = Patience(options["wait_timeout_s"])
            self._do_all(kube, release, steps, patience)
            if options["state"] == "present":
                current = self._wait_settled(kube, release, claims, patience)
            else:
                current = self._wait_gone(kube, release, steps, patience)
        was = {**current, **existing}
        done = {step.name: step.what for step in steps if step.kind == volumes.PV}
        changed = [step for step in steps if step.what != "none"]
        return {
            "changed": bool(changed),
            "diff": [_diff(step, was.get(step.name)) for step in changed],
            "volumes": [
                {
                    "name": release.volume_of(claim),
                    "claim": claim.name,
                    "phase": volumes.phase(current.get(release.volume_of(claim))),
                    "action": done.get(release.volume_of(claim), "none"),
                }
                for claim in claims
                if not claim.provisioned
            ],
        }

    def _read(
        self, kube: Kube, release: volumes.Release
    ) -> tuple[dict[str, Json], dict[str, Json]]:
        """Volumes of the cluster and claims of the namespace, by name."""
        current = kube.list_objects(objects.volume())
        existing = kube.list_objects(objects.core(release.namespace, "persistentvolumeclaims"))
        return (
            {item["metadata"]["name"]: item for item in current},
            {item["metadata"]["name"]: item for item in existing},
        )

    def _do_all(
        self,
        kube: Kube,
        release: volumes.Release,
        steps: Sequence[volume_plan.Step],
        patience: Patience,
    ) -> None:
        """Do the steps; volumes first, and claims once Kubernetes has taken notice of their volumes.

        A claim that names a volume which the binding controller has not seen yet stays pending until its next
        resync, 15 s or more later.
        """
        of_claims = [step for step in steps if step.kind == volumes.PVC]
        of_volumes = [step for step in steps if step.kind == volumes.PV]
        if any(step.what == "delete" for step in steps):
            of_claims, of_volumes = of_volumes, of_claims
        for step in of_volumes:
            self._do(kube, release, step)
        fresh = {
            step.name
            for step in of_volumes
            if step.kind == volumes.PV and step.what in {"create", "recover"}
        }
        while of_claims and not patience.is_over:
            current, _ = self._read(kube, release)
            unseen = [
                name
                for name in sorted(fresh)
                if volumes.phase(current.get(name)) not in SEEN_PHASES
            ]
            if not unseen:
                break
            patience.pause(f"Kubernetes to see {', '.join(unseen)}", 0.1)
        for step in of_claims:
            self._do(kube, release, step)

    def _do(self, kube: Kube, release: volumes.Release, step: volume_plan.Step) -> None:
        if step.kind == volumes.PV:
            collection, path = objects.volume(), objects.volume(step.name)
        else:
            collection = objects.core(release.namespace, "persistentvolumeclaims")
            path = f"{collection}/{step.name}"
        try:
            if step.what == "create":
                kube.create(collection, step.body)
            elif step.what in {"update", "recover"}:
                kube.merge(path, step.body)
            elif step.what == "delete":
                kube.delete(path, propagation="Background")
        except ApiError as error:
            raise CacheError(
                f"{step.what} {step.kind} {step.name}: {error.reason}.",
                fix="compare it with the settings: "
                f"`kubectl get {step.kind.lower()} {step.name} -o yaml`."
                if error.status == 422
                else "",
            ) from error

    def _wait_settled(
        self,
        kube: Kube,
        release: volumes.Release,
        claims: Sequence[volumes.Claim],
        patience: Patience,
    ) -> dict[str, Json]:
        """Wait until claims made here are bound and other volumes are ready to be; the volumes then."""
        while True:
            current, existing = self._read(kube, release)
            waiting = [
                claim
                for claim in claims
                if not volumes.is_settled(
                    claim,
                    current.get(release.volume_of(claim)),
                    existing.get(claim.name),
                    waits_for_pod=claim.provisioned
                    and _waits_for_pod(kube, existing.get(claim.name)),
                )
            ]
            if not waiting:
                return current
            told = [
                f"{claim.name} {volumes.phase(existing.get(claim.name))}"
                f" (volume {volumes.phase(current.get(release.volume_of(claim)))})"
                for claim in waiting
            ]
            if patience.is_over:
                name = waiting[0].name
                raise CacheError(
                    f"volumes are not bound after {patience.timeout_s:.0f} s: {', '.join(told)}.",
                    _events(kube, release.namespace, name),
                    f"see `kubectl -n {release.namespace} describe pvc {name}` and"
                    f" `kubectl describe pv {release.volume_of(waiting[0])}`.",
                )
            patience.pause("volumes: " + ", ".join(told), 0.3)
            self._nudge(kube, release, waiting, current, existing)

    def _nudge(
        self,
        kube: Kube,
        release: volumes.Release,
        waiting: Sequence[volumes.Claim],
        current: Mapping[str, Json],
        existing: Mapping[str, Json],
    ) -> None:
        """Touch claims whose volume is bound to them already while they are still pending.

        The binding controller writes volume and claim one after the other. When it loses a race with itself in
        between, it looks again only at its next resync (15 s), or when the claim changes.
        """
        for claim in waiting:
            mine = existing.get(claim.name)
            volume = current.get(release.volume_of(claim))
            if (
                volumes.phase(mine) == "Pending"
                and volumes.phase(volume) == "Bound"
                and mine is not None
            ):
                nudges = int((mine["metadata"].get("annotations") or {}).get(NUDGE, 0)) + 1
                path = objects.core(release.namespace, "persistentvolumeclaims", claim.name)
                kube.merge(path, {"metadata": {"annotations": {NUDGE: str(nudges)}}})

    def _wait_gone(
        self,
        kube: Kube,
        release: volumes.Release,
        steps: Sequence[volume_plan.Step],
        patience: Patience,
    ) -> dict[str, Json]:
        """Wait until what was deleted is gone; the volumes then."""
        while True:
            current, existing = self._read(kube, release)
            left = [
                step
                for step in steps
                if step.name in (current if step.kind == volumes.PV else existing)
            ]
            if not left:
                return current
            names = ", ".join(f"{step.kind} {step.name}" for step in left)
            if patience.is_over:
                raise CacheError(
                    f"{names} not gone after {patience.timeout_s:.0f} s.",
                    "something still uses it: a claim is kept as long as a pod mounts it.",
                    "uninstall the release first.",
                )
            patience.pause(f"{names} to be gone", 0.5)


def _waits_for_pod(kube: Kube, claim: Json | None) -> bool:
    """Whether the class of a claim makes a volume only once a pod wants it."""
    name = ((claim or {}).get("spec") or {}).get("storageClassName")
    found = kube.get(f"/apis/storage.k8s.io/v1/storageclasses/{name}") if name else None
    return (found or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def _events(kube: Kube, namespace: str, claim: str) -> str:
    """What Kubernetes said last about a claim."""
    events = [
        event
        for event in kube.list_objects(objects.core(namespace, "events"))
        if event.get("involvedObject", {}).get("name") == claim
    ]
    events.sort(key=lambda event: str(event.get("lastTimestamp") or ""))
    return str(events[-1].get("message", "")) if events else ""


def _diff(step: volume_plan.Step, before: Json | None) -> Json:
    """Before and after of one step, without what the server adds."""
    if step.what == "create":
        shown_before, shown_after = "", as_yaml(step.body)
    elif step.what == "delete":
        shown_before, shown_after = as_yaml(_shown(before or {})), ""
    else:
        shown_before = as_yaml(_shown(before or {}))
        shown_after = as_yaml(_shown(merged(before or {}, step.body)))
    header = f"{step.kind} {step.name}" + (f" ({step.why})" if step.why else "")
    return {
        "before_header": header,
        "after_header": header,
        "before": shown_before,
        "after": shown_after,
    }


def _shown(item: Json) -> Json:
    metadata = item.get("metadata", {})
    return {
        "metadata": {"name": metadata.get("name"), "labels": metadata.get("labels") or {}},
        "spec": item.get("spec", {}),
    }


def merged(item: Json, patch: Json) -> Json:
    """An object after a JSON merge patch (RFC 7386)."""
    result = dict(item)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key) or {}, value)
        else:
            result[key] = value
    return result
