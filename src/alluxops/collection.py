"""The collection's Python, used as a library: the wrapper reads a cluster and words a report as the playbooks do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alluxops.outcome import Outcome
    from alluxops.project import Project


def make_importable(project: Project) -> None:
    """Put the project's collection on Python's path, where ansible_collections is a namespace of several places."""
    # A repository keeps it under collections/; an installed one is .../ansible_collections/alluxops/cache.
    root = project.root / "collections" if project.kind == "repository" else project.root.parents[2]
    if str(root) not in sys.path:
        sys.path.append(str(root))


def summary(report: Mapping[str, Any], outcome: Outcome) -> list[str]:
    """The report of a run as lines for a ticket. The collection must be importable."""
    from ansible_collections.alluxops.cache.plugins.module_utils.summary import (  # noqa: PLC0415
        summary as lines,
    )

    return lines(
        report,
        changed=outcome.changed_total,
        elapsed_s=outcome.duration_s,
        root_ufs=str(report.get("root_ufs") or ""),
        journals=report.get("journals") or (),
    )
