"""`-e`: checked as Ansible would, then handed over in files of mode 0600, never in argv.

A value on a command line is readable by every user of the machine for as long as the run takes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from alluxops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECRET_WORDS = ("password", "passwd", "secret", "token", "credential", "accesskey", "access_key")
# Names that say secret and hold the name of one, after the variable that they stand in.
NOT_SECRET = frozenset({("alluxio_root_ufs_secret",), ("alluxio_datasets", "secret")})
SHORTEST_SECRET = 6


@dataclass(frozen=True)
class ExtraVars:
    """One `-e`.

    path: the user's own file, for `-e @file`. text: what to write into a file of ours, otherwise.
    values: the variables, where they could be read (an encrypted file cannot); for finding secrets only.
    """

    path: Path | None
    text: str | None
    values: Mapping[str, Any]


class _LenientLoader(yaml.SafeLoader):
    """Reads any tag (`!vault`, `!unsafe`) as its plain value: the text is only checked here, Ansible loads it."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)  # noqa: S101  # YAML has no fourth kind
    return loader.construct_mapping(node, deep=True)


_LenientLoader.add_multi_constructor("", _plain)


def _load(text: str) -> Any:
    return yaml.load(text, Loader=_LenientLoader)  # noqa: S506  # derives from SafeLoader


def parse_extra_vars(option: str, cwd: Path) -> ExtraVars:
    """Check one `-e` option: `@file`, YAML or JSON of a mapping, or `key=value ...`.

    Raises UsageError naming the option (never its value, which may be a secret) and what is wrong with it.
    """
    if option.startswith("@"):
        return _parse_file(option[1:], cwd)
    if option.startswith(("/", ".")):
        raise UsageError(
            f"-e {option} looks like a file.", fix=f"Write -e @{option} to read variables from it."
        )
    if option.startswith(("{", "[")):
        return _parse_inline(option)
    return _parse_pairs(option)


def _parse_file(name: str, cwd: Path) -> ExtraVars:
    path = cwd / Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"-e @{name}: there is no such file.", fix="Check the path.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"-e @{name} cannot be read: {error}.") from error
    if text.startswith("$ANSIBLE_VAULT"):
        return ExtraVars(path, None, {})
    values = _mapping(text, f"-e @{name}", allow_empty=True)
    return ExtraVars(path, None, values)


def _parse_inline(option: str) -> ExtraVars:
    return ExtraVars(None, option, _mapping(option, "-e with YAML or JSON"))


def _mapping(text: str, place: str, *, allow_empty: bool = False) -> Mapping[str, Any]:
    try:
        values = _load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise UsageError(f"{place} cannot be parsed{where}: {problem}.") from error
    if values is None and allow_empty:
        return {}
    if not isinstance(values, dict):
        raise UsageError(
            f"{place} holds a {type(values).__name__}, not variables.",
            fix="Write a mapping: names and their values.",
        )
    return values


def _parse_pairs(option: str) -> ExtraVars:
    # Ansible's own splitter, so that quotes mean the same; imported late, it takes 0.3 s.
    from ansible.errors import AnsibleError  # noqa: PLC0415
    from ansible.parsing.splitter import parse_kv  # noqa: PLC0415

    try:
        pairs: dict[str, str] = parse_kv(option)
    except AnsibleError as error:
        name = option.split("=", 1)[0].split(" ", 1)[0]
        raise UsageError(
            f"-e {name}... cannot be split into name=value pairs.",
            cause="A quote or a brace is opened and not closed.",
            fix="Close it, or write the variables in a file and give -e @file.yml.",
        ) from error
    stray = pairs.pop("_raw_params", None)
    if stray is not None or not pairs:
        # Of `key=value` only the key is repeated: the rest may be a secret.
        shown = (stray or option).split("=", 1)[0]
        raise UsageError(
            f"-e {shown!r} is not a variable.",
            cause="A variable is written name=value; a value with spaces needs quotes.",
            fix="Write -e name=value, -e '{\"name\": value}' or -e @file.yml.",
        )
    return ExtraVars(None, json.dumps({str(k): str(v) for k, v in pairs.items()}), pairs)


def secret_values(variables: Iterable[ExtraVars]) -> frozenset[str]:
    """Texts that stand under secret-like names, to be masked in everything that is printed."""
    return frozenset(
        text
        for extra in variables
        for text in _secrets_below(extra.values, (), hidden=False)
        if len(text) >= SHORTEST_SECRET and "{{" not in text
    )


def _secrets_below(value: Any, path: tuple[str, ...], *, hidden: bool) -> Iterator[str]:
    """path: the names that it stands under; places in lists do not count."""
    if isinstance(value, dict):
        for name, item in value.items():
            below = (*path, str(name).lower())
            named = below not in NOT_SECRET and any(word in below[-1] for word in SECRET_WORDS)
            yield from _secrets_below(item, below, hidden=hidden or named)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_below(item, path, hidden=hidden)
    elif hidden and isinstance(value, str):
        yield value
