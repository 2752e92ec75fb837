"""What the user's chart values contradict, and what in the final values cannot work.

Faults come back as a list, each with the place of the value, so that all are shown in one pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    failover_check,
    master_start,
    refuse,
    refuse_env,
    refuse_tiers,
    values_files,
    values_schema,
    versions,
)
from ansible_collections.alluxops.cache.plugins.module_utils.backup import INIT_PROPERTY
from ansible_collections.alluxops.cache.plugins.module_utils.claims import PVC
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import (
    alluxio_bytes,
    human,
    jvm_memory,
    kubernetes_bytes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.settings import EPHEMERAL, Settings
from ansible_collections.alluxops.cache.plugins.module_utils.values import (
    OURS,
    ROOT_UFS,
    UPSTREAM,
    Chart,
    Values,
    at,
    decided,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Path, Source
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import place

_DECIDED_BY: dict[Path, tuple[str, str]] = {
    ("fullnameOverride",): ("alluxio_release", "Objects are named after the release."),
    ("imageTag",): ("alluxio_version", "Commands and checks follow the version."),
    ("master", "count"): (
        "alluxio_masters",
        "The number of masters decides journals, volumes and the quorum.",
    ),
    ("journal", "type"): ("alluxio_ha", "How masters agree decides where the journal lies."),
    ("journal", "format", "runFormat"): (
        "alluxio_journal_format",
        "With runFormat every start of a master formats its journal: all metadata are lost at the first restart.",
    ),
    ("backup", "schedule"): (
        "backup_schedule",
        "The schedule is checked, and what it needs with it.",
    ),
    ("backup", "keep"): ("backup_keep", "`alluxops backup` keeps as many as the schedule does."),
}
_DEFAULT_QUOTA = 1024**3
_UPSTREAMS_RAFT_PORT = "19200"
_BY_OTHERS = {
    **dict.fromkeys(
        (
            "alluxio.master.hostname",
            "alluxio.master.embedded.journal.addresses",
            "alluxio.master.journal.type",
            "alluxio.master.journal.folder",
            "alluxio.master.rpc.addresses",
        ),
        (
            "The chart sets it for each master; one value for all would make them the same master.",
            "remove it.",
        ),
    ),
    INIT_PROPERTY: (
        "With it, masters begin from that backup whenever their journals are new; a restore sets it itself, for once.",
        "remove it, and run `alluxops restore` with restore_from.",
    ),
}


def faults(
    settings: Settings, chart: Chart, sources: Sequence[Source], final: Values
) -> list[SettingsError]:
    """Everything that is wrong with the user's values and with what they amount to."""
    known = _known_keys(chart)
    found = [fault for source in sources for fault in values_files.faults(source, known)]
    if chart.schema:
        found += [
            fault for source in sources for fault in values_schema.faults(source, chart.schema)
        ]
    found += _contradictions(settings, sources)
    found += _property_faults(settings, sources)
    found += failover_check.faults(settings, sources, final.effective)
    found += _journal_faults(settings, chart, sources, final)
    found += _quota_faults(settings, chart, sources, final)
    if chart.family == OURS:
        found += refuse.faults(final.effective, sources)
    if settings.backup_schedule and chart.family == UPSTREAM:
        cause = "That chart has no CronJob for backups; ours has."
        fix = "remove backup_schedule and run `alluxops backup` from your own cron, or remove alluxio_chart_ref."
        shown = f"backup_schedule is {settings.backup_schedule!r} with the upstream chart {chart.version}."
        found.append(SettingsError(shown, cause, fix))
    if chart.family == UPSTREAM and settings.ha == "embedded":
        found += _raft_port_faults(chart, sources, final)
    return found


def _known_keys(chart: Chart) -> Collection[str]:
    """What may stand at the top of the values: what a closed schema lists, else what is known of upstream's charts."""
    if chart.schema.get("additionalProperties", True) is False:
        return set(chart.schema.get("properties") or {})
    return values_files.CHART_KEYS | set(chart.values)


def _raft_port_faults(
    chart: Chart, sources: Sequence[Source], final: Values
) -> Iterator[SettingsError]:
    path: Path = ("master", "ports", "embedded")
    port = at(final.effective, path)
    if port is not None and str(port) != _UPSTREAMS_RAFT_PORT:
        yield SettingsError(
            f"master.ports.embedded is {port} ({place(sources, path)}), with the upstream chart {chart.version}.",
            f"That chart writes {_UPSTREAMS_RAFT_PORT} into the masters' addresses, whatever this says.",
            "remove it, or use our chart (remove alluxio_chart_ref).",
        )


def _contradictions(settings: Settings, sources: Sequence[Source]) -> Iterator[SettingsError]:
    wanted = decided(settings)
    for path, (variable, cause) in _DECIDED_BY.items():
        for source in sources:
            given = at(source.data, path)
            if given is None or _says_the_same(path, given, at(wanted, path)):
                continue
            shown = ".".join(map(str, path))
            if path == ("journal", "format", "runFormat"):
                fix = "remove it; alluxio_journal_format: if_empty formats once, and only an empty journal."
            else:
                fix = f"remove it, and set {variable}{_suggested(path, given)}."
            yield SettingsError(
                f"{shown} is {given!r} ({source.place(path)}), against {variable}.", cause, fix
            )


def _says_the_same(path: Path, given: Any, wanted: Any) -> bool:
    if path == ("imageTag",) and versions.is_build_of(wanted, given):
        return True
    if isinstance(wanted, bool):
        return str(given).lower() == str(wanted).lower()
    return str(given) == str(wanted)


def _suggested(path: Path, given: Any) -> str:
    if path == ("journal", "type"):
        return ": embedded" if str(given).upper() == "EMBEDDED" else ": none"
    return f": {given}"


def _property_faults(settings: Settings, sources: Sequence[Source]) -> Iterator[SettingsError]:
    """Properties and -D options, of all processes or of one component: the last one that a process reads wins."""
    wanted = decided(settings)["properties"]
    for source in sources:
        for given in values_files.settings_of(source.data):
            if given.kind == "env":
                yield from refuse_env.faults(source, given)
                continue
            name, value = given.name, given.value
            where = source.place(given.path)
            what = f"{given.shown} is {value!r} ({where})."
            if isinstance(value, Mapping | list):
                cause = "A property has a dotted name and one value; the chart would write Go's idea of a map."
                what = f"{values_files.dotted(given.path)} is no text ({where})."
                yield SettingsError(what, cause, f'write `{name}.x: "value"`.')
            elif name == ROOT_UFS and str(value) != wanted[name]:
                cause = "The root under store is a setting of its own."
                fix = f"remove it, and set alluxio_root_ufs: {value}."
                yield SettingsError(f"{what[:-1]}, against alluxio_root_ufs.", cause, fix)
            elif name.startswith("alluxio.zookeeper.") and settings.ha != "zookeeper":
                cause = f"alluxio_ha is {settings.ha}; ZooKeeper beside it makes masters that disagree on who leads."
                fix = "remove it, or set alluxio_ha: zookeeper and alluxio_zookeeper_address."
                yield SettingsError(what, cause, fix)
            elif name.startswith("alluxio.zookeeper.") and name in wanted:
                if cause := _why_not_elected_by(name, value, wanted[name]):
                    yield SettingsError(what, cause, "remove it.")
            elif name in _BY_OTHERS:
                yield SettingsError(what, *_BY_OTHERS[name])


def _why_not_elected_by(name: str, value: Any, wanted: str) -> str:
    """Why a property of the election is refused; empty where it says what is decided. Paths are read to the letter."""
    if name.endswith(".path"):
        cause = f"Namespace and release decide it ({wanted}); masters with other paths elect a leader of their own."
        return "" if value == wanted else cause
    same = str(value).lower() == wanted.lower()
    return "" if same else "alluxio_ha and alluxio_zookeeper_address decide it."


def _journal_faults(
    settings: Settings, chart: Chart, sources: Sequence[Source], final: Values
) -> Iterator[SettingsError]:
    journal = final.effective.get("journal") or {}
    arguments = at(final.effective, ("master", "args"))
    words = " ".join(map(str, arguments)) if isinstance(arguments, list) else ""
    if master_start.is_formatting_master(words.split()):
        yield SettingsError(
            f"master.args is {arguments!r} ({place(sources, ('master', 'args'))}), without {master_start.NO_FORMAT}.",
            "The image's entry point would format the journal at every start of a master: all metadata are lost.",
            f"remove it, or add {master_start.NO_FORMAT}; alluxio_journal_format: if_empty formats once, and only an"
            " empty journal.",
        )
    if journal.get("volumeType") == "emptyDir" and settings.root_ufs != EPHEMERAL:
        yield SettingsError(
            f"journal.volumeType is emptyDir ({place(sources, ('journal', 'volumeType'))}).",
            "The journal would vanish with its pod, and with it every mount, pin and file entry.",
            "remove it, so that a volume on the node keeps the journal.",
        )
    elif (
        journal.get("volumeType") == "emptyDir"
        and journal.get("type") == "UFS"
        and journal.get("ufsType", "local") == "local"
        and not settings.shared_journal  # refused below
    ):
        yield SettingsError(
            f"journal.volumeType is emptyDir ({place(sources, ('journal', 'volumeType'))}), with alluxio_ha"
            f" {settings.ha}.",
            "Such a journal is new with every pod, and a master does not start on an unformatted one.",
            "remove it: a volume on the node serves a cache whose data may be lost as well.",
        )
    if settings.ha != "zookeeper" or settings.masters == 1:
        return
    if chart.family == UPSTREAM:
        yield SettingsError(
            f"alluxio_ha is zookeeper with {settings.masters} masters and the upstream chart {chart.version}.",
            "That chart gives masters of a UFS journal no hostname, so standbys cannot be told from the leader.",
            "use our chart (remove alluxio_chart_ref), or alluxio_ha: embedded.",
        )
    if journal.get("ufsType", "local") != "local":
        return  # a journal in HDFS is one for all of them by itself
    if not settings.shared_journal:
        yield SettingsError(
            f"alluxio_ha is zookeeper with {settings.masters} masters, and alluxio_journal_shared_path is not set.",
            "ZooKeeper only elects; the masters read and write one journal, and the next leader goes on where the last"
            " one ended.",
            "set it to a directory that is the same file system on every host of cache_masters, such as an NFS mount;"
            " or set alluxio_ha: embedded, which needs none.",
        )
    elif journal.get("volumeType", PVC) != PVC:
        yield SettingsError(
            f"journal.volumeType is {journal['volumeType']} ({place(sources, ('journal', 'volumeType'))}) with"
            " alluxio_journal_shared_path.",
            "Each master would have a journal of its own.",
            "remove journal.volumeType.",
        )


def _quota_faults(
    settings: Settings, chart: Chart, sources: Sequence[Source], final: Values
) -> Iterator[SettingsError]:
    levels = at(final.effective, ("tieredstore", "levels"))
    if not isinstance(levels, list):
        return
    is_upstream = chart.family == UPSTREAM
    in_memory = 0
    for number, level in enumerate(levels):
        if not isinstance(level, Mapping) or level.get("quota") is None:
            continue
        path: Path = ("tieredstore", "levels", number, "quota")
        shown = f"tieredstore.levels[{number}].quota {_as_written(level['quota'])}"
        where = place(sources, path) or "alluxio_worker_quota"
        # Memory is a host's too, which is charged to the pod that writes; upstream's emptyDir is always memory.
        all_in_memory = is_upstream and level.get("type", "emptyDir") == "emptyDir"
        for medium, quota in refuse_tiers.directories({"mediumtype": "MEM", **level}):
            fault, size = _read_quota(quota, shown, where, is_upstream=is_upstream)
            if all_in_memory or medium == "MEM":
                in_memory += size
            if fault is not None:
                yield fault
                break
    if at(final.effective, ("worker", "enabled")) is not False:
        yield from _limit_faults(settings, sources, final, in_memory)
    written = place(sources, ("tieredstore", "levels"))
    if written and settings.worker_quota not in (
        _DEFAULT_QUOTA,
        _size_of(at(levels, (0, "quota"))),
    ):
        yield SettingsError(
            f"alluxio_worker_quota is {settings.worker_quota}, and tieredstore.levels is set too ({written}).",
            "Two settings for one thing: the values would win and the variable have no effect.",
            "keep one of the two.",
        )


def _as_written(quota: Any) -> str:
    text = str(quota)
    return text if text.isdigit() else f'"{text}"'


def _size_of(quota: Any) -> int:
    try:
        return alluxio_bytes(quota)
    except ValueError:
        return 0


def _read_quota(
    quota: str, shown: str, where: str, *, is_upstream: bool
) -> tuple[SettingsError | None, int]:
    """(what is wrong with it, bytes as Alluxio reads it). Our chart writes plain bytes whatever the unit."""
    try:
        alluxio = alluxio_bytes(quota)
    except ValueError:
        return SettingsError(
            f"{shown} is no size ({where}).",
            "Alluxio cannot read it.",
            "write plain bytes, e.g. 1073741824.",
        ), 0
    if not is_upstream and not refuse_tiers.quota_is_read(quota):
        cause = "The chart does not read it: no blanks, no leading nought."
        return SettingsError(f"{shown} is no size ({where}).", cause, f'write "{alluxio}".'), 0
    if not is_upstream:
        return None, alluxio
    try:
        kubernetes = kubernetes_bytes(quota)
    except ValueError:
        cause = "The upstream chart hands it to Kubernetes as well, which refuses it when half of the release is made."
        return SettingsError(
            f"{shown} is no Kubernetes quantity ({where}).", cause, f'write "{alluxio}".'
        ), alluxio
    if kubernetes != alluxio:
        cause = (
            f"It is {kubernetes} bytes to Kubernetes and {alluxio} to Alluxio, and the upstream chart hands it to both;"
            " a worker refuses a tmpfs smaller than its tier."
        )
        return SettingsError(
            f"{shown} is read in two ways ({where}).", cause, f'write "{alluxio}".'
        ), alluxio
    return None, alluxio


def _limit_faults(
    settings: Settings, sources: Sequence[Source], final: Values, in_memory: int
) -> Iterator[SettingsError]:
    path: Path = ("worker", "resources", "limits", "memory")
    text = at(final.effective, path)
    if text is None:
        return
    where = place(sources, path)
    try:
        limit = kubernetes_bytes(text)
    except ValueError:
        cause = "The API server would refuse it."
        yield SettingsError(
            f"worker.resources.limits.memory is {text!r} ({where}).", cause, "write e.g. 4Gi."
        )
        return
    if not limit or in_memory < limit:  # 0 is none to Kubernetes
        return
    tier = place(sources, ("tieredstore", "levels"))
    name = f"alluxio_worker_quota {settings.worker_quota}"
    name = f"tieredstore.levels ({tier})" if tier else name
    over = f"worker.resources.limits.memory {text}{f' ({where})' if where else ''}"
    yield SettingsError(
        f"{name}: {human(in_memory)} in memory, with {over}.",
        "The tier's pages count against the worker's limit, so the worker is killed before the tier is full.",
        f"set a quota below {limit}, or a limit above the quota plus the JVM's heap and direct memory.",
    )


def warnings(final: Values) -> list[str]:
    """What works until the tier is full: quota, heap and direct memory together above the worker's limit."""
    limit_text = at(final.effective, ("worker", "resources", "limits", "memory"))
    levels = at(final.effective, ("tieredstore", "levels")) or []
    if limit_text is None:
        return []
    options = at(final.effective, ("worker", "jvmOptions")) or []
    heap, direct = jvm_memory(options if isinstance(options, list) else [str(options)])
    tier = sum(
        _size_of(part)
        for level in levels
        if isinstance(level, Mapping) and "MEM" in str(level.get("mediumtype", "")).upper()
        for part in str(level.get("quota", "0")).split(",")
    )
    try:
        limit = kubernetes_bytes(limit_text)
    except ValueError:
        return []
    needed = tier + (heap or 0) + (direct or 0)
    if needed <= limit:
        return []
    parts = f"tier {human(tier)}, heap {human(heap or 0)}, direct memory {human(direct or 0)}"
    what = f"a worker may need {human(needed)} ({parts}) and is limited to {limit_text}"
    return [f"{what}; it will be killed when all fill up. Raise worker.resources.limits.memory."]
