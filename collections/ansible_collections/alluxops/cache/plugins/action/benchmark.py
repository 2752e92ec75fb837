"""Measure a cache: how fast its files are read past it and through it, and by which path."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_ceiling,
    benchmark_gate,
    benchmark_plan,
    benchmark_result,
    dataset_state,
)
from ansible_collections.alluxops.cache.plugins.module_utils.benchmark_plan import Wanted
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import Measured
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.plugin_utils import (
    benchmark_files,
    benchmark_page,
    benchmark_run,
    helm_records,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_jobs import Jobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.benchmark_run import Bench
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

HEARTBEATS_S: Final = 3.0
"""After so long the leader has heard of what workers have freed."""


@dataclass(frozen=True)
class _Report:
    """Where the report goes, and what its figures are compared with. network: what `network` has written."""

    folder: Path
    baseline: dict[str, Any] | None
    baseline_path: str
    network: dict[str, Any] | None


class ActionModule(ApiAction):
    """alluxops.cache.benchmark: in check mode it looks, into the store too, and says what it would do."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises ManySettingsErrors before anything is made."""
        namespace, release = options["namespace"], options["release"]
        wanted, faults = benchmark_plan.read(options)
        raise_all(faults)
        report = _Report(
            benchmark_files.folder(options["report"], namespace, release),
            benchmark_files.read_baseline(options["baseline"]),
            str(options["baseline"]),
            benchmark_files.read_network(options["network_report"], namespace, release),
        )
        benchmark_page.refuse_without_library()
        timeout_s = int(options["wait_timeout_s"])
        with closing(DatasetCache(kube, namespace, release, timeout_s)) as cache:
            values = helm_records.values(kube, namespace, release)
            image, secret = options["image"], options["root_ufs_secret"]
            jobs = Jobs(kube, namespace, release, values, image, secret, timeout_s)
            jobs.clear()
            if not self.check_mode:
                _free_leftovers(cache)
            bench = _bench(cache, jobs, wanted)
            if options["state"] == "absent":
                return self._removed(bench, f"{release} benchmark")
            return self._measured(bench, report, f"{release} benchmark")

    def _removed(self, bench: Bench, head: str) -> Result:
        raise_all(benchmark_plan.fit((), bench.seats))
        found = bench.remove(counts_only=self.check_mode)
        done = "remove" if self.check_mode else "removed"
        files = counted(found["removed"], "file")
        lines = [head, f"  {done:<9} {files} below s3://{bench.store.bucket}/{bench.top}"]
        if found["left"]:
            lines.append(f"  left      {found['left']} that no benchmark has made")
        return {"changed": found["folders"] > 0, "summary": lines, "proven": True, "told": ""}

    def _measured(self, bench: Bench, report: _Report, head: str) -> Result:
        hindered = benchmark_plan.hindrances(
            bench.jobs.values, bench.seats, bench.wanted.slow_endpoint
        )
        arms, left_out, faults = benchmark_plan.choose(bench.wanted.arms, hindered)
        arms = benchmark_plan.with_variants(arms, bench.wanted.variants)
        faults += benchmark_plan.fit(bench.wanted.workloads, bench.seats)
        settings = benchmark_plan.settings(bench.wanted, arms, bench.seats)
        if report.baseline is not None:
            faults += benchmark_gate.differing(settings, report.baseline)
        raise_all(faults)
        missing = (
            benchmark_gate.missing(settings, left_out, report.baseline) if report.baseline else []
        )
        why_unused = benchmark_ceiling.why_unused(report.network, bench.nodes, datetime.now(UTC))
        network = None if why_unused else report.network
        notes = [f"  without   {arm}: {why}" for arm, why in left_out.items()]
        notes.append(
            f"  ceilings  of network and disks, measured at {network['made_at']}"
            if network
            else f"  without   ceilings of network and disks: {why_unused}"
        )
        # All are looked at before any is made: what is not the benchmark's own is refused.
        states = [bench.state_of(one, begins=False) for one in bench.wanted.workloads]
        made = [
            one
            for one, state in zip(bench.wanted.workloads, states, strict=True)
            if state != "whole"
        ]
        if self.check_mode:
            steps = benchmark_plan.steps(bench.wanted, arms, len(bench.seats))
            lines = [head, *(f"  {step}" for step in steps), *notes]
            lines += [f"  make      {one.name}: {one}, or what is missing of them" for one in made]
            lines += [f"  missing   {text}" for text in missing]
            return {"changed": bool(made), "summary": lines, "proven": True, "told": ""}
        for one in made:
            bench.make(one)
        measured = Measured.from_dict(network) if network else None
        found = bench.workloads(arms, measured)
        now = datetime.now(UTC)
        document: dict[str, Any] = {
            "format": benchmark_result.FORMAT,
            "cache": f"{bench.jobs.namespace}/{bench.jobs.release}",
            "made_at": now.isoformat(timespec="seconds"),
            "versions": {
                "alluxio": bench.cache.seen.leader.version if bench.cache.seen.leader else "",
                "kubernetes": bench.jobs.kube.version,
            },
            "settings": settings,
            "store": {
                "endpoint": bench.store.endpoint,
                "slow_endpoint": bench.wanted.slow_endpoint,
            },
            "network": network,
            "without_ceilings": why_unused,
            "left_out": left_out,
            "workloads": found,
            "wrong": benchmark_result.wrong(found),
            "left": benchmark_result.left(bench.wanted.workloads, found),
            "slower": [],
            "missing": missing,
            "baseline": report.baseline_path,
        }
        if report.baseline is not None:
            document["slower"] = benchmark_gate.slower(
                document, report.baseline, bench.wanted.tolerance_percent
            )
        page = benchmark_page.page(document, benchmark_files.earlier(report.folder))
        written = benchmark_files.write(report.folder, document, page, now)
        told = benchmark_result.told(document)
        return {
            "changed": bool(made),
            "workloads": found,
            "proven": not document["wrong"],
            "left": document["left"],
            "slower": document["slower"],
            "missing": missing,
            "told": told,
            "report": str(written),
            "summary": [
                head,
                *benchmark_result.table(found),
                *notes,
                *benchmark_result.gate_lines(document),
                f"  report    {written}",
            ],
        }


def _free_leftovers(cache: DatasetCache) -> None:
    """Free what a run that died has left cached: it is room for this one."""
    path = f"/{benchmark_plan.FOLDER}"
    if dataset_state.totals(cache.known_files_of(path)).cached_bytes:
        cache.free(path, "what an earlier benchmark has left", forgets=True)
        Patience(HEARTBEATS_S).pause("the workers' heartbeats", HEARTBEATS_S)


def _bench(cache: DatasetCache, jobs: Jobs, wanted: Wanted) -> Bench:
    """Raises SettingsError for a root that readers cannot ask."""
    store = benchmark_plan.store_of(benchmark_plan.properties_of(jobs.values))
    cache.look()
    hindered = benchmark_plan.hindrances(jobs.values, (), "")
    return Bench(
        cache=cache,
        jobs=jobs,
        wanted=wanted,
        store=store,
        seats=tuple(benchmark_run.seats(cache)),
        has_domain=benchmark_plan.SHORT not in hindered,
        user=cache.superuser(),
    )
