"""What bootstrap-workers says at its end: a line for each host, what to write into the inventory. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human
from ansible_collections.alluxops.cache.plugins.module_utils.summary import duration

Found = Mapping[str, Any]
"""Of one host: plan, took_s, join_s, arrival, canary, mended, hung, writer; what did not run is missing or empty.

took_s: from the beginning of its batch to its own registration.
"""

RESTART = "its worker has the old directory until its pod is deleted"


def lines(
    hosts: Mapping[str, Found],
    failed: Sequence[str] = (),
    waiting: Sequence[str] = (),
    *,
    check_mode: bool,
) -> list[str]:
    """One line for each host, and one for each thing that was mended there.

    failed: hosts that did not get to the end.
    waiting: hosts that were not begun, as too many before them failed.
    """
    found = []
    width = max((len(host) for host in (*hosts, *failed, *waiting)), default=0)
    for host, one in hosts.items():
        text = f"would do: {_would(one)}" if check_mode else _did(one)
        found.append(f"{host:<{width}}  {text}")
        found += [f"{'':<{width}}    {line}" for line in _below(one)]
    ends = {
        **dict.fromkeys(failed, "failed, see its error: run again, it goes on"),
        **dict.fromkeys(waiting, "not begun, as too many before it failed: run again, it goes on"),
    }
    return found + [f"{host:<{width}}  {text}" for host, text in ends.items()]


def _below(found: Found) -> list[str]:
    return [*(found.get("mended") or []), *(found.get("hung") or [])]


def _would(found: Found) -> str:
    plan = found["plan"]
    if plan["is_worker"]:
        return "mend what is broken" if found.get("mended") else "nothing"
    join = {
        "join": "join the cluster, ",
        "rejoin": "join the cluster anew, ",
        "start": "start the kubelet, ",
    }
    return f"{join.get(plan['step'], '')}label the node, wait for its worker"


def _did(found: Found) -> str:
    plan, arrival, canary = found["plan"], found.get("arrival") or {}, found.get("canary") or {}
    parts = []
    if plan["step"] in ("join", "rejoin"):
        parts.append(f"joined in {duration(found.get('join_s') or 0)}")
    elif plan["step"] == "start":
        parts.append("kubelet started")
    if not plan["is_worker"] and arrival:
        parts.append(f"registered {duration(arrival['registered_s'])} after its label")
    if canary and found.get("writer"):
        parts.append(f"read in {duration(canary['took_s'])} what {found['writer']} wrote")
    elif canary.get("reader"):
        parts.append(f"wrote what {canary['reader']} read in {duration(canary['took_s'])}")
    size = human(arrival["capacity_bytes"]) if arrival.get("capacity_bytes") else ""
    if plan["is_worker"]:
        done = "mended" if found.get("mended") else "nothing to mend"
        done = "not all of it mended" if found.get("hung") else done
        head = f"is a worker, {done}"
    else:
        head = f"worker in {duration(found.get('took_s') or 0)}"
    return " · ".join([", ".join(filter(None, (head, size))), *parts])


def mended(plan: Found, node: Found, device: Found, packages: Found | None = None) -> list[str]:
    """What was mended on a host, by the results of the modules that did it.

    A worker that is broken may not be registered, so nothing is kept back but the directories of a host that joins,
    which has none yet.
    """
    is_worker = plan["is_worker"]
    restart = f", {RESTART}" if is_worker else ""
    found = [str(line) for line in (packages or {}).get("installed") or []]
    found += [str(line) for line in node.get("mended") or []]
    if device.get("taken"):
        found.append(str(device["taken"]))
    if is_worker or plan["step"] not in ("join", "rejoin"):
        found += [f"{path}: made anew{restart}" for path in node.get("made") or []]
    found += [f"{path}: owner and mode were put right" for path in node.get("corrected") or []]
    return found


def inventory_line(hosts: Sequence[str], workers: Sequence[str]) -> str:
    """What to change in the inventory, for `alluxops_notes`; empty where it says so already."""
    new = [host for host in hosts if host not in workers]
    if not new:
        return ""
    return f"inventory move {', '.join(new)} from new_workers to cache_workers: site and verify count on them then"
