"""What the nodes' checks amount to: the faults of all nodes, as errors that name node, value and fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_left import refuse_left
from ansible_collections.alluxops.cache.plugins.module_utils.journal_lost import (
    refuse_another,
    refuse_lost,
    refuse_other_type,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_note import read_note
from ansible_collections.alluxops.cache.plugins.module_utils.journal_place import (
    of_journals,
    served_from,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_plan import refuse_unknown
from ansible_collections.alluxops.cache.plugins.module_utils.journal_shared import look_at

NO_ROOT = re.compile(r"(?:Incorrect|Missing) \S+ password$|waiting for become success")
"""How Ansible's connections say that a user could not become root: ssh, and local, which quotes what sudo said."""


def faults(results: Mapping[str, Mapping[str, Any]]) -> list[SettingsError]:
    """Faults from the registered results of node_check, by host; a host that could not be reached has `unreachable`."""
    found = []
    for host, result in results.items():
        if result.get("unreachable"):
            found.append(
                SettingsError(
                    f"the host {host} cannot be reached.",
                    _first_line(result.get("msg", "")),
                    f"see that `ansible {host} -m ping` works, or take the host out of the inventory.",
                )
            )
        elif result.get("failed"):
            cause = _first_line(result.get("msg") or result.get("module_stderr") or "")
            fix = f"see that `ansible {host} -m setup` works; Python 3.9 or newer is needed there."
            if NO_ROOT.search(cause):
                fix = (
                    f"set the right ansible_become_password for {host}, in a vaulted file of the inventory, or let its"
                    f" user become root without one; `ansible {host} --become -m ping` shows whether that works."
                )
            found.append(SettingsError(f"the host {host} could not be checked.", cause, fix))
        for problem in result.get("problems") or []:
            what = f"{problem['what']} on {host}: {problem['value']}."
            found.append(SettingsError(what, "", problem["fix"]))
    return found


def judged(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result of node_check; one without checks did not come from it, whatever failed_when made of that."""
    failed = not result.get("unreachable") and "checks" not in result
    return {**result, "failed": failed}


def could_not_look(result: Mapping[str, Any]) -> bool:
    """Whether a host was not looked at: it could not be reached, or its module did not run."""
    return bool(result.get("unreachable") or result.get("failed"))


def within_budget(
    results: Mapping[str, Mapping[str, Any]], max_fail_percentage: int
) -> dict[str, str]:
    """Hosts that could not be looked at, each with its errors, where so few of them may fail; else {}.

    results: as faults() has them. As with Ansible's own setting, a share that is met is not exceeded.
    """
    lost = {host: result for host, result in results.items() if could_not_look(result)}
    if len(lost) == len(results) or 100 * len(lost) > max_fail_percentage * len(results):
        return {}
    return {host: "\n\n".join(map(str, faults({host: result}))) for host, result in lost.items()}


def left_out(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
) -> list[SettingsError]:
    """Journals that a master has served from, on hosts where that master would not look for them. Not old copies.

    results: of node_check, by host. masters: the hosts of cache_masters, with their nodes. claims: of chart_values.
    """
    found = served_from(results, masters)
    errors = []
    for claim in claims:
        if claim["kind"] != "journal" or not claim.get("node"):
            continue
        ordinal = int(claim["ordinal"])
        holding = [host for host, marker in found.items() if wanted.owns(marker, ordinal)]
        chosen = next((host for host, node in masters.items() if node == claim["node"]), "")
        if holding and chosen not in holding:
            errors.append(_left_out(ordinal, holding[0], chosen or str(claim["node"]), claim))
    return errors


def fewer(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
) -> list[SettingsError]:
    """Journals that masters served from who are not among those wanted: they would stay behind, and may know more.

    Of a release that is away; what runs tells itself how many it has. results, masters, claims: as in left_out().
    """
    tied = [claim for claim in claims if claim["kind"] == "journal" and claim.get("node")]
    if wanted.shared or not tied:
        return []
    held = {
        marker.ordinal: host
        for host, marker in served_from(results, masters).items()
        if marker.ordinal >= len(tied) and wanted.owns(marker, marker.ordinal)
    }
    if not held:
        return []
    path, last = tied[0].get("path"), max(held)
    count = last + 1 + last % 2  # releases have 1, 3 or 5 masters
    shown = ", ".join(f"master {ordinal} on {host}" for ordinal, host in sorted(held.items()))
    return [
        SettingsError(
            f"alluxio_masters is {len(tied)}, and journals of more masters lie on the hosts ({path}): {shown}.",
            "masters served from them when the release last ran; those that are to start may lack what they hold.",
            f"set alluxio_masters: {count} (alluxio_ha as it was then), deploy, and `alluxops scale-masters` takes them"
            " out. If it had done that and could not write it into them, or if what they hold is given up, remove"
            f" {path} on {', '.join(sorted(held.values()))}.",
        )
    ]


def lost(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    *,
    noted: Mapping[str, str],
    leads: bool,
) -> list[SettingsError]:
    """Journals that are not on the hosts where their claims say that they lie: such as those on disks not mounted.

    A directory made in such a place would be all that a waiting master needs. Or others lie there, such as older ones
    on disks that were not mounted for a while. results, masters, claims: as in left_out(). noted: the notes, by claim.
    leads: a master serves.
    """
    found = [
        replace(seen, noted=read_note(noted.get(seen.claim)))
        for seen in _seen(results, masters, claims, wanted)
    ]
    count = len(of_journals(claims))
    return [
        error
        for refuse in (refuse_another, refuse_lost)
        for error in _refused(refuse, found, wanted, leads=leads, masters=count)
    ]


def others(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    *,
    noted: Mapping[str, str],
) -> list[SettingsError]:
    """Journals of other masters, such as old copies, in the places of masters that have none yet.

    Of a release that runs: a pod that waits for its volume starts on what lies there, before a Job can look. results,
    masters, claims: as in left_out(). noted: as in lost().
    """
    return [
        error
        for seen in _seen(results, masters, claims, wanted)
        if seen.state == "other" and seen.claim not in noted
        for error in _refused(refuse_unknown, seen, wanted)
    ]


def older(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
    *,
    serves: str,
) -> list[SettingsError]:
    """The journal that serves, where it is the one that a conversion has left; on the host of the first master.

    Conversions are made there, and those of other masters may be old copies. results, masters, claims: as in
    left_out(). serves: the type of journal that the release has, while a master leads; else empty.
    """
    if not serves:
        return []
    wanted = replace(wanted, journal_type="EMBEDDED" if serves == "EMBEDDED" else "UFS")
    seen = _seen(results, masters, claims, wanted)
    return _refused(refuse_other_type, [item for item in seen if item.ordinal == 0], wanted)


def old_copies(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
) -> list[SettingsError]:
    """Journals of masters that had left the quorum, from which a release that is away would start again.

    results, masters, claims: as in left_out().
    """
    seen = _seen(results, masters, claims, wanted)
    quorums = [item for item in seen if item.marker is None or not item.marker.left_for]
    return _refused(refuse_left, quorums, wanted.release)


def _refused(refuse: Callable[..., None], *given: Any, **more: Any) -> list[SettingsError]:
    """The error with which a rule refuses what it is given; [] where it does not."""
    try:
        refuse(*given, **more)
    except SettingsError as error:
        return [error]
    return []


def _seen(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    wanted: journal.Wanted,
) -> list[journal.Journal]:
    """What node_check saw of the journals of these claims."""
    return [
        journal.seen_on_host(result, claim, wanted)
        for result, claim in _looked(results, masters, claims)
        if "marker" in result
    ]


def _looked(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(what node_check returned of the host, claim) of each journal's claim; {} where it is on none of the hosts.

    A journal that all masters share is the first one's.
    """
    hosts = {node: host for host, node in masters.items()}
    return [
        look_at(results, masters, claim)
        if claim.get("shared")
        else (results.get(hosts.get(str(claim.get("node") or ""), "")) or {}, claim)
        for claim in of_journals(claims)
        if not (claim.get("shared") and claim["ordinal"])
    ]


def kept(
    results: Mapping[str, Mapping[str, Any]],
    masters: Mapping[str, str],
    claims: Sequence[Mapping[str, Any]],
    folder: str,
    wanted: journal.Wanted,
) -> list[journal.Journal]:
    """The journals that lie on the masters' hosts, or the one that they share, before there are volumes to look into.

    results, masters, claims: as in left_out(). folder: where node_check looked on the hosts.
    """
    return [
        journal.seen_on_host(result, claim, wanted)
        for result, claim in _looked(results, masters, claims)
        if claim.get("node") and (claim.get("shared") or claim.get("path") == folder)
    ]


def _left_out(ordinal: int, held_by: str, chosen: str, claim: Mapping[str, Any]) -> SettingsError:
    path = claim.get("path")
    return SettingsError(
        f"master {ordinal} has served on {held_by}, where its journal still lies ({path}); the order of cache_masters"
        f" puts it on {chosen}.",
        "it would start there on another journal, without anything that the cache knew.",
        f"list the hosts of cache_masters in the order that they had, {held_by} as number {ordinal + 1}; or copy"
        f" {path} to {chosen}, with owner and modes; to start anew, remove {path}/{journal.MARKER} on {held_by}.",
    )


def _first_line(text: Any) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[0] if lines else ""
