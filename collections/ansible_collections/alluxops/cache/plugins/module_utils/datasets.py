"""What alluxio_datasets declares: typed, with every fault of its text. Pure; what the cache has is in dataset_state."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import withheld
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import closest, looks_secret
from ansible_collections.alluxops.cache.plugins.module_utils.values import store_properties

VARIABLE: Final = "alluxio_datasets"
PRESENT: Final = "present"
FREED: Final = "freed"
ABSENT: Final = "absent"
STATES: Final = (PRESENT, FREED, ABSENT)
SCHEMES: Final = ("s3", "s3a", "hdfs")
S3: Final = ("s3", "s3a")
MEDIA: Final = ("MEM", "SSD", "HDD")
CREDENTIALS: Final = {"accessKeyId": "s3a.accessKeyId", "secretKey": "s3a.secretKey"}
"""The keys of a Secret, and the properties of a mount that they become."""

_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)$")
_TTL = re.compile(r"^([1-9][0-9]*)([smhd]?)$")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Dataset:
    """One dataset as it was declared.

    ufs: its address without a slash at the end; "" for a directory of a mount that is there already. options:
    properties by their full names. load: what is loaded, as paths of the cache. media: where pinned blocks lie; empty
    for any. ttl_s: 0 for none.
    """

    name: str
    path: str
    ufs: str = ""
    secret: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = True
    shared: bool = False
    load: tuple[str, ...] = ()
    pin: bool = False
    media: tuple[str, ...] = ()
    replication_min: int = 0
    replication_max: int = -1
    ttl_s: int = 0
    state: str = PRESENT

    @property
    def is_s3(self) -> bool:
        """Whether its store is asked with keys of S3."""
        return self.ufs.startswith(tuple(f"{scheme}://" for scheme in S3))

    @property
    def listed(self) -> tuple[str, ...]:
        """The paths whose files matter: those to load, or all that is below."""
        return self.load if self.load and not self.pin else (self.path,)

    @property
    def must_fit(self) -> bool:
        """Whether the workers have to hold it: a pin keeps what is loaded, a load that does not fit evicts itself."""
        return self.state == PRESENT and (self.pin or bool(self.load))


class WrongValueError(ValueError):
    """A value that cannot be. cause, fix: as in SettingsError."""

    def __init__(self, cause: str, fix: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix


Lines = Mapping[tuple[str | int, ...], str]


def read(declared: Any, lines: Lines | None = None) -> tuple[list[Dataset], list[SettingsError]]:
    """(datasets, faults): what can be read, and a fault for everything that cannot be. lines: origins.lines_of()."""
    datasets: list[Dataset] = []
    faults: list[SettingsError] = []
    for number, entry in enumerate(declared or []):
        reader = _Reader(number, entry, lines or {})
        found = reader.read()
        faults += reader.faults
        if found is not None and not reader.faults:
            datasets.append(found)
    return datasets, [*faults, *_clashes(datasets)]


class _Reader:
    """One entry of the list."""

    def __init__(self, number: int, entry: Any, lines: Lines) -> None:
        self.number = number
        self.entry = entry
        self.lines = lines
        self.faults: list[SettingsError] = []

    def read(self) -> Dataset | None:
        """The dataset, as far as its keys can be read."""
        if not isinstance(self.entry, Mapping):
            shown = withheld.shown("", self.entry)
            self._fault("", shown, "A dataset is a mapping.", "write `name:` and so on.")
            return None
        for key in sorted(set(self.entry) - set(KEYS)):
            meant = closest(str(key), KEYS)
            fix = f"{meant} Else remove it." if meant else f"one of {', '.join(KEYS)}."
            self._fault(str(key), "no key of a dataset", "It would be ignored.", fix)
        values: dict[str, Any] = {}
        for key, read_value in KEYS.items():
            given = self.entry.get(key)
            if given is None and key != "name":
                continue
            try:
                values |= read_value(given)
            except WrongValueError as wrong:
                self._fault(key, withheld.shown(key, given), wrong.cause, wrong.fix)
        if "name" not in values:
            return None
        values.setdefault("path", f"/{values['name']}")
        values["load"] = tuple(
            posixpath.join(values["path"], part) if part else values["path"]
            for part in values.get("load", ())
        )
        dataset = Dataset(**values)
        for key, cause, fix in _contradictions(dataset, self.entry):
            self._fault(key, withheld.shown(key, self.entry.get(key)), cause, fix)
        return dataset

    def _fault(self, key: str, shown: str, cause: str, fix: str) -> None:
        name = self.entry.get("name") if isinstance(self.entry, Mapping) else None
        of_whom = f" of {name}" if isinstance(name, str) and _NAME.match(name) else ""
        where = next(
            (
                self.lines[path]
                for path in ((self.number, key), (self.number,), ())
                if path in self.lines and self.lines[path] != VARIABLE
            ),
            "",
        )
        what = f"{VARIABLE}[{self.number}]{f'.{key}' if key else ''}{of_whom}"
        self.faults.append(
            SettingsError(f"{what} is {shown}{f' ({where})' if where else ''}.", cause, fix)
        )


def _name(given: Any) -> dict[str, Any]:
    if not isinstance(given, str) or not _NAME.match(given):
        raise WrongValueError(
            "A name is what messages and confirmations call a dataset.",
            "write letters, digits, dots, hyphens and underscores.",
        )
    return {"name": given}


def _path(given: Any) -> dict[str, Any]:
    if given == "/":
        raise WrongValueError(
            "The root of the cache is alluxio_root_ufs, mounted by `site`.",
            "name a directory below it.",
        )
    if not isinstance(given, str) or not given.startswith("/") or not _is_plain(given):
        raise WrongValueError(
            "A path of the cache begins with / and has no `.`, `..` or empty part.",
            "write it as /imagenet.",
        )
    return {"path": given.rstrip("/")}


def _ufs(given: Any) -> dict[str, Any]:
    if not isinstance(given, str) or not given:
        raise WrongValueError("It is the address of a store.", "write it as s3://BUCKET/PREFIX/.")
    found = _SCHEME.match(given)
    if found is None:
        if not given.startswith("/") or not _is_plain(given):
            raise WrongValueError(
                "A store is an address such as s3://bucket/, or an absolute path that is mounted in every pod.",
                "write it as scheme://place/.",
            )
        return {"ufs": given.rstrip("/") or "/"}
    scheme, rest = found.group(1), found.group(2)
    if scheme not in SCHEMES:
        raise WrongValueError(
            f"No such scheme is supported: {', '.join(SCHEMES)} are, and paths.",
            closest(scheme, SCHEMES) or "use one of these.",
        )
    place = rest.partition("/")[0]
    # Alluxio mounts what `..` and the like lead to: each run would find another mount than declared.
    if (
        not _is_plain(f"/{rest.removeprefix('/')}")
        or (scheme in S3 and not place)
        or withheld.has_keys(given)
    ):
        raise WrongValueError(
            "After the scheme stands the bucket or the host, no credentials, no `?`, and no `.`, `..` or empty part.",
            f"write it as {scheme}://PLACE/PREFIX/.",
        )
    return {"ufs": given.rstrip("/")}


def _options(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise WrongValueError(
            "Options are a mapping.", "write it as {endpoint: https://s3.example.com}."
        )
    secret = sorted(str(key) for key in given if looks_secret(str(key)))
    if secret:
        raise WrongValueError(
            f"{secret[0]} is secret, and stands in the inventory, in results and diffs.",
            "name a Secret in `secret`.",
        )
    if any(isinstance(value, Mapping | list) for value in given.values()):
        raise WrongValueError(
            "An option is a single value.", "write text, a number, true or false."
        )
    user = sorted(str(key) for key, value in given.items() if withheld.has_user(str(value)))
    if user:
        raise WrongValueError(
            f"{user[0]} has a user in its address, and stands in the inventory, in results and diffs.",
            "write the address alone, and name a Secret in `secret`.",
        )
    return {"options": store_properties(given)}


def _load(given: Any) -> dict[str, Any]:
    if isinstance(given, bool):
        return {"load": ("",) if given else ()}
    parts = [part for part in given if isinstance(part, str)] if isinstance(given, list) else []
    if not parts or len(parts) < len(given) or not all(_is_plain(f"/{part}") for part in parts):
        raise WrongValueError(
            "It is true, or a list of paths below the dataset's own.", "write it as [train, val]."
        )
    found = sorted({part.strip("/") for part in parts})
    # What lies below another one is loaded with it.
    return {"load": tuple(part for part in found if not any(_within(part, o) for o in found))}


def _within(path: str, other: str) -> bool:
    return path != other and path.startswith(f"{other}/")


def _pin(given: Any) -> dict[str, Any]:
    if isinstance(given, bool):
        return {"pin": given}
    if not isinstance(given, list) or not given or not set(given) <= set(MEDIA):
        raise WrongValueError(
            f"It is true, or a list of media of the tiers: {', '.join(MEDIA)}.",
            "write true, or [MEM].",
        )
    return {"pin": True, "media": tuple(sorted(set(given)))}


def _ttl(given: Any) -> dict[str, Any]:
    found = _TTL.match(str(given)) if not isinstance(given, bool) else None
    if found is None:
        raise WrongValueError(
            "It is a time.", "write seconds, or a number with s, m, h or d, such as 7d."
        )
    return {"ttl_s": int(found.group(1)) * _SECONDS[found.group(2)]}


def _number(key: str, least: int) -> Callable[[Any], dict[str, Any]]:
    def check(given: Any) -> dict[str, Any]:
        if isinstance(given, bool) or not re.match(r"^-?[0-9]+$", str(given)) or int(given) < least:
            raise WrongValueError(
                "It is a number of workers.", f"write a whole number, {least} or greater."
            )
        return {key: int(given)}

    return check


def _flag(key: str) -> Callable[[Any], dict[str, Any]]:
    def check(given: Any) -> dict[str, Any]:
        if not isinstance(given, bool):
            raise WrongValueError("It is a claim.", "write true or false.")
        return {key: given}

    return check


def _secret(given: Any) -> dict[str, Any]:
    if not isinstance(given, str) or not re.match(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", given):
        raise WrongValueError(
            "It is the name of a Secret in alluxio_namespace (a-z, 0-9, `-` and `.`), not what is in it.",
            "make one with the keys accessKeyId and secretKey, and name it.",
        )
    return {"secret": given}


def _state(given: Any) -> dict[str, Any]:
    if given not in STATES:
        raise WrongValueError("There is no such state.", f"write one of {', '.join(STATES)}.")
    return {"state": given}


KEYS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "name": _name,
    "path": _path,
    "ufs": _ufs,
    "secret": _secret,
    "options": _options,
    "read_only": _flag("read_only"),
    "shared": _flag("shared"),
    "load": _load,
    "pin": _pin,
    "replication_min": _number("replication_min", 0),
    "replication_max": _number("replication_max", -1),
    "ttl": _ttl,
    "state": _state,
}
"""What a dataset can have, and what reads each value."""


def _is_plain(path: str) -> bool:
    """Whether each part of an absolute path is a name."""
    parts = path.rstrip("/").split("/")[1:]
    return bool(parts) and all(part not in ("", ".", "..") for part in parts)


def _contradictions(one: Dataset, given: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(key, cause, fix) of what each key allows but that cannot be together."""
    if one.secret and not one.is_s3:
        yield "secret", "Credentials are handed to the S3 client only.", "remove it, or use s3://."
    if not one.ufs:
        for key in ("options", "read_only", "shared"):
            if key in given:
                cause = "It says how a store is mounted, and without `ufs` none is."
                yield key, cause, "remove it, or set ufs."
    if one.ttl_s and one.pin:
        yield "ttl", "`pin` keeps what `ttl` frees.", "remove one of the two."
    if one.state == FREED and (one.load or one.pin):
        yield "state", "freed says that nothing is cached.", "remove `load` and `pin`, or `state`."
    if one.replication_min and not one.pin:
        cause = "To Alluxio what has a least number of copies is pinned, and nothing else has one."
        yield "replication_min", cause, "set pin, or leave it out."
    if one.replication_max != -1 and one.replication_max < max(one.replication_min, 1):
        cause = f"replication_min is {one.replication_min}, and each block has to be somewhere."
        yield "replication_max", cause, "set more, or leave it out."


def _clashes(datasets: Sequence[Dataset]) -> Iterator[SettingsError]:
    """A name twice, and paths or stores that lie in each other."""
    for number, one in enumerate(datasets):
        for other in datasets[:number]:
            if one.name == other.name:
                yield SettingsError(
                    f"{VARIABLE} has two datasets with the name {one.name}.",
                    "Confirmations and the summary go by name.",
                    "give one of them another name.",
                )
            if _leaves_for(one, other):
                continue
            if overlap(one.path, other.path):
                yield SettingsError(
                    f"{one.name} is at {one.path} and {other.name} at {other.path} in {VARIABLE}.",
                    "What is done to one would be done to a part of the other.",
                    "put them beside each other.",
                )
            if one.ufs and other.ufs and overlap(one.ufs, other.ufs):
                yield SettingsError(
                    f"{one.name} mounts {one.ufs}/ and {other.name} {other.ufs}/ in {VARIABLE}.",
                    "Alluxio mounts no part of a store twice.",
                    "mount it once; `load` names parts of it.",
                )


def _leaves_for(one: Dataset, other: Dataset) -> bool:
    """Whether one of two mounts goes before the other one is made, as when a dataset gets another name.

    At one path they would take turns: each run would unmount what the run before has mounted.
    """
    is_one_absent = (one.state == ABSENT) != (other.state == ABSENT)
    return is_one_absent and bool(one.ufs and other.ufs) and one.path != other.path


def overlap(one: str, other: str) -> bool:
    """Whether two paths or addresses are one, or one lies in the other."""
    # Two names of one client and one store.
    first, second = (re.sub("^s3a://", "s3://", each).rstrip("/") + "/" for each in (one, other))
    return first.startswith(second) or second.startswith(first)
