"""The user's own chart values, with the line of each, and what is wrong with them before any chart is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import closest, looks_secret

Path = tuple[str | int, ...]

CHART_KEYS = frozenset(
    {
        "affinity",
        "configmaps",
        "csi",
        "extraServicePorts",
        "fsGroup",
        "fullnameOverride",
        "fuse",
        "group",
        "hostAliases",
        "hub",
        "image",
        "imagePullPolicy",
        "imagePullSecrets",
        "imageTag",
        "jobMaster",
        "jobWorker",
        "journal",
        "jvmOptions",
        "logserver",
        "master",
        "metastore",
        "metrics",
        "monitor",
        "mounts",
        "nameOverride",
        "nodeSelector",
        "properties",
        "proxy",
        "remoteLogs",
        "secrets",
        "serviceAccount",
        "shortCircuit",
        "tieredstore",
        "tolerations",
        "user",
        "worker",
    }
)
"""Top-level keys of the upstream chart, 0.6.40 to 0.6.54, with those that its values file only comments on."""

COMPONENTS = ("master", "jobMaster", "worker", "jobWorker", "fuse", "proxy", "logserver")


@dataclass(frozen=True)
class Source:
    """One values file, or alluxio_values.

    lines: path of a key -> "file:line"; a path that is not in it has its parent's.
    """

    name: str
    data: Mapping[str, Any]
    lines: Mapping[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """Where the value at `path` was written."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return self.lines.get((), self.name)


def read(text: str, name: str) -> Source:
    """Parse a values file. Raises SettingsError for what is none: bad YAML, several documents, a manifest."""
    try:
        both = zip(yaml.compose_all(text, yaml.SafeLoader), yaml.safe_load_all(text), strict=True)
        parsed = [(node, document) for node, document in both if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise SettingsError(
            f"{place} is not YAML.",
            f"{problem}.",
            "correct the file; a colon or an indent is wrong.",
        ) from None
    documents = [document for _, document in parsed]
    for document in documents:
        if isinstance(document, Mapping) and "apiVersion" in document and "kind" in document:
            raise SettingsError(
                f"{name} is a Kubernetes manifest (kind {document['kind']}), given as a values file.",
                "Helm would ignore every key of it without a word.",
                "remove it from alluxio_values_files; what it sets for Alluxio goes under `properties:` in values.",
            )
    if len(documents) > 1:
        raise SettingsError(
            f"{name} holds {len(documents)} YAML documents.",
            "Helm reads only one.",
            "split the file.",
        )
    if not documents:
        return Source(name, {})
    if not isinstance(documents[0], Mapping):
        kind = type(documents[0]).__name__
        raise SettingsError(
            f"{name} holds a {kind}, not a mapping.",
            "Values are keys with values.",
            "write `key: value`.",
        )
    lines: dict[Path, str] = {}
    _note_lines(parsed[0][0], (), name, lines)
    return Source(name, documents[0], lines)


def _note_lines(node: yaml.Node, path: Path, name: str, lines: dict[Path, str]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            lines[below] = f"{name}:{key.start_mark.line + 1}"
            _note_lines(value, below, name, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            below = (*path, number)
            lines[below] = f"{name}:{value.start_mark.line + 1}"
            _note_lines(value, below, name, lines)


def dotted(path: Path) -> str:
    """A path as people write it: tieredstore.levels[0].quota."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def faults(source: Source, known: Collection[str] = CHART_KEYS) -> list[SettingsError]:
    """What is wrong with one source: keys at its top that the chart does not know, misplaced properties, secrets."""
    found: list[SettingsError] = []
    for key, value in source.data.items():
        if key == "alluxio" or str(key).startswith("alluxio."):
            found.append(_misplaced(source, str(key), value))
        elif key not in known:
            meant = closest(str(key), known)
            found.append(
                SettingsError(
                    f"{key} is no key of the chart's values ({source.place((key,))}).",
                    "It would have no effect.",
                    f"{meant} Else remove it."
                    if meant
                    else "remove it; a property of Alluxio goes under `properties:`.",
                )
            )
    found += _secret_faults(source)
    return found


def _misplaced(source: Source, key: str, value: Any) -> SettingsError:
    """A property of Alluxio at the top level, where the chart does not look: `alluxio.x: y` or `alluxio: {x: y}`."""
    names = dict(_flattened(key, value))
    place = source.place((key,))
    shown = ", ".join(names)
    if any(name.startswith("alluxio.zookeeper.") for name in names):
        fix = "set alluxio_ha: zookeeper and alluxio_zookeeper_address: [host:port, ...]; they become `properties`:\n"
    elif "alluxio.master.hostname" in names:
        fix = "remove it: the chart names each master itself. Other properties are written as\n"
    else:
        fix = "write it as\n"
    lines = "".join(
        f"       {name}: {_quoted(item)}\n"
        for name, item in names.items()
        if not looks_secret(name)
    )
    return SettingsError(
        f"{shown} stands at the top level of the values ({place}).",
        "It is no key of the chart, so it would have no effect. Alluxio's own settings are properties.",
        f"{fix}     properties:\n{lines}".rstrip("\n"),
    )


def _flattened(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _flattened(f"{key}.{name}", item)
    else:
        yield key, value


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return f'"{str(value).lower()}"'
    if isinstance(value, list | tuple):
        return f'"{",".join(map(str, value))}"'
    return f'"{value}"'


def _secret_faults(source: Source) -> Iterator[SettingsError]:
    for setting in settings_of(source.data):
        if not looks_secret(setting.name):
            continue
        section = ".".join(part for part in setting.path[:-1] if isinstance(part, str))
        yield SettingsError(
            f"{section or setting.kind} carries {setting.name} ({source.place(setting.path)}).",
            "It would stand in a ConfigMap and in the pods' command lines, where anyone in the namespace may read it.",
            "remove it; set alluxio_root_ufs_secret to a Secret with accessKeyId and secretKey,"
            " or vault alluxio_root_ufs_credentials.",
        )


@dataclass(frozen=True)
class Setting:
    """One property, -D option or environment variable. path: where it stands. kind: properties, env or jvmOptions."""

    path: Path
    kind: str
    name: str
    value: Any

    @property
    def shown(self) -> str:
        """Its name as people find it: alluxio.x, master.properties.alluxio.x, worker.jvmOptions: -Dalluxio.x."""
        if self.kind != "jvmOptions":
            return dotted(self.path).removeprefix("properties.")
        section = [part for part in self.path if isinstance(part, str)]
        return f"{'.'.join(section)}: -D{self.name}"


def settings_of(data: Mapping[str, Any]) -> Iterator[Setting]:
    """Each property, -D option and environment variable, of all processes and of each component."""
    sections: list[tuple[Path, Any]] = [((), data)]
    sections += [((name,), data.get(name)) for name in COMPONENTS]
    for above, section in sections:
        if not isinstance(section, Mapping):
            continue
        for kind in ("properties", "env"):
            if isinstance(section.get(kind), Mapping):
                for name, value in section[kind].items():
                    yield Setting((*above, kind, name), kind, str(name), value)
        options = section.get("jvmOptions") or []
        path: Path = (*above, "jvmOptions")
        for number, option in enumerate(options if isinstance(options, list) else [options]):
            for word in str(option).split():
                if word.startswith("-D"):
                    name, _, value = word[2:].partition("=")
                    place = (*path, number) if isinstance(options, list) else path
                    yield Setting(place, "jvmOptions", name, value)
