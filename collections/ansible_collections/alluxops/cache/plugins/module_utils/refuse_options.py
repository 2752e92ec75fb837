"""What our chart refuses of properties: what a command line breaks on, and what another setting decides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import alluxio_bytes
from ansible_collections.alluxops.cache.plugins.module_utils.refuse_tiers import directories
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import (
    Setting,
    settings_of,
)
from ansible_collections.alluxops.cache.plugins.module_utils.values_view import View, place, text

_BREAKS_AN_OPTION = re.compile(r"[\s\"`]|\$\(", re.ASCII)
_PORTS = {
    "alluxio.master.rpc.port": ("master", "rpc"),
    "alluxio.master.web.port": ("master", "web"),
    "alluxio.master.embedded.journal.port": ("master", "embedded"),
    "alluxio.job.master.rpc.port": ("jobMaster", "rpc"),
    "alluxio.job.master.web.port": ("jobMaster", "web"),
    "alluxio.job.master.embedded.journal.port": ("jobMaster", "embedded"),
    "alluxio.worker.rpc.port": ("worker", "rpc"),
    "alluxio.worker.web.port": ("worker", "web"),
    "alluxio.job.worker.rpc.port": ("jobWorker", "rpc"),
    "alluxio.job.worker.web.port": ("jobWorker", "web"),
    "alluxio.proxy.web.port": ("proxy", "web"),
}

_MASTERS = ("ALLUXIO_MASTER_HOSTNAME", "ALLUXIO_CLIENT_HOSTNAME")
_WORKERS = (
    "ALLUXIO_WORKER_HOSTNAME",
    "ALLUXIO_CLIENT_HOSTNAME",
    "ALLUXIO_WORKER_CONTAINER_HOSTNAME",
)
CHARTS_OWN_ENV: Mapping[str, tuple[str, ...]] = {
    "master": _MASTERS,
    "jobMaster": _MASTERS,
    "worker": _WORKERS,
    "jobWorker": _WORKERS,
    "proxy": ("ALLUXIO_CLIENT_HOSTNAME",),
    "fuse": ("ALLUXIO_CLIENT_HOSTNAME", "MOUNT_POINT"),
    "logserver": ("ALLUXIO_CLIENT_HOSTNAME",),
}
"""Variables that the chart gives to a component's containers; alluxio.ownEnv is the same."""


def faults(view: View) -> Iterator[SettingsError]:
    """Properties and -D options of all processes and of each component. Who the masters are is told by values_check."""
    owned = owned_properties(view)
    for given in settings_of(view.values):
        if given.kind == "env":
            yield from _env(view, given)
            continue
        if isinstance(given.value, Mapping | list):
            continue  # a property that is no text is told by values_check, for every chart
        where = place(view.sources, given.path)
        what = f"{given.shown} is {given.value!r}{f' ({where})' if where else ''}."
        if given.kind == "properties" and _BREAKS_AN_OPTION.search(text(given.value)):
            yield SettingsError(
                what,
                "A Java option carries no blanks, quotes, backquotes or $(.",
                "write the value without them.",
            )
        elif given.name in owned and text(given.value) != owned[given.name][1]:
            setting, wanted = owned[given.name]
            yield SettingsError(
                what,
                f"{setting} says {wanted!r}; Services, probes and volumes are made from that.",
                f"remove it, and set {setting}.",
            )


def _env(view: View, given: Setting) -> Iterator[SettingsError]:
    """A variable that the chart sets too would stand twice in the pod, which Helm 4 refuses to apply."""
    if given.name in CHARTS_OWN_ENV.get(str(given.path[0]), ()):
        fix = "remove it, and set fuse.mountPoint." if given.name == "MOUNT_POINT" else "remove it."
        cause = (
            "The chart sets it; a name that stands twice in a pod is refused, or read either way."
        )
        yield view.fault(given.path, cause, fix)


def owned_properties(view: View) -> dict[str, tuple[str, str]]:
    """Properties that follow from another setting: {property: (setting, value)}, as in alluxio.ownedProperties."""
    owned = {}
    for name, (component, port) in _PORTS.items():
        number = view.get(component, "ports", port)
        if number is not None:
            owned[name] = (f"{component}.ports.{port}", text(number))
    levels = view.get("tieredstore", "levels")
    if view.get("worker", "enabled") is not False and isinstance(levels, list):
        owned |= {name: ("tieredstore.levels", value) for name, value in _of_tiers(levels)}
    return owned


def _of_tiers(levels: list[Any]) -> Iterator[tuple[str, str]]:
    yield "alluxio.worker.tieredstore.levels", str(len(levels))
    for position, tier in enumerate(levels):
        if not isinstance(tier, Mapping):
            continue
        parts = directories(tier)
        prefix = f"alluxio.worker.tieredstore.level{position}.dirs"
        yield f"{prefix}.mediumtype", ",".join(medium for medium, _ in parts)
        paths = str(tier.get("path", "")).split(",")
        yield f"{prefix}.path", ",".join(path.strip() for path in paths)
        try:
            quotas = [str(alluxio_bytes(quota)) for _, quota in parts]
        except ValueError:
            continue  # told by values_check
        yield f"{prefix}.quota", ",".join(quotas)
