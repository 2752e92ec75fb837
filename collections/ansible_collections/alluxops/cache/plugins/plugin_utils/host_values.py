"""What each host of the inventory has for the public variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import settings as rules
from ansible_collections.alluxops.cache.plugins.module_utils.host_variables import Value
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.origins import place_of


def read(
    specs: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
    task_vars: Mapping[str, Any],
    templar: Any,
    raw: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Value]]:
    """By variable and host: the value of each variable that may differ. The host that the run reads comes first.

    raw: the variables of every host, untemplated. A variable that all hosts have alike, as written and without a
    template, is left out.
    """
    mine = str(task_vars["inventory_hostname"])
    order = [mine, *(host for host in hosts if host != mine)] if mine in hosts else list(hosts)
    names = [name for name in specs if _may_differ([raw[host].get(name) for host in order])]
    found: dict[str, dict[str, Value]] = {name: {} for name in names}
    if not names:
        return found
    of_mine = raw[mine] if mine in raw else task_vars["hostvars"].raw_get(mine)
    common = {name: value for name, value in task_vars.items() if name not in of_mine}
    for name, spec in specs.items():
        common.setdefault(name, spec.get("default"))
    for host in order:
        in_its_words = templar.copy_with_new_env(available_variables={**common, **raw[host]})
        for name in names:
            written = raw[host].get(name, common[name])
            value = _typed(name, specs[name], _templated(in_its_words, written))
            is_set = name in raw[host]
            found[name][host] = Value(value, place_of(written) if is_set else "", is_set)
    return found


def _may_differ(written: Sequence[Any]) -> bool:
    return any(value != written[0] for value in written[1:]) or "{{" in str(written[0])


def _templated(templar: Any, written: Any) -> Any:
    try:
        return plain(templar.template(written))
    except Exception:  # noqa: BLE001 - whatever a template raises is told where the run reads it
        return str(written)


def _typed(name: str, spec: Mapping[str, Any], value: Any) -> Any:
    """A value as the run understands it: 8 and "8" are one."""
    values, _ = rules.typed({name: spec}, {name: value}, {})
    return values.get(name, value)
