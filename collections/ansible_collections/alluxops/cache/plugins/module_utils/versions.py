"""Versions of Alluxio: of an image's tag, of what runs, and which may follow which. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ansible_collections.alluxops.cache.plugins.module_utils.cluster import MASTER_ROLE
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

Change = Literal["refused", "restore", "upward", "any"]
Numbers = tuple[int, int, int]

_NUMBERS = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(?!\d)")


def numbers(tag: str) -> Numbers | None:
    """The version in an image's tag, whatever follows it: 2.9.6-custom is 2.9.6. None for a tag that names none."""
    found = _NUMBERS.match(tag)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def text(tag: str) -> str:
    """The same as text; the tag itself where it names no version."""
    found = numbers(tag)
    return ".".join(map(str, found)) if found else tag


def is_build_of(version: str, tag: Any) -> bool:
    """Whether an image's tag names a build of a version, such as 2.9.6-custom: which one is the user's to choose."""
    return str(tag).startswith(f"{version}-")


def tag_of(image: str) -> str:
    """The tag of an image reference; empty where it has none. A registry's port and a digest are no tag."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def name_of(image: str) -> str:
    """An image reference without its tag and its digest."""
    return image.partition("@")[0].removesuffix(f":{tag_of(image)}")


def newest(tags: Iterable[str]) -> str:
    """The tag of the newest version; empty where none names a version."""
    known = [(found, tag) for tag in tags if (found := numbers(tag))]
    return max(known)[1] if known else ""


def running(cluster: Mapping[str, Any]) -> str:
    """The tag of the newest Alluxio that serves or served from a release's journal; empty where there is no release.

    cluster: {pods, masters, leader_version}, as read_cluster returns them. Masters count, workers write no journal.
    What the leader says counts where no tag names a version.
    """
    pods = cluster.get("pods") or []
    masters = cluster.get("masters") or {}
    image = str(masters.get("image") or "")
    of_masters = [pod for pod in pods if pod["role"] == MASTER_ROLE]
    ran = [pod["image"] for pod in of_masters if pod["started"]]
    elsewhere = [used for used in ran if used != image]
    no_image = any(pod["no_image"] and pod["image"] == image for pod in of_masters)
    # A pod that served may be gone, or made anew and waiting. One whose image cannot be had served nothing.
    if not no_image and len(elsewhere) < max(int(masters.get("replicas") or 0), 1):
        ran.append(image)
    found = newest(map(tag_of, ran))
    if not found and no_image:
        found = newest(tag_of(pod["image"]) for pod in pods if pod["started"])
    said = str(cluster.get("leader_version") or "")
    return found or (said if said and numbers(tag_of(image)) is None else tag_of(image))


def behind(cluster: Mapping[str, Any], wanted: str) -> str:
    """The tag of the oldest Alluxio that a master runs which is to run another; empty where none is known to.

    cluster: as in running(), which tells the newest.
    """
    masters = [pod for pod in cluster["pods"] if pod["role"] == MASTER_ROLE and pod["started"]]
    goal, ran = numbers(wanted), [tag_of(pod["image"]) for pod in masters]
    others = [(found, tag) for tag in ran if (found := numbers(tag)) and goal and found != goal]
    return min(others)[1] if others else ""


def others(cluster: Mapping[str, Any], image: str) -> list[str]:
    """The images that masters run which are to run this one; of masters that never started, what they were told to.

    cluster: as in running().
    """
    pods, masters = cluster.get("pods") or [], cluster.get("masters") or {}
    ran = {pod["image"] for pod in pods if pod["role"] == MASTER_ROLE and pod["started"]}
    return sorted((ran or {str(masters.get("image") or image)}) - {image})


def check_change(found: str, wanted: str, change: Change) -> None:
    """Raise SettingsError where a release that runs one version may not be taken to the other by this verb.

    found, wanted: image tags; nothing is known of what runs where found names no version. change: restore refuses what
    refused does; who restores means something else than who deploys.
    """
    if change == "restore":
        try:
            check_change(found, wanted, "refused")
        except SettingsError as error:
            cause = "`restore` fills a new cache; it takes none that is there to another version."
            raise SettingsError(error.what, cause, _instead_of_restore(found, wanted)) from error
        return
    before, after = numbers(found), numbers(wanted)
    if before is None and after is not None and change == "refused":
        raise SettingsError(
            f"the tag of the running image ({found or 'none'}) names no version, and alluxio_version is {wanted}.",
            "No master serves that would tell it. A newer Alluxio converts the journal, an older one may not read it.",
            "repair the masters first (`alluxops status`): one that serves tells its version. `alluxops upgrade` goes"
            " on where the journal may be lost.",
        )
    if before is None or after is None or before == after or change == "any":
        return
    told = f"the release runs Alluxio {text(found)}, and alluxio_version is {wanted}."
    if after < before:
        raise SettingsError(
            told,
            "A journal that a newer Alluxio wrote may not be readable by an older one.",
            f"set alluxio_version: {found}; `alluxops rollback` goes back where that loses nothing, and says how else.",
        )
    if change == "refused":
        raise SettingsError(
            told,
            "A new version needs a backup first, and its masters restarted one by one.",
            f"`alluxops upgrade` does that; to leave it, set alluxio_version: {found}.",
        )


def _instead_of_restore(found: str, wanted: str) -> str:
    """The verbs that change a version, and the way of a backup that is to take this cache's place."""
    before, after = numbers(found), numbers(wanted)
    by = "`alluxops upgrade` changes the version"
    if before and after and after < before:
        by = "`alluxops rollback` goes back to an older version, with restore_from to a backup that it can read"
    fix = (
        f"{by}. To put a backup in this cache's place, take it away first (`alluxops uninstall` with"
        " alluxio_confirm_purge)."
    )
    kept = f" To go on with a restore that did not end, set alluxio_version: {found}."
    return fix + kept if before else fix
