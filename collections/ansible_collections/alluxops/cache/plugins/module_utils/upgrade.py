"""An upgrade or a rollback of a release: what it changes, what restarts in which order, and where to go back to.

Pure functions over rendered objects, Helm's revisions and pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    health,
    noted_backup,
    roll,
    versions,
)
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import (
    MASTER_ROLE,
    WORKER_ROLE,
    ha_of_config,
    image_of,
    ordinal_of,
    rolls_itself,
)
from ansible_collections.alluxops.cache.plugins.module_utils.ensemble import (
    Ensemble,
    ensemble_of_config,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.release import (
    MASTERS_STEP,
    RUN_LABEL,
    STEP_LABEL,
    restore_goal,
)

Json = dict[str, Any]

_WORKLOADS: Final = ("StatefulSet", "DaemonSet", "Deployment")
_GOOD: Final = ("deployed", "superseded")
GOAL_NOTE: Final = "alluxops/rollback-to"
"""Annotation of the masters' StatefulSet: "GOAL LEFT", the revision that a rollback goes to which did not end yet, and
the one that was the last when it began."""


@dataclass(frozen=True)
class Revision:
    """One of Helm's revisions. is_half: the first step of an upgrade, or of a rollback that restores a backup.

    goal: the revision that such a rollback is on its way to; 0 for any other. run: the run that made it; Helm hands
    that down to a revision that goes back to this one.
    """

    number: int
    status: str
    is_half: bool
    goal: int = 0
    run: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run does. restarts: names of workloads whose pods are made anew; stays: those whose pods stay.

    leads: the last of the masters, which restart in this order, is the leader. before: the newest Alluxio that served;
    behind: the oldest that a master runs yet, where an interrupted run has taken others on; else empty. changes: there
    is anything to do. stale: such a run has left masters to restart. restore_from: empty where no backup is restored.
    image: that of the masters afterwards; ran: others that they run now.
    """

    release: str
    namespace: str
    before: str
    after: str
    chart: str
    reasons: Sequence[str] = ()
    restarts: Sequence[str] = ()
    stays: Sequence[str] = ()
    masters: Sequence[str] = ()
    leads: bool = True
    workers: Sequence[str] = ()
    backup_to: str = ""
    revision: int = 0
    held: bool = False
    restore_from: str = ""
    behind: str = ""
    changes: bool = True
    stale: bool = False
    image: str = ""
    ran: Sequence[str] = ()

    @property
    def version_changes(self) -> bool:
        """Whether another Alluxio will run, if only in the masters that an interrupted run did not reach."""
        return bool(self.behind) or versions.text(self.before) != versions.text(self.after)


@dataclass(frozen=True)
class Masters:
    """What must stay the same between revisions: how many masters there are, and how they agree.

    elects: through which ZooKeeper, of which some may change.
    """

    count: int
    ha: str
    image: str = field(compare=False, default="")
    elects: Ensemble | None = field(compare=False, default=None)


@dataclass(frozen=True)
class Seen:
    """What a run is planned from. current, wanted: rendered objects. cluster: as read_cluster returns it.

    notes: annotations of the masters' StatefulSet. past: Helm's revisions; marked: the Alluxio that the journal's
    marker names. Both are read for a rollback only.
    """

    current: Sequence[Mapping[str, Any]]
    wanted: Sequence[Mapping[str, Any]]
    cluster: Mapping[str, Any]
    cache: health.Seen
    notes: Mapping[str, str]
    past: Sequence[Revision] = ()
    marked: str = ""


def revisions(secrets: Iterable[Mapping[str, Any]], release: str) -> list[Revision]:
    """Helm's revisions of a release from the metadata of its Secrets, oldest first."""
    found = []
    for secret in secrets:
        labels = secret["metadata"].get("labels") or {}
        if labels.get("owner") == "helm" and labels.get("name") == release:
            step = str(labels.get(STEP_LABEL, ""))
            goal = restore_goal(step)
            half = step == MASTERS_STEP or goal > 0
            status = str(labels.get("status", ""))
            run = str(labels.get(RUN_LABEL, ""))
            found.append(Revision(int(labels["version"]), status, half, goal, run))
    return sorted(found, key=lambda one: one.number)


def goal_note(goal: int, found: Sequence[Revision]) -> str:
    """The value of GOAL_NOTE for a rollback that begins, or goes on, now."""
    return f"{goal} {found[-1].number}"


def noted_goal(found: Sequence[Revision], note: str) -> int:
    """The revision that a rollback is on its way to which did not end; 0 for none.

    note: GOAL_NOTE's value. It counts while each revision since is such a rollback's own, and nobody else's.
    """
    goal, _, left = note.partition(" ")
    there = next((one for one in found if str(one.number) == goal), None)
    if there is None or not left.isdigit():
        return 0
    since = [one for one in found if one.number > int(left)]
    ours = all(one.goal == there.number or one.run == there.run for one in since)
    return there.number if ours else 0


def target(found: Sequence[Revision], wanted: int, release: str, note: str = "") -> int:
    """The revision to go back to: the one that is wanted, else the last good one before the current.

    note: GOAL_NOTE's value. A rollback that died after Helm's part has left a revision of its own, so the one before
    that is what it left, not what it was to reach. Raises SettingsError where there is none, or it is no revision to
    go back to.
    """
    if not found:
        raise SettingsError(f"there is no release {release}.", "", "`alluxops site` deploys it.")
    current, begun = found[-1].number, found[-1].goal
    if begun and wanted not in (0, begun):
        raise SettingsError(
            f"rollback_revision is {wanted}.",
            f"A rollback of {release} to revision {begun} has begun and did not end.",
            f"finish it first, with rollback_revision={begun} or without.",
        )
    if begun:
        return begun
    if not wanted and (noted := noted_goal(found, note)):
        return noted
    good = [one for one in found[:-1] if one.status in _GOOD and not one.is_half]
    known = ", ".join(str(one.number) for one in good) or "none"
    if wanted:
        if wanted not in [one.number for one in good]:
            raise SettingsError(
                f"rollback_revision is {wanted}.",
                f"The release {release} is at revision {current}; revisions to go back to: {known}.",
                "set one of these, or leave it out for the one before.",
            )
        return wanted
    if not good:
        raise SettingsError(
            f"the release {release} has no revision before {current} that was deployed.",
            "",
            "change the inventory and run `site`, or `upgrade`.",
        )
    return good[-1].number


def restarting(
    current: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[str]]:
    """(workloads whose pods are made anew, those whose pods stay), by name, from the objects before and after."""
    before = {_name(item): item for item in current if item.get("kind") in _WORKLOADS}
    anew: list[str] = []
    stay: list[str] = []
    for item in wanted:
        if item.get("kind") not in _WORKLOADS:
            continue
        old = before.get(_name(item))
        same = old is not None and old["spec"].get("template") == item["spec"].get("template")
        # Held back by a run that died: its template is the new one already, its pods are not.
        freed = old is not None and not rolls_itself(old["spec"]) and rolls_itself(item["spec"])
        (stay if same and not freed else anew).append(_name(item))
    return anew, stay


def masters_of(objects: Sequence[Mapping[str, Any]], release: str) -> Masters | None:
    """How many masters rendered objects have, how they agree, and what they run; None where there are none."""
    for item in objects:
        if item.get("kind") == "StatefulSet" and _name(item) == f"{release}-master":
            image = image_of(item["spec"]["template"]["spec"]["containers"])
            configs = [one for one in objects if one.get("kind") == "ConfigMap"]
            config = next((one for one in configs if _name(one) == f"{release}-config"), {})
            settings = config.get("data") or {}
            replicas = item["spec"].get("replicas")
            return Masters(
                1 if replicas is None else int(replicas),
                ha_of_config(settings),
                image,
                ensemble_of_config(settings),
            )
    return None


def plan(seen: Seen, options: Mapping[str, Any], *, restores: bool) -> Plan:
    """What a run is to do. options: the action's. restores: as rollback.restores() says of the same."""
    cache, goal = seen.cache, masters_of(seen.wanted, options["release"])
    before = after = versions.running(seen.cluster)
    image = goal.image if goal is not None else ""
    if goal is not None:
        # A digest alone has no tag.
        after = versions.tag_of(goal.image) or str(options["rollback_version"])
    anew, stay = restarting(seen.current, seen.wanted)
    # A run that was killed once Helm had returned left the rest to this one, also where it changes something else.
    is_helm_done = options["action"] == "none"
    are_left = is_helm_done or f"{options['release']}-master" not in anew
    stale = roll.stale(cache) if are_left else {}
    note = seen.notes.get(noted_backup.BACKUP_NOTE) or seen.notes.get(GOAL_NOTE) or ""
    left = unfinished(roll.order(cache, stale), note if is_helm_done else "")
    masters = {ordinal_of(pod["name"]): pod for pod in cache.of_role(MASTER_ROLE)}
    in_turn = roll.order(cache, stale or masters)
    return Plan(
        release=options["release"],
        namespace=options["namespace"],
        before=before,
        after=after,
        chart=str(options["rendered"].get("chart") or ""),
        reasons=left if is_helm_done else [*options["reasons"], *left],
        restarts=anew,
        stays=stay,
        masters=in_turn,
        leads=cache.leader is not None and in_turn[-1:] == [cache.leader.pod],
        workers=sorted(str(pod["node"]) for pod in cache.of_role(WORKER_ROLE)),
        revision=options["revision"],
        held=options["may_hold_workers"],
        restore_from=options["restore_from"] if restores else "",
        behind="" if options["revision"] or goal is None else versions.behind(seen.cluster, after),
        changes=bool(left) or not is_helm_done,
        stale=bool(stale),
        image=image,
        ran=versions.others(seen.cluster, image),
    )


def check_backup(plan: Plan, noted: str, confirmed: str) -> None:
    """Raise SettingsError where no master serves, and a new version would convert a journal that nobody backed up.

    noted: a backup that an interrupted run has made. confirmed: upgrade_without_backup.
    """
    if plan.revision or not plan.version_changes or noted or confirmed == plan.release:
        return
    what = f", and upgrade_without_backup is {confirmed!r}" if confirmed else ""
    repair = f"set alluxio_version: {plan.before} and repair the masters first, with other settings"
    if plan.behind:
        what += f", and some run {versions.text(plan.behind)} yet"
        repair = "see why none serves (`alluxops status`), bring one up and run this again"
    raise SettingsError(
        f"alluxio_version is {plan.after}, no master of {plan.namespace}/{plan.release} serves{what}.",
        f"A newer Alluxio converts the journal of {versions.text(plan.behind or plan.before)}, and without a master"
        " that serves nobody can make a backup before.",
        f"{repair}; or, where the journal may be lost, run once with -e upgrade_without_backup={plan.release}.",
    )


def unfinished(stale: Sequence[str], note: str) -> list[str]:
    """What an interrupted run left to do in a release that is as the settings say; empty where none did.

    stale: the masters that have not read the release's last settings. note: the backup that such a run has noted.
    """
    found = [f"{', '.join(stale)} did not restart since the last change"] if stale else []
    return [*found, "the run that made the last change did not end"] if note else found


def _name(item: Mapping[str, Any]) -> str:
    return str((item.get("metadata") or {}).get("name", ""))
