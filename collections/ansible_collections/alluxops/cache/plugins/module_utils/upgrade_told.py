"""How the plan of an upgrade or a rollback, and the state of one that stopped, read to a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import restore, versions
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import is_ready
from ansible_collections.alluxops.cache.plugins.module_utils.upgrade import Plan

UNPERSISTED: Final = "files in memory that were never persisted are lost"
"""What the restart of a worker costs."""


def lines(plan: Plan) -> list[str]:
    """The plan, as it is shown before anything is done."""
    title = f"{plan.release} in {plan.namespace}: {_change(plan)}"
    if not plan.changes:
        return [title]
    if plan.revision:
        title += f", back to revision {plan.revision}"
    rows = [("why", reason) for reason in plan.reasons]
    rows.append(("1 backup", plan.backup_to))
    if plan.restore_from:
        rows.append(
            (
                "restore",
                f"{plan.restore_from}: its paths, mounts, pins, TTLs and ACLs replace all that the cache knows now",
            )
        )
        rows.append(("lost", f"{restore.IN_NO_BACKUP}; stop the clients before"))
    masters, workers = f"{plan.release}-master", f"{plan.release}-worker"
    masters_restart = plan.stale or masters in plan.restarts
    rows.append(("2 masters", _masters_row(plan) if masters_restart else "stay as they are"))
    rows.append(
        ("3 workers", _workers_row(plan) if workers in plan.restarts else "stay as they are")
    )
    others = [name for name in plan.restarts if name not in (masters, workers)]
    if others:
        rows.append(("restart too", ", ".join(others)))
    others = [name for name in plan.stays if name not in (masters, workers)]
    if others:
        rows.append(("stay", ", ".join(others)))
    if plan.revision:
        rows.append(
            (
                "then",
                "set the inventory as it was; else the next `site` or `upgrade` changes it again",
            )
        )
    return [title, *(f"  {name:<12} {text}" for name, text in rows)]


def _change(plan: Plan) -> str:
    """What becomes of Alluxio; of its images, where a tag or a digest does not say which Alluxio is in one."""
    is_known = (
        bool(versions.numbers(plan.before) and versions.numbers(plan.after)) or not plan.image
    )
    runs = f"Alluxio {versions.text(plan.after)}" if is_known else f"image {plan.image}"
    if not plan.changes:
        return f"nothing to do, {runs} runs as the settings say"
    if is_known and plan.version_changes:
        return f"Alluxio {plan.behind or plan.before} becomes {plan.after} ({plan.chart})"
    if not is_known and plan.ran:
        ran = f"image {plan.ran[0]} becomes"
        if len(plan.ran) > 1:
            ran = f"images {', '.join(plan.ran)} become"
        return f"{ran} {plan.image} ({plan.chart})"
    return f"other settings for {runs} ({plan.chart})"


def _masters_row(plan: Plan) -> str:
    if plan.restore_from:
        return "all stop, and start with new journals from the backup"
    if len(plan.masters) < 2:
        return f"{', '.join(plan.masters) or 'the master'} restarts"
    last = f"the leader {plan.masters[-1]}" if plan.leads else plan.masters[-1]
    return f"{', '.join(plan.masters[:-1])}, then {last}; one at a time"


def _workers_row(plan: Plan) -> str:
    where = f"{' '.join(plan.workers)}, a few at a time"
    when = ", once the masters serve" if plan.held else ""
    return f"{where}{when}; {UNPERSISTED}"


def state(
    pods: Sequence[Mapping[str, Any]], *, after: str, goal: int, leader: str, verb: str, backup: str
) -> list[str]:
    """Where a run stopped: which pods run which version, and what can be done.

    goal: the revision that `rollback` would go to; 0 for none. backup: where the backup lies, or "".
    """
    by_tag: dict[str, list[str]] = {}
    for pod in sorted(pods, key=lambda pod: str(pod["name"])):
        tag = versions.tag_of(pod["image"]) or pod["image"]
        how = "ready" if is_ready(pod) else "not ready" if pod["started"] else "never started"
        by_tag.setdefault(tag, []).append(f"{pod['name']} {how}")
    rows = [f"  {tag:<8} {', '.join(names)}" for tag, names in sorted(by_tag.items())]
    served = f"{leader} leads, so the cache serves." if leader else "No master serves."
    again = "repair what the message says and run `upgrade` again: it goes on from here"
    if verb == "rollback":
        again = "repair what the message says and run `rollback` again: it goes on from here"
    said = [
        f"Stopped, with nothing undone. {served} Pods by version (alluxio_version is {after}):",
        *rows,
    ]
    if backup:
        said.append(f"The backup made before: {backup}.")
    said.append(f"To go on: {again}.")
    if goal and verb == "upgrade":
        said.append(f"To go back: `alluxops rollback`, to revision {goal}.")
    return said
