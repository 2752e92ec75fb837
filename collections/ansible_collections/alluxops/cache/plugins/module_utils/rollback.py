"""Whether a release can go back to a revision without losing what its journal holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    ensemble,
    master_start,
    versions,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted
from ansible_collections.alluxops.cache.plugins.module_utils.upgrade import (
    GOAL_NOTE,
    Masters,
    Seen,
    masters_of,
    noted_goal,
)

UNTOLD: Final = "one that nothing tells the version of"


def restores(seen: Seen, options: Mapping[str, Any]) -> bool:
    """Whether a run restores a backup; an upgrade never does. Raises SettingsError where a rollback loses metadata.

    options: the action's.
    """
    revision, leader = options["revision"], seen.cache.leader
    if not revision:
        return False
    check_formatting(seen.wanted, revision)
    masters = both_masters(seen.wanted, seen.current, options["release"], revision)
    check_masters(*masters, revision, options["namespace"])
    wrote = [versions.running(seen.cluster), leader.version if leader else "", seen.marked]
    on_its_way = noted_goal(seen.past, seen.notes.get(GOAL_NOTE, ""))
    return check_rollback(
        *masters,
        versions.newest(wrote),
        revision,
        restore_from=options["restore_from"],
        has_begun=seen.past[-1].goal > 0,
        is_there=options["action"] == "none" and on_its_way == revision,
        said=options["rollback_version"],
    )


def check_formatting(objects: Sequence[Mapping[str, Any]], revision: int) -> None:
    """Raise SettingsError where going back to a revision with these objects would erase the journal."""
    if names := master_start.formatting(objects):
        raise SettingsError(
            f"revision {revision} formats the journal at each start of a master (StatefulSet {', '.join(names)}).",
            "All paths, mounts, pins, TTLs and ACLs would be lost the moment it is gone back to.",
            "choose another rollback_revision; or set the inventory as that revision was, without"
            " journal.format.runFormat and with --no-format among master.args, and run `alluxops upgrade`.",
        )


def why_not_undone(
    goal: Sequence[Mapping[str, Any]],
    left: Sequence[Mapping[str, Any]],
    release: str,
    revision: int,
    namespace: str,
) -> str:
    """Why a revision that does not serve stays, rather than give way to the one before it; empty where it may go.

    goal, left: rendered objects of both; revision: the one before. What is undone has changed no version, so another
    one tells of an upgrade that died: its masters have served, and no backup is restored for those of the goal.
    """
    if names := master_start.formatting(goal):
        return (
            f"revision {revision} formats the journal at each start of a master (StatefulSet {', '.join(names)}), and"
            " all metadata would be lost"
        )
    there, now = masters_of(goal, release), masters_of(left, release)
    if there is None or now is None:
        return ""
    if elect := ensemble.apart(now.elects, there.elects, namespace):
        return (
            f"its masters elect through {elect[0]}, those of revision {revision} through {elect[1]}, and while they"
            " restart one of each could lead on the same journal"
        )
    if _same_alluxio(there.image, now.image):
        return ""
    return (
        f"its masters run {now.image}, those of revision {revision} {there.image}, and no other Alluxio is started on a"
        " journal unasked: an older one may not read it, a newer one converts it"
    )


def _same_alluxio(one: str, other: str) -> bool:
    """Whether two images have the same version; where a tag names none, only the same image has."""
    found = versions.numbers(versions.tag_of(one))
    return one == other or (found is not None and found == versions.numbers(versions.tag_of(other)))


def both_masters(
    goal: Sequence[Mapping[str, Any]],
    current: Sequence[Mapping[str, Any]],
    release: str,
    revision: int,
) -> tuple[Masters, Masters]:
    """The masters of a revision and those that run, from rendered objects. Raises SettingsError where one has none."""
    name = f"StatefulSet {release}-master"
    new_names = (
        f"Objects of other names, as without fullnameOverride: {release}, have claims of other names, and so other"
        " volumes: the cache would come up empty."
    )
    there, now = masters_of(goal, release), masters_of(current, release)
    if there is None:
        raise SettingsError(
            f"revision {revision} has no {name}.",
            new_names,
            "choose another rollback_revision; or set the inventory as that revision was, and run `alluxops upgrade`.",
        )
    if now is None:
        raise SettingsError(
            f"the release as it is now has no {name}, and revision {revision} has.",
            new_names,
            f"see which names hold the metadata (`kubectl get statefulset,pvc`). If it is {release}-master, `helm"
            f" rollback {release} {revision}` goes back by hand.",
        )
    return there, now


def check_masters(goal: Masters, current: Masters, revision: int, namespace: str) -> None:
    """Raise SettingsError where masters of a revision, beside those that run, would lose a quorum or lead twice."""
    if goal != current or not goal.count:
        raise SettingsError(
            f"revision {revision} has {counted(goal.count, 'master')}, HA {goal.ha};"
            f" now it is {current.count}, HA {current.ha}.",
            "Masters that come or go with a plain rollback lose their quorum, or their journal.",
            "`alluxops scale-masters` changes that safely; give a newer rollback_revision for the rest.",
        )
    if elect := ensemble.apart(goal.elects, current.elects, namespace):
        raise SettingsError(
            f"revision {revision} elects through {elect[0]}; now it is {elect[1]}.",
            ensemble.CAUSE,
            f"choose another rollback_revision; or set the inventory as that revision was, {ensemble.MOVE}.",
        )


def check_rollback(
    goal: Masters,
    current: Masters,
    newest: str,
    revision: int,
    *,
    restore_from: str = "",
    has_begun: bool = False,
    is_there: bool = False,
    said: str = "",
) -> bool:
    """Whether going back to a revision takes a backup that is restored. Raises SettingsError where it loses metadata.

    newest: tag of the newest Alluxio that served from the journal; empty where nothing tells, and then it may be any.
    said: rollback_version, which Alluxio the revision runs where its image does not tell. has_begun: a restore on the
    way to it has. is_there: Helm has reached it in a run that did not end, so its restore is over, if it took one.
    """
    same = goal.image == current.image
    tag = versions.tag_of(goal.image)
    # The same image reads what it has written, whichever Alluxio is in it.
    older = versions.numbers(tag) or (None if same else versions.numbers(said))
    known = versions.numbers(newest) or versions.numbers(versions.tag_of(current.image))
    if older is None and not (same or has_begun):
        raise _unknown(goal, newest, revision, said)
    is_older = older is not None and (older < known if known else not same)
    runs = f"revision {revision} runs Alluxio {_shown(older) or goal.image}"
    if restore_from and not (is_older or has_begun or is_there):
        raise SettingsError(
            f"restore_from is {restore_from}, and {runs}, which can read the journal as it is.",
            "A rollback that restores a backup gives up what came after it, and this one needs none.",
            "leave restore_from out. To go back to older metadata on purpose, see `alluxops restore`.",
        )
    if has_begun and not restore_from:
        raise SettingsError(
            f"a rollback to revision {revision} that restores a backup has begun and did not end.",
            "The journals may hold a part of the backup only.",
            "run it again with the same restore_from and alluxio_confirm_restore.",
        )
    if is_older and not restore_from:
        raise SettingsError(
            f"{runs}, and {_shown(known) or UNTOLD} has written the journal.",
            "An older Alluxio may not be able to read it, and would lose what it cannot read.",
            "restore a backup that was made before the upgrade, which gives up what came after it: run `alluxops"
            " rollback` with restore_from (`latest`, or one that you name) and alluxio_confirm_restore.",
        )
    return is_older or has_begun


def _shown(known: versions.Numbers | None) -> str:
    return ".".join(map(str, known)) if known else ""


def _unknown(goal: Masters, newest: str, revision: int, said: str) -> SettingsError:
    """The revision may run any Alluxio."""
    told = f", and rollback_version is {said!r}" if said else ""
    return SettingsError(
        f"revision {revision} runs the image {goal.image}, whose tag names no version{told};"
        f" {_shown(versions.numbers(newest)) or UNTOLD} has written the journal.",
        "An older Alluxio may not be able to read it, and would lose what it cannot read.",
        "choose another rollback_revision; or find out which Alluxio that image has (`alluxio version` in it), and say"
        " so for this run, such as -e rollback_version=2.9.6.",
    )
