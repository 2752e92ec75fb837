"""Give files back the pins that Alluxio took from them while workers restarted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import pins
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.pins import Pin
from ansible_collections.alluxops.cache.plugins.plugin_utils import first_writes
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.pins import Note, Pins
from ansible_collections.alluxops.cache.plugins.plugin_utils.proofs import EPHEMERAL

LOOK_EVERY_S: Final = 15.0
COUNT_EVERY_S: Final = 2.0
GRACE_S: Final = 5.0
LOOK_ON_S: Final = 120.0
"""The longest that a verb waits for the master's check, which may be set to hours."""
UNSURE: Final = (
    "pins may be lost yet: the run looked on for {:.0f} s, and the masters check pinned files every {:.0f} s"
    " (alluxio.master.replication.check.interval). What was pinned stays noted; run `alluxops site` after that, which"
    " gives back what was lost."
)


class ActionModule(ApiAction):
    """alluxops.cache.pins."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Compare with the note, pin again, and look on while a check of the master's may take more."""
        found = Pins(kube, options["namespace"], options["release"])
        note = found.read()
        if note is None:
            return _result({}, (), {})
        if options["state"] == "forgotten":
            if not self.check_mode:
                found.forget()
            return _result({}, (), {})
        given: dict[str, Pin] = {}
        try:
            if self.check_mode:
                _, verdict, _ = _compare(found, note)
                return _result({pin.path: pin for pin in verdict.give_back}, verdict.lost, {})
            has_store = options["root_ufs"] not in {"", EPHEMERAL}
            return _give_back(found, note, given, opens_store=has_store)
        except CacheError as error:
            # What comes after this, as the markers of journals and the proof, must not fail for pins: they are noted.
            why = f"{error.what} {error.cause}".rstrip()
            warning = f"pins could not be given back: {why} What was pinned stays noted; the next run tries again."
            result = _result(given, (), {})
            return {**result, "warnings": [warning]}


def _give_back(found: Pins, note: Note, given: dict[str, Pin], *, opens_store: bool) -> Result:
    """Pin again what lost its pin, and look on. Adds to `given` what was; where it raises, the note is as it was.

    The note stays too where no check of the master's may have come: it may take more pins.
    opens_store: each worker writes a file by itself before the first pin is given back. What is pinned again is copied
    to workers by several threads at once, and these must not be the first that use the under store.
    """
    interval_s = found.interval_s()
    limit_s = min(interval_s, LOOK_ON_S) + GRACE_S
    patience = Patience(limit_s)
    warnings: list[str] = []
    failed: dict[str, str] = {}
    while True:
        is_last = patience.is_over
        short, verdict, wanted = _compare(found, note)
        if wanted and opens_store:
            opens_store = False
            warnings = first_writes.write(found.kube, found.namespace, found.release)
            # What the writes took is none of the time between two checks.
            patience = Patience(limit_s)
        said = found.give_back(wanted) if wanted else {}
        failed = {
            pin.path: why
            for pin in verdict.give_back
            for place, why in said.items()
            if place in (pin.path, f"{pins.parent(pin.path).rstrip('/')}/*")
        }
        given |= {pin.path: pin for pin in verdict.give_back if pin.path not in failed}
        if is_last or not (short or verdict.give_back):
            break
        _watch(found, patience, len(short))
    result = _result(given, verdict.lost, failed)
    warnings += result.get("warnings", [])
    if interval_s > LOOK_ON_S and (short or verdict.give_back):
        warnings.append(UNSURE.format(LOOK_ON_S, interval_s))
    else:
        found.keep((note.pins[path] for path in failed), note)
    return {**result, "warnings": warnings} if warnings else result


def _compare(found: Pins, note: Note) -> tuple[list[str], pins.Verdict, list[tuple[str, Pin]]]:
    """(files that the master will have copied, what to do about pins that are gone, paths to pin and how)."""
    pinned = found.pinned()
    missing = pins.gone(note.pins, pinned)
    short = pins.short(note.pins, pinned)
    if not missing:
        return short, pins.Verdict(), []
    text = found.around(missing)
    there = pins.files(text)
    verdict = pins.judge(missing, there)
    wanted = pins.commands(verdict.give_back, note.pins, there, pins.directories(text))
    return short, verdict, wanted


def _watch(found: Pins, patience: Patience, short: int) -> None:
    """Wait until it is time to look again, or the leader counts fewer pins than it did."""
    counted = found.count()
    until = patience.waited_s + LOOK_EVERY_S
    while patience.waited_s < until and not patience.is_over:
        left = f"{short} pinned files to be copied again" if short else "no more pins to be lost"
        patience.pause(left, COUNT_EVERY_S)
        now = found.count()
        if counted is not None and now is not None and now < counted:
            return


def _result(given: Mapping[str, Pin], lost: tuple[str, ...], failed: Mapping[str, str]) -> Result:
    paths = sorted(given)
    result: Result = {
        "changed": bool(paths),
        "given_back": paths,
        "lost": list(lost),
        "summary": f"{len(paths)} given back that Alluxio had taken: {pins.told(paths)}"
        if paths
        else "",
        "diff": {"before": "", "after": "".join(f"{path}: pinned again\n" for path in paths)},
    }
    warnings = []
    if lost:
        warnings.append(
            f"{len(lost)} pinned files lay in workers only and are lost with them, so Alluxio took their pins:"
            f" {pins.told(lost)}. Remove them, or write them again."
        )
    if failed:
        why = next(iter(failed.values()))
        warnings.append(
            f"{len(failed)} files could not be pinned again: {pins.told(sorted(failed))}: {why}"
            " The next run tries it again."
        )
    return {**result, "warnings": warnings} if warnings else result
