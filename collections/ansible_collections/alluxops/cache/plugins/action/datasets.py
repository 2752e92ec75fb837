"""Bring the datasets of a cache to what is declared."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any, Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_plan,
    dataset_refuse,
    dataset_state,
    datasets,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_plan import Plan
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Actual, Totals
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import ABSENT, Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import helm_records, store_look
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import (
    DatasetCache,
    summary,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

LOOKS: Final = (
    "learn what is new in the store, and load or pin that too; only a run sees what it is"
)
UNKNOWN: Final = (
    "is not known to the cache yet; only a run asks the store above whether it is there"
)


class ActionModule(ApiAction):
    """planned looks at what the cache knows and refuses, applied learns what is new too, and does what is left."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises ManySettingsErrors before anything changed."""
        declared, faults = datasets.read(options["datasets"])
        confirmed = {
            dataset_refuse.REMOUNT: options["confirm_remount"],
            dataset_refuse.LOSES: options["loses"],
        }
        faults += dataset_refuse.confirmation_faults(declared, confirmed)
        raise_all(faults)
        head = f"{options['release']} datasets"
        if not declared:
            lines = [head, "  none is declared in alluxio_datasets"]
            return {"changed": False, "datasets": [], "steps": [], "looks": [], "summary": lines}
        timeout_s = int(options["wait_timeout_s"])
        with closing(
            DatasetCache(
                kube,
                options["namespace"],
                options["release"],
                timeout_s,
                asks_stores=not self.check_mode,
            )
        ) as cache:
            run = _Run(cache, declared, confirmed)
            applies = options["state"] == "applied" and not self.check_mode
            run.look()
            if not options["checked"]:
                run.refuse_what_does_not_fit(asks_stores=True)
            looks: list[str] = []
            if applies:
                run.learn()
                run.refuse_what_does_not_fit(asks_stores=False)
            else:
                looks = run.unknown + [f"{one.name}: {LOOKS}" for one in run.to_learn()]
            plans = run.plans()
            if applies:
                run.apply(plans)
            result = _result(head, plans, run.actual, looks, applied=applies)
        if not applies and not self.check_mode:
            # The next task does it, and shows the diff.
            result |= {"changed": False, "diff": {"before": "", "after": ""}}
        return result


class _Run:
    """One look at all that is declared, and what follows from it. unknown: what only a run finds out, in words."""

    def __init__(
        self, cache: DatasetCache, declared: Sequence[Dataset], confirmed: Mapping[str, str]
    ) -> None:
        self.cache = cache
        self.declared = declared
        self.remounts = dataset_refuse.names(confirmed[dataset_refuse.REMOUNT])
        self.loses = dataset_refuse.names(confirmed[dataset_refuse.LOSES])
        self.credentials: dict[str, dict[str, str]] = {}
        self.actual: dict[str, Actual] = {}
        self.unknown: list[str] = []

    def look(self) -> None:
        """Read the Secrets and what the cache knows; refuse what cannot be."""
        faults = self._read_secrets()
        mounts = self.cache.mounts()
        faults += dataset_refuse.against_mounts(self.declared, mounts)
        faults += dataset_refuse.too_many_copies(self.declared, self.cache.wanted_workers)
        raise_all(faults)
        for one in self.declared:
            remounts = one.name in self.remounts
            found = self.cache.actual(one, mounts)
            if remounts and found.top:
                found = replace(found, files=self.cache.known_files(one.path))
            self.actual[one.name] = found
            if found == Actual() and not self.cache.asks_stores:
                if one.state != ABSENT:
                    self._note_unknown(one, [one.path])
                continue
            faults += dataset_refuse.against_cache(
                one, found, remounts=remounts, loses=one.name in self.loses
            )
            if found.top and one.load and one.state != ABSENT and not remounts:
                parts = self.cache.parts(one)
                if self.cache.asks_stores:
                    faults += dataset_refuse.missing_parts(one, parts)
                else:
                    self._note_unknown(one, [path for path in one.load if path not in parts])
        raise_all(faults)

    def _note_unknown(self, one: Dataset, paths: Sequence[str]) -> None:
        self.unknown += [f"{one.name}: {path} {UNKNOWN}" for path in paths]

    def to_learn(self) -> list[Dataset]:
        """The datasets of which files may be new in their stores, and are to be loaded or pinned then."""
        now_ms = int(time.time() * 1000)
        return [
            one
            for one in self.declared
            if one.must_fit
            and self.actual[one.name].top
            and one.name not in self.remounts
            and not dataset_plan.is_over(one, self.actual[one.name], now_ms)
        ]

    def learn(self) -> None:
        """Have the cache know what is new in the stores. What it knows already stays as it is."""
        for one in self.to_learn():
            files = self.cache.learnt(one)
            self.actual[one.name] = replace(self.actual[one.name], files=files)

    def refuse_what_does_not_fit(self, *, asks_stores: bool) -> None:
        """See that all that is loaded and pinned has room. asks_stores: those too that are to be mounted."""
        new = [plan.dataset for plan in self.plans() if plan.has("mount")]
        found, faults = self._stores(new if asks_stores else [])
        for one in new:
            if one.name in found:
                faults += dataset_refuse.missing_parts(one, found[one.name].parts)
        needs = {}
        now_ms = int(time.time() * 1000)
        for one in self.declared:
            known = self.actual[one.name]
            # What is mounted anew begins its time anew; what is over is not loaded again.
            is_over = one.name not in found and dataset_plan.is_over(one, known, now_ms)
            if one in new and not asks_stores:
                continue  # seen before, and what it had under another mount says nothing
            if one.must_fit and (one.pin or not is_over):
                totals = (
                    found[one.name].totals
                    if one.name in found
                    else dataset_state.totals(known.files)
                )
                needs[one.name] = totals.bytes * max(1, one.replication_min)
        media = {one.name: one.media for one in self.declared}
        cache = self.cache
        faults += dataset_refuse.sizes(
            needs, media, cache.capacity_bytes, cache.tier_bytes, cache.workers
        )
        raise_all(faults)

    def plans(self) -> list[Plan]:
        """What is left of each dataset."""
        now_ms = int(time.time() * 1000)
        return [
            dataset_plan.plan(
                one, self.actual[one.name], now_ms, remounts=one.name in self.remounts
            )
            for one in self.declared
        ]

    def apply(self, plans: Sequence[Plan]) -> None:
        """Unmount first, since a store may move from one dataset to another; then the rest, in the order declared."""
        for plan in sorted(plans, key=lambda plan: plan.dataset.state != ABSENT):
            credentials = self.credentials.get(plan.dataset.name, {})
            self.cache.apply(plan, credentials, Display().display)
        if any(plan.steps for plan in plans):
            mounts = self.cache.mounts()
            for plan in plans:
                if plan.steps:
                    one = plan.dataset
                    self.actual[one.name] = self.cache.actual(one, mounts)

    def _read_secrets(self) -> list[SettingsError]:
        faults = []
        namespace = self.cache.namespace
        for one in self.declared:
            if one.secret and one.state != ABSENT:
                secret = self.cache.kube.get(objects.core(namespace, "secrets", one.secret))
                self.credentials[one.name], fault = dataset_refuse.credentials(
                    one, secret, namespace
                )
                faults += [fault] if fault else []
        return faults

    def _stores(
        self, new: Sequence[Dataset]
    ) -> tuple[dict[str, store_look.Found], list[SettingsError]]:
        if not new:
            return {}, []
        kube, namespace, release = self.cache.kube, self.cache.namespace, self.cache.release
        return store_look.look(
            kube,
            namespace,
            release,
            helm_records.values(kube, namespace, release),
            [(one, self.credentials.get(one.name, {})) for one in new],
            self.cache.timeout_s,
        )


def _result(
    head: str,
    plans: Sequence[Plan],
    actual: Mapping[str, Actual],
    looks: Sequence[str],
    *,
    applied: bool,
) -> Result:
    steps = [line for plan in plans for line in plan.shown]
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for plan in plans:
        if plan.steps:
            before |= plan.before
            after |= plan.after
    told = [_told(plan, actual[plan.dataset.name]) for plan in plans]
    if applied or not steps:
        lines = [head, *summary(plans, actual), *([] if steps else ["  nothing to change"])]
    else:
        lines = [head, *(f"  {line}" for line in steps)]
    lines += [f"  {line}" for line in looks]
    return {
        "changed": bool(steps),
        "steps": steps,
        "looks": list(looks),
        "datasets": told,
        "summary": lines,
        "diff": {
            name: as_yaml(them) if them else ""
            for name, them in (("before", before), ("after", after))
        },
    }


def _told(plan: Plan, actual: Actual) -> dict[str, Any]:
    """A dataset for scripts."""
    one = plan.dataset
    files = dataset_state.totals(actual.files) if actual.top else Totals()
    return {
        "name": one.name,
        "path": one.path,
        "ufs": one.ufs,
        "state": one.state,
        "mounted": actual.mount is not None,
        "pinned": bool(actual.top and actual.top.is_pinned),
        **asdict(files),
        "steps": [step.shown for step in plan.steps],
    }
