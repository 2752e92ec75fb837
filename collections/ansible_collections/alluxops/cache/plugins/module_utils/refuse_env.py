"""Java options in an environment variable of a component: refused, as nothing sees what they contradict."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Setting, Source

_CHARTS_OPTIONS = re.compile(r"ALLUXIO_((JOB_)?(MASTER|WORKER)_|PROXY_|FUSE_|LOGSERVER_)?JAVA_OPTS")
_JAVA_OPTIONS = re.compile(r".*JAVA_OPTS|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS")


def faults(source: Source, given: Setting) -> Iterator[SettingsError]:
    """Java options in a variable: those of the chart replaced, or properties that nothing here checks."""
    is_charts = _CHARTS_OPTIONS.fullmatch(given.name) is not None
    names = [word[2:].partition("=")[0] for word in str(given.value).split() if word[:2] == "-D"]
    ours = [name for name in names if name.startswith("alluxio.")]
    if not is_charts and not (ours and _JAVA_OPTIONS.fullmatch(given.name)):
        return
    carries = f" carries {', '.join(ours)}" if ours else " is set"  # no values: one may be secret
    yield SettingsError(
        f"{given.shown}{carries} ({source.place(given.path)}).",
        "It replaces what the chart gives the process in that variable, its journal and addresses included."
        if is_charts
        else "The process reads it, and nothing checks it: what is given so may contradict what the settings decide.",
        "remove it; properties of Alluxio stand under `properties`, of all or of the component, and options of the JVM"
        " in `jvmOptions`.",
    )
