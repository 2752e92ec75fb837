"""What the nodes' checks amount to: the faults of all nodes, as errors that name node, value and fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError


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
            found.append(SettingsError(f"the host {host} could not be checked.", cause, fix))
        for problem in result.get("problems") or []:
            what = f"{problem['what']} on {host}: {problem['value']}."
            found.append(SettingsError(what, "", problem["fix"]))
    return found


def _first_line(text: Any) -> str:
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[0] if lines else ""
