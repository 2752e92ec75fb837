"""Make a cache follow its under stores again; write to none of them but for Alluxio's markers of directories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import (
    check_report,
    check_targets,
    consistency,
    repair_plan,
)
from ansible_collections.alluxops.cache.plugins.module_utils.check_report import Outcome
from ansible_collections.alluxops.cache.plugins.module_utils.consistency import Finding
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.repair_plan import Plan
from ansible_collections.alluxops.cache.plugins.plugin_utils import check_run, report_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.charts import raise_all
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import opened
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.repair_note import RepairNote
from ansible_collections.alluxops.cache.plugins.plugin_utils.repair_run import Repair


class ActionModule(ApiAction):
    """alluxops.cache.repair: looks as check does, then mends what can be mended."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises ManySettingsErrors before anything changed."""
        namespace, release = options["namespace"], options["release"]
        want, declared = check_run.asked(options, "repair", needs_paths=True)
        forgets, faults = check_targets.read(options["forgets"], repair_plan.FORGETS)
        raise_all(faults)
        path = report_files.report_path(options["report"], namespace, release, "repair")
        timeout_s = int(options["wait_timeout_s"])
        with opened(kube, namespace, release, want.paths, declared, timeout_s) as check:
            outcome = check_run.look(check, want, "repair")
            repair = Repair(check, RepairNote(kube, namespace, release))
            found, known = outcome.findings, check.known
            kept = repair_plan.doubtful(found, known, check.stored, check.parts, forgets)
            plan = repair_plan.plan(found, known, check.is_to_be_loaded, repair.owed, kept)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            report = check_report.report(outcome, f"{namespace}/{release}", now)
            report |= {"done": not self.check_mode, "steps": plan.shown}

            def write(left: Sequence[Finding]) -> None:
                report_files.write_report(path, {**report, "left": [asdict(one) for one in left]})

            left = list(plan.left)
            if plan.steps and not self.check_mode:
                with _no_refusal():
                    failed = repair.apply(plan.steps, Display().display)
                    write(_united(failed, left))  # should the last look fail, what was done is told
                    left = _united(failed, check.compare().findings, left)
            write(left)
        return _result(outcome, plan, left, f"{release} repair", str(path))


@contextmanager
def _no_refusal() -> Iterator[None]:
    """A store that cannot be mounted or listed raises CacheError in here: something may have changed by now."""
    try:
        yield
    except SettingsError as error:
        raise CacheError(error.what, error.cause, error.fix) from error


def _united(*found: list[Finding] | tuple[Finding, ...]) -> list[Finding]:
    """One finding a path, the first."""
    by_path: dict[str, Finding] = {}
    for findings in found:
        for one in findings:
            by_path.setdefault(one.path, one)
    return [by_path[path] for path in sorted(by_path)]


def _result(outcome: Outcome, plan: Plan, left: list[Finding], head: str, path: str) -> Result:
    touched = {step.path for step in plan.steps}
    before = [
        f"{one.path}: {one.kind}, {one.detail}\n" for one in outcome.findings if one.path in touched
    ]
    return {
        "changed": bool(plan.steps),
        "steps": plan.shown,
        "counts": consistency.counts(outcome.findings),
        "left": [asdict(one) for one in left[: check_report.SHOWN]],
        "told": check_report.told(left),
        "report": path,
        **check_report.totals(outcome),
        "summary": check_report.repaired(outcome, head, plan.shown, left, path),
        "diff": {"before": "".join(before), "after": "".join(f"{line}\n" for line in plan.shown)},
    }
