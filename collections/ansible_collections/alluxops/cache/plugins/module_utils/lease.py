"""Who holds the lease on a release, and whether a holder still lives. Pure, but for /proc in `here` and `lives`.

A Lease object says: one run at a time. Its holder is a process, named so precisely (machine, boot, pid namespace,
pid, start time) that a later run on the same machine knows at once whether it still lives, instead of waiting for the
lease to expire. Standard library only.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

DURATION_S = 30
RENEW_S = 10
HOLDER = "alluxops.io/holder"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

Verdict = Literal["take", "mine", "held", "watch"]
Standing = Literal["mine", "over", "lost"]


@dataclass(frozen=True)
class Holder:
    """A process. start: clock ticks after boot, so that a reused pid is told apart; 0 where there is no /proc."""

    user: str
    hostname: str
    machine: str
    boot: str
    pid_namespace: str
    pid: int
    start: int

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.user}@{self.hostname}, process {self.pid}"

    def shares_processes_with(self, other: Holder) -> bool:
        """Whether this process can look up the other's pid: same boot of the same machine, and pid namespace.

        The boot tells machines apart that were made from one template: their machine-id may be the same, and the first
        pid namespace has the same number on every Linux. After a real reboot the lease is soon seen to be unrenewed.
        """
        here = (self.machine, self.boot, self.pid_namespace)
        return all(here) and here == (other.machine, other.boot, other.pid_namespace)


def here(pid: int) -> Holder:
    """A process of this machine, by its pid."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Holder(
        user=user,
        hostname=socket.gethostname(),
        machine=_read("/etc/machine-id") or socket.gethostname(),
        boot=_read("/proc/sys/kernel/random/boot_id"),
        pid_namespace=_link("/proc/self/ns/pid"),
        pid=pid,
        start=start_of(pid),
    )


def start_of(pid: int) -> int:
    """When a process started, in clock ticks after boot; 0 if there is none (or no /proc)."""
    words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(words) < 20 or words[0] in "ZX":  # a zombie holds nothing any more
        return 0
    return int(words[19])


def lives(holder: Holder) -> bool:
    """Whether a process of this machine still runs."""
    return holder.start != 0 and start_of(holder.pid) == holder.start


def judge(
    lease: Mapping[str, Any] | None,
    me: Holder,
    now: datetime,
    is_alive: Callable[[Holder], bool] = lives,
) -> tuple[Verdict, str]:
    """(what to do about a Lease object, who holds it in words).

    take: it is free, or its holder is known to be dead. mine: this run holds it. held: its holder lives, or may.
    watch: another machine let it expire; a difference of clocks looks the same, so see whether it is renewed first.
    """
    spec = (lease or {}).get("spec") or {}
    if lease is None or not spec.get("holderIdentity"):
        return "take", ""
    holder = holder_of(lease)
    if holder is not None and holder == me:
        return "mine", holder.text
    who = holder.text if holder is not None else str(spec["holderIdentity"])
    if holder is not None and me.shares_processes_with(holder):
        return ("held" if is_alive(holder) else "take"), who
    renewed = parse_time(str(spec.get("renewTime", "")))
    lasts = timedelta(seconds=int(spec.get("leaseDurationSeconds") or DURATION_S))
    expired = renewed is None or now - renewed > lasts
    return ("watch" if expired else "held"), who


def turn_of(lease: Mapping[str, Any]) -> str:
    """What tells one taking of a Lease object from the next: also once it is free again, or was made anew."""
    uid = (lease.get("metadata") or {}).get("uid") or ""
    return f"{uid} {(lease.get('spec') or {}).get('leaseTransitions') or 0}"


def standing(lease: Mapping[str, Any] | None, me: Holder, turn: str) -> Standing:
    """What a Lease object is to the run that took it. turn: as turn_of() told then.

    mine: it is to be renewed. over: this run gave it back, or removed it with the release. lost: another run has it, or
    has had it since, while this one did not renew it.
    """
    if lease is None:
        return "over"
    is_held = bool((lease.get("spec") or {}).get("holderIdentity"))
    if turn_of(lease) != turn or (is_held and holder_of(lease) != me):
        return "lost"
    return "mine" if is_held else "over"


def told_lost(lease: Mapping[str, Any], me: Holder, now: datetime) -> str:
    """What is said of a run that is ended as it lost its lease, in lines as Ansible marks an error."""
    metadata, spec = lease["metadata"], lease["spec"]
    what = f"{metadata['namespace']}/{metadata['name'].removeprefix('alluxops-')}"
    taken = f"another run has been at work on {what}"
    if spec.get("holderIdentity") and holder_of(lease) != me:
        who = ", ".join(filter(None, (spec["holderIdentity"], since(lease, now))))
        taken = f"another run is at work on {what}: {who}"
    return (
        f"[ERROR]: {taken}. This one is ended.\n"
        f"Cause: it did not renew its lease for {DURATION_S} s, as on a machine that slept, so another could begin."
        " What this one knows, or has backed up, is of before.\n"
        "Fix: see that no other run is at work, and run it again.\n"
    )


def holder_of(lease: Mapping[str, Any]) -> Holder | None:
    """The process that holds a Lease object, if it is one of ours."""
    annotations = (lease.get("metadata") or {}).get("annotations") or {}
    with contextlib.suppress(TypeError, ValueError):
        return Holder(**json.loads(annotations[HOLDER])) if annotations.get(HOLDER) else None
    return None


def taken(
    lease: Mapping[str, Any] | None, name: str, namespace: str, me: Holder, now: datetime
) -> dict[str, Any]:
    """The Lease object to write when taking it. It keeps the resourceVersion read: of two takers one wins."""
    old_metadata = dict((lease or {}).get("metadata") or {})
    old_spec = dict((lease or {}).get("spec") or {})
    annotations = {
        **(old_metadata.get("annotations") or {}),
        HOLDER: json.dumps(asdict(me), sort_keys=True),
    }
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "annotations": annotations}
    if old_metadata.get("resourceVersion"):
        metadata["resourceVersion"] = old_metadata["resourceVersion"]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {
            "holderIdentity": me.text,
            "leaseDurationSeconds": DURATION_S,
            "acquireTime": now.strftime(_TIME),
            "renewTime": now.strftime(_TIME),
            "leaseTransitions": int(old_spec.get("leaseTransitions") or 0) + (1 if old_spec else 0),
        },
    }


def renewed(lease: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The same Lease object with a new renewTime."""
    return {**lease, "spec": {**lease["spec"], "renewTime": now.strftime(_TIME)}}


def released(lease: Mapping[str, Any]) -> dict[str, Any]:
    """The same Lease object, free to take."""
    annotations = {
        k: v for k, v in ((lease["metadata"].get("annotations")) or {}).items() if k != HOLDER
    }
    spec = {
        k: v
        for k, v in lease["spec"].items()
        if k not in ("holderIdentity", "renewTime", "acquireTime")
    }
    return {**lease, "metadata": {**lease["metadata"], "annotations": annotations}, "spec": spec}


def since(lease: Mapping[str, Any], now: datetime) -> str:
    """Since when a Lease object is held, for people; empty where it does not say."""
    taken_at = parse_time(str((lease.get("spec") or {}).get("acquireTime", "")))
    if taken_at is None:
        return ""
    seconds = int((now - taken_at).total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    ago = f"{seconds} s"
    if hours:
        ago = f"{hours} h {minutes % 60} min"
    elif minutes:
        ago = f"{minutes} min"
    # The holder's clock may be ahead of this one.
    return f"since {taken_at:%Y-%m-%d %H:%M:%S} UTC" + (f" ({ago} ago)" if seconds >= 0 else "")


def parse_time(text: str) -> datetime | None:
    """Kubernetes' MicroTime, or None."""
    for form in (_TIME, "%Y-%m-%dT%H:%M:%SZ"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
