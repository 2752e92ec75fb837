"""What our chart refuses of masters, their journal and its backups; what other variables decide is in values_check."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values import (
    EPHEMERAL_PATH,
    ROOT_UFS,
    at,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import View

_IN_THE_PODS = "/opt/alluxio/"


def faults(view: View) -> Iterator[SettingsError]:
    """Masters, journal, backups."""
    yield from _masters(view)
    if view.get("master", "enabled") is not False:
        yield from _journal(view)
    root = str(view.section("properties").get(ROOT_UFS, ""))
    if (
        view.get("backup", "schedule")
        and root.startswith(_IN_THE_PODS)
        and root != EPHEMERAL_PATH  # which is alluxio_root_ufs: ephemeral, told by settings_check
    ):
        yield SettingsError(
            f"backup_schedule is set, and the root under store {root} lies in the pods.",
            "The backups would end with them.",
            "set alluxio_root_ufs to a lasting store, or remove backup_schedule.",
        )


def _masters(view: View) -> Iterator[SettingsError]:
    if view.get("master", "enabled") is False:
        yield view.fault(
            ("master", "enabled"),
            "The hosts of cache_masters are to carry them, and everything after waits for one to serve.",
            "remove it.",
        )
    replicas = view.get("master", "replicas")
    if isinstance(replicas, int | float) and replicas > 1:
        cause = "The number of masters is master.count, which alluxio_masters decides."
        number = int(replicas) if replicas in {3, 5} else "3 (or 5)"
        fix = f"remove it, and set alluxio_masters: {number} with alluxio_ha."
        yield view.fault(("master", "replicas"), cause, fix)
    for source in view.sources:
        running = at(source.data, ("master", "running"))
        if running is not None:
            yield SettingsError(
                f"master.running is {running!r} ({source.place(('master', 'running'))}).",
                "How many masters run changes one at a time, each step when the quorum is whole.",
                "remove it; `alluxops scale-masters` changes their number.",
            )


def _journal(view: View) -> Iterator[SettingsError]:
    folder = view.get("journal", "folder")
    if not isinstance(folder, str):
        return
    remote = view.get("journal", "type") == "UFS" and view.get("journal", "ufsType") == "HDFS"
    if remote and folder.startswith("/"):
        yield view.fault(
            ("journal", "folder"),
            "journal.ufsType is HDFS, and this is a local directory.",
            "give its address, hdfs://host:port/journal.",
        )
    elif not remote and not folder.startswith("/"):
        yield view.fault(
            ("journal", "folder"),
            "The journal's volume is mounted there, so it is an absolute path.",
            "write /journal; for a journal in HDFS set journal.ufsType: HDFS as well.",
        )
