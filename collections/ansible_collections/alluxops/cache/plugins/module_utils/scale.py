"""The steps from the masters that run to the number and the kind of high availability that are wanted.

The plan is made from what runs: the settings of the release, how many masters its StatefulSet runs, and the quorum's
members. So a run that was killed is continued by the next one, whose plan has the steps that are left.

Growing: the release names all masters at once, but runs one more at a time. A newcomer with an empty journal can never
win a vote against members whose log is longer; two empty newcomers at once could. Shrinking: a member leaves the quorum
first and is stopped then, so that the others never wait for it.

With ZooKeeper the masters share one journal, and nobody votes: they come and go at once, newcomers after it is proven
that they see the journal that the others have.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.module_utils.quorum import Quorum, names, shown
from ansible_collections.alluxops.cache.plugins.module_utils.values import UPSTREAM

What = Literal["convert", "release", "join", "lead", "leave", "prove", "finish"]
JOURNAL_TYPES = {"none": "UFS", "embedded": "EMBEDDED", "zookeeper": "UFS"}
IS_SHARED = (
    "With ZooKeeper 3 or 5 masters share one journal, on a volume that other masters do not have."
)
WAY_TO_ANOTHER_PLACE = (
    "take a backup, `alluxops uninstall`, then `alluxops restore` with the new settings, which deploys them (see"
    " docs/runbooks/scale-masters.md)."
)
MOST = 5


@dataclass(frozen=True)
class Running:
    """What runs now.

    family: of the chart. ha: by the release's settings. count: masters that those name. running: masters that the
    StatefulSet keeps. quorum: None where nobody leads, or where there is none to read.
    """

    family: str
    ha: str
    count: int
    running: int
    quorum: Quorum | None = None


@dataclass(frozen=True)
class Wanted:
    """What the settings say. hosts: how many cache_masters lists."""

    masters: int
    ha: str
    hosts: int


@dataclass(frozen=True)
class Step:
    """One step; after it the release names `count` masters, runs `running` of them, its journal is of `journal_type`.

    what: convert (the journal's type, with all masters stopped), release (Helm only), join (a master comes), lead (the
    leader moves to `ordinal`), leave (a master goes), prove (that all share one journal), finish (the values as the
    settings make them, every master restarted that has not read them). ordinal: the master it is about; -1 for all.
    from_type: of a conversion, the type that the release names. stops: whether masters run, which have to be stopped
    for it.
    """

    what: What
    why: str
    journal_type: str
    count: int
    running: int
    ordinal: int = -1
    from_type: str = ""
    stops: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a task's result."""
        return asdict(self)


def plan_scale(now: Running, wanted: Wanted) -> tuple[Step, ...]:
    """The steps that are left. Raises SettingsError where going on could lose the journal, or cannot work."""
    _refuse(now, wanted)
    steps: list[Step] = []
    ha, members = now.ha, _members(now)
    if now.running == 0 and "zookeeper" not in (ha, wanted.ha):
        return _resumed(now, wanted)
    if wanted.ha == ha != "embedded":
        return (*_shared(now, wanted), _finished(wanted))
    kind = JOURNAL_TYPES[ha]
    if now.quorum is not None:
        _refuse_quorum(now, wanted, now.quorum)
        if revived := _revived(now, wanted, now.quorum):
            steps.append(revived)
            now = replace(now, running=revived.running, count=revived.count)
    if ha == "none" and wanted.ha == "embedded":
        steps.append(_converted(now, wanted))
        kind = JOURNAL_TYPES["embedded"]
    if wanted.masters > members:
        steps += _grown(now, wanted, members, kind)
    elif wanted.masters < max(members, now.running):
        steps += _shrunk(now, wanted, kind)
    if ha == "embedded" and wanted.ha == "none":
        steps.append(_converted(now, wanted))
    return (*steps, _finished(wanted))


def _shared(now: Running, wanted: Wanted) -> list[Step]:
    """What comes before masters join that share a journal, so that none leads from another one."""
    if wanted.masters <= now.running:
        return []
    newcomers = names(range(now.running, wanted.masters))
    why = f"a nonce that one master's node writes to the journal is read on those of the others, {newcomers} too"
    return [Step("prove", why, JOURNAL_TYPES[wanted.ha], now.count, now.running)]


def _members(now: Running) -> int:
    """How many masters have a vote; a release without a quorum has one master."""
    return len(now.quorum.members) if now.quorum is not None else 1


def _resumed(now: Running, wanted: Wanted) -> tuple[Step, ...]:
    """Go on where a conversion had stopped the masters: with the first one, whose journal was converted.

    Only the marker in the volume tells whether it had ended, so the conversion looks first, also where the release
    names the wanted type: a run with another aim may have converted the journal, and died before the release knew.
    Where somebody stopped a whole quorum instead, the first one alone never leads, so nothing is lost.
    """
    grown = _grown(now, wanted, 1, "EMBEDDED") if wanted.masters > 1 else []
    return (_converted(now, wanted), *grown, _finished(wanted))


def _converted(now: Running, wanted: Wanted) -> Step:
    kind, was = JOURNAL_TYPES[wanted.ha], JOURNAL_TYPES[now.ha]
    if now.running:
        words = "a backup of the journal is restored into one of type"
        why = f"{words} {kind}, with the masters stopped; the old one stays in the volume"
    else:
        why = f"the masters are stopped: a journal that is not of type {kind} yet is converted"
    return Step("convert", why, kind, wanted.masters, 1, 0, was, stops=now.running > 0)


def _grown(now: Running, wanted: Wanted, members: int, kind: str) -> list[Step]:
    steps = []
    if now.count != wanted.masters or now.running != members or now.ha != wanted.ha:
        why = f"the release names {counted(wanted.masters, 'master')} and runs {members}"
        steps.append(Step("release", why, kind, wanted.masters, members, members - 1))
    for ordinal in range(members, wanted.masters):
        why = f"master {ordinal} joins the quorum with an empty journal"
        steps.append(Step("join", why, kind, wanted.masters, ordinal + 1, ordinal))
    return steps


def _shrunk(now: Running, wanted: Wanted, kind: str) -> list[Step]:
    steps = []
    count = max(now.count, now.running)
    if now.quorum is not None and now.quorum.leading >= wanted.masters:
        why = f"master {now.quorum.leading} leads and is to go"
        steps.append(Step("lead", why, kind, count, now.running, 0))
    top = max(now.running, 1 + max(now.quorum.ordinals if now.quorum is not None else (0,)))
    for ordinal in range(top - 1, wanted.masters - 1, -1):
        why = f"master {ordinal} leaves the quorum and is stopped"
        steps.append(Step("leave", why, kind, count, ordinal, ordinal))
    return steps


def _revived(now: Running, wanted: Wanted, quorum: Quorum) -> Step | None:
    """Members that do not run come back first where they are needed: to stay, or for a majority to let them go."""
    stopped = [ordinal for ordinal in quorum.ordinals if ordinal >= now.running]
    if not stopped or (quorum.decides and min(stopped) >= wanted.masters):
        return None
    running = max(stopped) + 1
    why = f"{names(stopped)} of the quorum {'is' if len(stopped) == 1 else 'are'} started again"
    count = wanted.masters if wanted.masters > running else max(now.count, running)
    return Step("release", why, JOURNAL_TYPES[now.ha], count, running, max(stopped))


def _finished(wanted: Wanted) -> Step:
    return Step(
        "finish",
        "the release is as the settings say, and masters that have not read it are restarted, the leader last",
        JOURNAL_TYPES[wanted.ha],
        wanted.masters,
        wanted.masters,
    )


def _refuse(now: Running, wanted: Wanted) -> None:
    changes = f"from {_words(now.running, now.ha)} to {_words(wanted.masters, wanted.ha)}"
    if wanted.masters % 2 == 0 or not 1 <= wanted.masters <= MOST:
        raise SettingsError(
            f"alluxio_masters is {wanted.masters}.",
            "Masters vote: an even number survives no more losses than one fewer; more than 5 slow the vote.",
            "set 1, 3 or 5.",
        )
    if wanted.masters > 1 and wanted.ha == "none":
        raise SettingsError(
            f"alluxio_masters is {wanted.masters} with alluxio_ha none.",
            "Without a quorum each master would serve a journal of its own.",
            "set alluxio_ha: embedded (zookeeper is chosen when a release is first deployed).",
        )
    if wanted.masters > wanted.hosts:
        raise SettingsError(
            f"alluxio_masters is {wanted.masters} with {counted(wanted.hosts, 'host')} in cache_masters.",
            "Masters never share a node: losing it would lose the majority.",
            f"set at most {wanted.hosts}, or add hosts to the group cache_masters.",
        )
    is_same = (now.running, now.ha) == (wanted.masters, wanted.ha)
    is_shared = now.ha == wanted.ha == "zookeeper" and min(now.count, wanted.masters) > 1
    if "zookeeper" in (now.ha, wanted.ha) and not (is_same or is_shared):
        raise SettingsError(
            f"scale-masters cannot go {changes}.",
            IS_SHARED,
            WAY_TO_ANOTHER_PLACE,
        )
    is_embedded = now.ha == wanted.ha == "embedded"
    if is_embedded and now.running == 0 and now.count != wanted.masters:
        raise SettingsError(
            f"the masters are stopped, and the release names {now.count}.",
            "Nobody can be asked who belongs to the quorum.",
            f"`alluxops scale-masters` with alluxio_masters: {now.count} and alluxio_ha: embedded starts them; then"
            " run again.",
        )
    if now.ha == "embedded" and now.quorum is None and now.running:
        raise SettingsError(
            "the quorum cannot be read: no master leads.",
            "Only a leader knows who belongs to it.",
            f"`alluxops site` with alluxio_masters: {now.count} and alluxio_ha: embedded brings the masters back.",
        )
    if now.family == UPSTREAM and not is_same:
        raise SettingsError(
            f"scale-masters cannot go {changes} with upstream's chart.",
            "It starts all new masters at once, and two empty ones could outvote the one that has the journal.",
            "change to our chart first: `alluxops uninstall`, which keeps the journal, then without alluxio_chart_ref"
            " and with the number of masters as it is `alluxops site`, which takes it up.",
        )


def _refuse_quorum(now: Running, wanted: Wanted, quorum: Quorum) -> None:
    """Refuse what is not the work of an earlier run of ours, or of this one."""
    if quorum.ordinals != tuple(range(len(quorum.members))):
        raise SettingsError(
            f"the quorum has {names(quorum.ordinals)}, with a gap, or a member that is no master of the release.",
            "A StatefulSet runs masters 0 to N, so they join and leave at the end.",
            "see `alluxio fsadmin journal quorum info -domain MASTER`; remove the member that does not belong there.",
        )
    stopped = [ordinal for ordinal in quorum.missing if ordinal >= now.running]
    dying = [ordinal for ordinal in quorum.missing if ordinal >= wanted.masters]
    if not _decides_throughout(quorum, wanted.masters):
        dying = []
    sick = sorted(set(quorum.missing) - set(stopped) - set(dying))
    if sick or quorum.leading < 0:
        raise SettingsError(
            f"the quorum is not healthy: {shown(quorum)}.",
            "A change of the quorum needs every member that stays, and a majority of those left at each step: else it,"
            " or the next loss, would stop the cache.",
            f"bring {names(sick) if sick else 'a leader'} back (`alluxops status`, `alluxops site`), and run again.",
        )


def _decides_throughout(quorum: Quorum, masters: int) -> bool:
    """Whether the members that answer now are a majority, and are one after each member that leaves, the last first."""
    sizes = range(len(quorum.members) - 1, masters, -1)
    return quorum.decides and all(
        2 * sum(ordinal < size for ordinal in quorum.available) > size for size in sizes
    )


def _words(masters: int, ha: str) -> str:
    return f"{masters} master{'' if masters == 1 else 's'} ({ha})"
