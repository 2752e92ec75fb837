"""Compare what a cache serves with what its under stores hold; change nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from ansible_collections.alluxops.cache.plugins.module_utils import check_report, consistency
from ansible_collections.alluxops.cache.plugins.plugin_utils import check_run, report_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import opened
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube


class ActionModule(ApiAction):
    """alluxops.cache.check: the same in check mode, as it only reads."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises ManySettingsErrors for what cannot be looked at."""
        namespace, release = options["namespace"], options["release"]
        want, declared = check_run.asked(options, "check")
        path = report_files.report_path(options["report"], namespace, release, "check")
        timeout_s = int(options["wait_timeout_s"])
        with opened(kube, namespace, release, want.paths, declared, timeout_s) as check:
            outcome = check_run.look(check, want, "check")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        report_files.write_report(path, check_report.report(outcome, f"{namespace}/{release}", now))
        findings = outcome.findings
        return {
            "changed": False,
            "consistent": not findings,
            "counts": consistency.counts(findings),
            "told": check_report.told(findings),
            "findings": [asdict(one) for one in findings[: check_report.SHOWN]],
            "report": str(path),
            **check_report.totals(outcome),
            "summary": check_report.summary(outcome, f"{release} check", str(path)),
        }
