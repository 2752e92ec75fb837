"""Variables that one host has and another has not, or has otherwise. Pure.

A public variable is one setting of the whole cache. The run reads it once, while roles on the nodes read it per host:
where hosts differ, one part of the run goes by one value and the rest by the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

PER_HOST = frozenset(
    {
        "alluxio_node_name",
        "bootstrap_workers_device",
        "bootstrap_workers_files",
        "bootstrap_workers_install_method",
        "bootstrap_workers_join",
    }
)
"""What is a host's own."""
OF_KUBE_CONTROL = "helm_"
"""Prefix of what concerns kube_control alone; it may stand with that host."""
OF_NEW_WORKERS = "bootstrap_workers_"
"""Prefix of what concerns hosts that are to become workers; it may stand with them alone."""
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Value:
    """A host's value of a variable. place: "file:line", or "". is_set: it is not the default."""

    value: Any
    place: str = ""
    is_set: bool = True


def faults(
    found: Mapping[str, Mapping[str, Value]],
    kube_control: Sequence[str],
    secret: Sequence[str] = (),
) -> Iterator[SettingsError]:
    """A fault for each variable that hosts have differently. found: values by variable and host, the run's host first.

    secret: variables whose value is not shown.
    """
    for name, by_host in found.items():
        if name in PER_HOST:
            continue
        concerned = {
            host: value
            for host, value in by_host.items()
            if value.is_set or _counts_unset(name, is_control=host in kube_control)
        }
        if not concerned:
            continue
        reader = next(iter(concerned))
        if name.startswith(OF_KUBE_CONTROL):
            reader = next((host for host in kube_control if host in concerned), reader)
        other = [host for host in concerned if concerned[host].value != concerned[reader].value]
        if other:
            yield _fault(name, concerned, reader, other, hidden=name in secret)


def _counts_unset(name: str, *, is_control: bool) -> bool:
    """Whether the default of a host that does not set a variable counts: not where the variable has no effect."""
    if name.startswith(OF_NEW_WORKERS):
        return False
    return is_control or not name.startswith(OF_KUBE_CONTROL)


def _fault(
    name: str, by_host: Mapping[str, Value], reader: str, other: Sequence[str], *, hidden: bool
) -> SettingsError:
    more = sum(1 for host in other[1:] if by_host[host].value == by_host[other[0]].value)
    others = f" and {more} more host{'s' if more > 1 else ''}" if more else ""
    one, two = (
        "a value that is not shown" if hidden else _shown(by_host[host])
        for host in (reader, other[0])
    )
    two = "another one" if hidden else two
    what = (
        f"{name} is {one} for {reader}{_where(by_host[reader])}, and {two} for {other[0]}{others}"
        f"{_where(by_host[other[0]])}."
    )
    if name.startswith(OF_KUBE_CONTROL):
        cause = "Helm runs on kube_control alone; what stands with other hosts has no effect."
        fix = "write it in group_vars/all or group_vars/kube_control of the inventory."
    else:
        cause = (
            "It is one setting of the whole cache: the chart would go by the one value, and what is made on the nodes"
            " by the other."
        )
        fix = "write it once, where every host has it: in group_vars/all of the inventory, or with -e."
    return SettingsError(what, cause, fix)


def _shown(value: Value) -> str:
    text = repr(value.value)
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[:_LONGEST_SHOWN]}..."
    return text if value.is_set else f"its default {text}"


def _where(value: Value) -> str:
    return f" ({value.place})" if value.place else ""
