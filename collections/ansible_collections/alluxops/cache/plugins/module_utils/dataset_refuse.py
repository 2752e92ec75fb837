"""What cannot be done to the cache that is there, told before anything changes. Pure.

What is wrong with the declaration by itself is told by datasets.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import dataset_plan, dataset_state
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Actual, Mount
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import (
    ABSENT,
    CREDENTIALS,
    FREED,
    PRESENT,
    VARIABLE,
    Dataset,
    overlap,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.health import ROOM
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import counted, human
from ansible_collections.alluxops.cache.plugins.module_utils.settings import closest

REMOUNT: Final = "alluxio_confirm_remount"
LOSES: Final = "datasets_loses"


def credentials(
    one: Dataset, secret: Mapping[str, Any] | None, namespace: str
) -> tuple[dict[str, str], SettingsError | None]:
    """(properties of the mount, fault) from the Secret of a dataset as the API has it."""
    what = f"{one.name} names the Secret {one.secret}"
    if secret is None:
        return {}, SettingsError(
            f"{what}, and there is none in {namespace} ({VARIABLE}).",
            "",
            f"make it: kubectl -n {namespace} create secret generic {one.secret}"
            " --from-file=accessKeyId --from-file=secretKey.",
        )
    data = secret.get("data") or {}
    lacking = [key for key in CREDENTIALS if not data.get(key)]
    if lacking:
        has = ", ".join(sorted(map(str, data))) or "nothing"
        return {}, SettingsError(
            f"{what} of {namespace}, which has {has} and lacks {', '.join(lacking)}.",
            "The keys' names are those that alluxio_root_ufs_secret has too.",
            f"give it {' and '.join(CREDENTIALS)}.",
        )
    try:
        found = {
            name: base64.b64decode(data[key], validate=True).decode().strip()
            for key, name in CREDENTIALS.items()
        }
    except (binascii.Error, UnicodeDecodeError):
        return {}, SettingsError(f"{what}, whose keys hold no text.", "", "make it again.")
    return found, None


def against_mounts(
    datasets: Sequence[Dataset], mounts: Mapping[str, Mount]
) -> Iterator[SettingsError]:
    """Paths and stores that lie in mounts which are there, or hold them."""
    gone = {one.path for one in datasets if one.state == ABSENT}
    for one in datasets:
        for mount in mounts.values():
            is_root = mount.path == dataset_state.ROOT
            if one.state == ABSENT or mount.path == one.path or mount.path in gone:
                continue
            if one.ufs and overlap(one.ufs, mount.ufs):
                whose = "the root of the cache" if is_root else f"mounted at {mount.path}"
                inside = "leave `ufs` out: it is there already" if is_root else "mount it once"
                yield SettingsError(
                    f"{one.name} mounts {one.ufs}/, and {mount.ufs.rstrip('/')}/ is {whose}.",
                    "Alluxio mounts no part of a store twice.",
                    f"{inside}, or unmount the other one.",
                )
            elif not is_root and overlap(one.path, mount.path):
                yield SettingsError(
                    f"{one.name} is at {one.path}, and {mount.ufs}/ is mounted at {mount.path}.",
                    "A mount in another one cannot be told apart from its files.",
                    "give it a path beside that, or unmount the other one.",
                )


def against_cache(
    one: Dataset, actual: Actual, *, remounts: bool, loses: bool
) -> Iterator[SettingsError]:
    """What would be lost, or is something else than declared. remounts, loses: what this run has confirmed."""
    mount = actual.mount
    if mount is None:
        if one.ufs and actual.top is not None and one.state != ABSENT:
            yield SettingsError(
                f"{one.name} is to be mounted at {one.path}, where there is something already.",
                "A mount would hide it, so Alluxio refuses it.",
                "give it another path.",
            )
        if not one.ufs and actual.top is None and one.state != ABSENT:
            yield SettingsError(
                f"{one.name} has no `ufs`, and there is no {one.path} in the cache.",
                "Without `ufs` a dataset is a directory that is there.",
                "correct `path`, or say in `ufs` what is mounted there.",
            )
        if one.state == FREED:
            yield from _lost(one, actual.unpersisted, remounts=False, loses=False)
        return
    if not one.ufs:
        yield SettingsError(
            f"{one.name} has no `ufs`, and {mount.ufs}/ is mounted at {one.path}.",
            "What is mounted by hand is nobody's to change unless it is declared.",
            f"set ufs: {mount.ufs}/.",
        )
        return
    different = dataset_plan.differs(one, mount)
    if one.state == ABSENT:
        if mount.ufs != one.ufs:
            yield SettingsError(
                f"{one.name} is to be unmounted as {one.ufs}/, and {mount.ufs}/ is mounted at {one.path}.",
                "It is another mount than the one declared.",
                f"set ufs: {mount.ufs}/ if that is meant.",
            )
            return
    elif different and not remounts:
        yield SettingsError(
            f"the mount of {one.name} differs: {'; '.join(different)}.",
            "Alluxio has to unmount it and mount it again, which drops what is cached of it.",
            f"confirm that for one run: -e {REMOUNT}={one.name}.",
        )
    yield from _lost(one, actual.unpersisted, remounts=remounts, loses=loses)


def _lost(
    one: Dataset, lost: Sequence[str], *, remounts: bool, loses: bool
) -> Iterator[SettingsError]:
    """Files that are in no under store, and would be gone."""
    what = (
        f"{counted(len(lost), 'file')} of {one.name} not in an under store:"
        f" {', '.join(lost[:3])}{', ...' if len(lost) > 3 else ''}."
    )
    if lost and one.state == FREED:
        yield SettingsError(
            what,
            "Alluxio does not free them, nor what is beside them.",
            "`alluxio fs persist` them.",
        )
    elif lost and not loses and (one.state == ABSENT or remounts):
        yield SettingsError(
            what,
            "They would be gone with the mount.",
            f"`alluxio fs persist` them, or confirm the loss for one run: -e {LOSES}={one.name}.",
        )


def too_many_copies(datasets: Sequence[Dataset], workers: int) -> Iterator[SettingsError]:
    """More copies than there are workers. workers: those that are down for a while too."""
    for one in datasets:
        if one.state == PRESENT and one.replication_min > workers:
            yield SettingsError(
                f"replication_min of {one.name} is {one.replication_min}, and the cache has"
                f" {counted(workers, 'worker')} ({VARIABLE}).",
                "A worker holds a block once. Alluxio takes any number, and tells nobody that copies are missing.",
                f"set {workers} or less, or add workers.",
            )


def missing_parts(one: Dataset, found: Sequence[str]) -> Iterator[SettingsError]:
    """Paths to load that are not there. found: those that are."""
    for path in one.load:
        if path not in found:
            yield SettingsError(
                f"{one.name} loads {path}, which is not there.",
                "",
                f"correct `load`; {one.ufs or 'the cache'} has no such directory or file.",
            )


def sizes(
    needs: Mapping[str, int],
    media: Mapping[str, tuple[str, ...]],
    capacity_bytes: int,
    tier_bytes: Mapping[str, int],
    workers: int,
) -> Iterator[SettingsError]:
    """What does not fit. needs: bytes that each dataset takes, with its replicas; media: those that it is pinned to.

    A tier goes by the name of its medium, unless somebody has named it otherwise; then what it holds is not known.
    """
    hold = counted(workers, "worker")
    yield from _too_much(needs, capacity_bytes, f"loads or pins {{}}, and {hold} hold")
    for some in sorted(set(media.values()) - {()}):
        held = sum(tier_bytes.get(medium, 0) for medium in some)
        if set(some) <= set(tier_bytes) and held < capacity_bytes:
            inside = {name: needs[name] for name in needs if _is_within(media.get(name, ()), some)}
            where = ", ".join(some)
            yield from _too_much(inside, held, f"pins {{}} to {where}, of which {hold} hold")


def _is_within(media: Sequence[str], some: Sequence[str]) -> bool:
    return bool(media) and set(media) <= set(some)


def _too_much(needs: Mapping[str, int], capacity_bytes: int, words: str) -> Iterator[SettingsError]:
    """words: what is done with how much, and who holds the capacity."""
    total = sum(needs.values())
    room = int(capacity_bytes * ROOM)
    if total <= room:
        return
    parts = ", ".join(f"{name} {human(size)}" for name, size in needs.items() if size)
    told = words.format(f"{human(total)} ({parts})")
    yield SettingsError(
        f"{VARIABLE} {told} {human(capacity_bytes)}: {human(room)} may be filled.",
        "Workers evict before they are full. What is pinned would stop other writes, and what is loaded would drive"
        " itself out again.",
        "load or pin less (`load` takes paths), raise alluxio_worker_quota, or add workers.",
    )


def names(text: str) -> frozenset[str]:
    """The names of a confirmation."""
    return frozenset(filter(None, (part.strip() for part in text.split(","))))


def confirmation_faults(
    datasets: Iterable[Dataset], confirmations: Mapping[str, str]
) -> Iterator[SettingsError]:
    """Confirmations that name no dataset: misspelt, and so without effect."""
    known = {one.name for one in datasets}
    for variable, text in confirmations.items():
        for name in sorted(names(text) - known):
            meant = closest(name, known)
            yield SettingsError(
                f"{variable} names {name}, which no dataset is called.",
                f"There are {', '.join(sorted(known)) or 'none'}.",
                meant or f"name datasets of {VARIABLE}.",
            )
