"""The quorum of an embedded journal: who belongs to it, who answers, and what may be done to it.

Pure functions over what `alluxio fsadmin journal quorum info` prints:

    Journal domain  : MASTER
    Quorum size     : 3
    Quorum leader   : alluxio-master-1:19200

    STATE       | PRIORITY | SERVER ADDRESS
    AVAILABLE   | 1        | alluxio-master-0:19200
    UNAVAILABLE | 1        | alluxio-master-2:19200

Only the leader knows, so where nobody leads there is no quorum to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

MASTER = "MASTER"
JOB_MASTER = "JOB_MASTER"

_HEADER = re.compile(r"^(Journal domain|Quorum size|Quorum leader)\s*:\s*(\S+)", re.MULTILINE)
_ROW = re.compile(r"^(AVAILABLE|UNAVAILABLE)\s*\|\s*(-?\d+)\s*\|\s*(\S+:\d+)\s*$", re.MULTILINE)
_ORDINAL = re.compile(r"-master-(\d+)(?:\.\S+)?:\d+$")


@dataclass(frozen=True)
class Member:
    """One master of the quorum. address: host:port of its journal."""

    address: str
    available: bool
    priority: int = 0

    @property
    def host(self) -> str:
        """Its name, which is its pod's."""
        return self.address.rpartition(":")[0]

    @property
    def ordinal(self) -> int:
        """The number of its pod; -1 for an address that is no master's of a StatefulSet."""
        found = _ORDINAL.search(self.address)
        return int(found.group(1)) if found else -1


@dataclass(frozen=True)
class Quorum:
    """The members of one journal. leader: an address, empty where it is not known."""

    domain: str
    leader: str
    members: tuple[Member, ...]

    @property
    def ordinals(self) -> tuple[int, ...]:
        """Numbers of the members' pods, ascending."""
        return tuple(sorted(member.ordinal for member in self.members))

    @property
    def available(self) -> tuple[int, ...]:
        """Numbers of the members that answer, ascending."""
        return tuple(sorted(member.ordinal for member in self.members if member.available))

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the members that do not answer, ascending."""
        return tuple(sorted(member.ordinal for member in self.members if not member.available))

    @property
    def leading(self) -> int:
        """Number of the leader's pod; -1 where nobody leads."""
        return Member(self.leader, available=True).ordinal

    @property
    def majority(self) -> int:
        """How many members must agree."""
        return len(self.members) // 2 + 1

    @property
    def is_healthy(self) -> bool:
        """Whether every member answers and one of them leads."""
        return bool(self.members) and not self.missing and self.leading in self.ordinals

    @property
    def decides(self) -> bool:
        """Whether enough members answer to write, and to change the quorum."""
        return self.leading in self.available and len(self.available) >= self.majority


def parse(text: str) -> Quorum:
    """The quorum from what the command printed. Raises CacheError where it printed none."""
    header = dict(_HEADER.findall(text))
    members = tuple(
        Member(address, state == "AVAILABLE", int(priority))
        for state, priority, address in _ROW.findall(text)
    )
    if "Journal domain" not in header or not members:
        raise CacheError(
            "`alluxio fsadmin journal quorum info` named no quorum.", text.strip()[-300:]
        )
    leader = header.get("Quorum leader", "UNKNOWN")
    return Quorum(header["Journal domain"], "" if leader == "UNKNOWN" else leader, members)


def may_lose(quorum: Quorum, ordinal: int) -> str:
    """Why this member must not be stopped now; empty when it may be: the others are a majority without it."""
    if quorum.leading < 0:
        return "no master leads"
    rest = [other for other in quorum.missing if other != ordinal]
    if rest:
        return silent(rest)
    left = len([other for other in quorum.available if other != ordinal])
    if ordinal in quorum.ordinals and left < quorum.majority and len(quorum.members) > 1:
        return f"{left} of {len(quorum.members)} would be left, and {quorum.majority} must agree"
    return ""


def hinders_leave(quorum: Quorum, ordinal: int, masters: int) -> tuple[int, ...]:
    """Who must answer before this member leaves, and does not; () where it may, or has left.

    masters: how many are left in the end; each of those must answer. Others, which leave later, may be dead as long as
    those that answer are a majority once it has left.
    """
    if ordinal not in quorum.ordinals:
        return ()
    rest = [member for member in quorum.members if member.ordinal != ordinal]
    missing = tuple(sorted(member.ordinal for member in rest if not member.available))
    if len(rest) - len(missing) <= len(rest) // 2:
        return missing
    return tuple(other for other in missing if other < masters)


def successor(quorum: Quorum) -> Member | None:
    """Who shall lead instead of a leader that does not reach every member; None where it does, or nobody else can."""
    others = [member for member in quorum.members if member.ordinal != quorum.leading]
    if not quorum.missing or not quorum.decides:
        return None
    return next((member for member in others if member.available), None)


def roll_order(leading: int, stale: Collection[int]) -> tuple[int, ...]:
    """In which order to restart these members: the leader last, the others from the highest number down.

    A restart of the leader costs an election, so there is one, and the new leader already has the new settings.
    """
    standbys = sorted((ordinal for ordinal in stale if ordinal != leading), reverse=True)
    return (*standbys, *(ordinal for ordinal in stale if ordinal == leading))


def names(ordinals: Sequence[int]) -> str:
    """`master 2`, `masters 1 and 2`."""
    if len(ordinals) == 1:
        return f"master {ordinals[0]}"
    shown = [str(ordinal) for ordinal in ordinals]
    return f"masters {', '.join(shown[:-1])} and {shown[-1]}"


def silent(ordinals: Sequence[int]) -> str:
    """`master 2 of the quorum does not answer`."""
    return f"{names(ordinals)} of the quorum {'does' if len(ordinals) == 1 else 'do'} not answer"


def shown(quorum: Quorum) -> str:
    """One line for status: `3/3 available, leader alluxio-master-1`."""
    leader = Member(quorum.leader, available=True).host
    parts = [
        f"{len(quorum.available)}/{len(quorum.members)} available",
        f"leader {leader}" if leader else "no leader",
    ]
    if quorum.missing:
        parts.append(f"{names(quorum.missing)} not")
    return ", ".join(parts)


def as_dict(quorum: Quorum) -> dict[str, Any]:
    """Plain values for a task result and the report."""
    return {
        "domain": quorum.domain,
        "leader": quorum.leader,
        "members": [
            {
                "address": member.address,
                "ordinal": member.ordinal,
                "available": member.available,
                "priority": member.priority,
            }
            for member in quorum.members
        ],
        "healthy": quorum.is_healthy,
        "shown": shown(quorum),
    }
