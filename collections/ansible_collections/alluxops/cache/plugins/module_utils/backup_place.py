"""Where the backups of a release lie, and which of those that lie there are its own. Pure.

Two clusters may share a bucket, and each have a release of the same name. Alluxio's file names do not say whose a
backup is, so its directory does: else one cluster would remove the other's backups, and restore them as the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ansible_collections.alluxops.cache.plugins.module_utils import backup
from ansible_collections.alluxops.cache.plugins.module_utils.backup import File, Source
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

SHOWN_OF_OTHERS = 3
KEPT = "before-changes"


@dataclass(frozen=True)
class Place:
    """Whose backups. cluster: uid of the namespace kube-system.

    kept: those that a verb makes before it changes what they hold. No schedule removes them, and `latest` means none of
    them: what they hold may be a part, or of an Alluxio that is left again.
    """

    namespace: str
    release: str
    cluster: str
    kept: bool = False

    @property
    def shared(self) -> str:
        """The directory above those of all clusters, as a path of the cache. alluxops wrote into it once."""
        return f"/{backup.FOLDER}/{self.namespace}/{self.release}"

    @property
    def in_cache(self) -> str:
        """The directory of this cluster's release, as a path of the cache."""
        own = f"{self.shared}/{self.cluster}".rstrip("/")
        return f"{own}/{KEPT}" if self.kept else own

    def in_ufs(self, root_ufs: str) -> str:
        """The same for `fsadmin backup`: below what the root mount shows, so that the cache can list and delete it."""
        path = urlsplit(root_ufs).path if "://" in root_ufs else root_ufs
        return f"{path.rstrip('/')}{self.in_cache}"

    def on_controller(self, to: str) -> str:
        """The same under a directory of the controller."""
        return f"{to.rstrip('/')}{self.in_cache.removeprefix(f'/{backup.FOLDER}')}"


def uri_in_ufs(root_ufs: str, folder: str, name: str) -> str:
    """The address of a file in the root UFS, as alluxio.master.journal.init.from.backup takes it.

    folder: a path of the cache. With its scheme: without one Alluxio would look for it on the master's own disk.
    """
    base = urlsplit(root_ufs)
    start = f"{base.scheme}://{base.netloc}" if base.scheme else ""
    path = base.path if base.scheme else root_ufs
    return f"{start}{path.rstrip('/')}{folder}/{name}"


def pick(
    files: Sequence[File],
    wanted: Source,
    place: Place,
    root_ufs: str,
    where: str,
    *,
    going_back: bool = False,
) -> File:
    """The backup that `latest` or a name means, of all files below place.shared. Raises SettingsError.

    A backup that may be another cluster's is taken only where it is given by its address. going_back: to what was
    before a change, so that `latest` means kept ones too.
    """
    kept = [file for file in files if file.folder == replace(place, kept=True).in_cache]
    own = [file for file in files if file.folder == place.in_cache]
    unowned = [file for file in files if file.folder == place.shared]
    if going_back or wanted.kind == "name":
        own += kept
    if wanted.kind == "name":
        named = [each for each in (own, unowned) if wanted.value in {file.name for file in each}]
        if named:
            return backup.choose(named[0], wanted, where)
        candidates = [file for file in backup.whole(files) if file.name == wanted.value]
    else:
        mine, unclear = backup.whole(own)[-1:], backup.whole(unowned)[-1:]
        others = _newest_of_others(files, place)
        if mine and not (unclear and unclear[0].name > mine[0].name):
            return mine[0]
        if unclear and not mine and not others:
            return unclear[0]
        candidates = [*mine, *unclear, *others]
    whole = backup.whole(kept)
    if not candidates and whole and wanted.kind == "latest":
        raise _only_kept(whole[-1], root_ufs, where)
    if not candidates:
        return backup.choose(own or unowned, wanted, where)
    listed = ", ".join(uri_in_ufs(root_ufs, file.folder, file.name) for file in candidates)
    raise SettingsError(
        f"restore_from is {wanted.value or backup.LATEST}, and which backup in {where} that is for this cluster,"
        f" {place.cluster}, is not clear.",
        f"There are {listed}. A directory is named after its cluster, by the uid of the namespace kube-system, which a"
        f" rebuilt one has anew; those in {place.shared} itself were made before alluxops told clusters apart.",
        "give the address of the one that is meant in restore_from.",
    )


def _only_kept(newest: File, root_ufs: str, where: str) -> SettingsError:
    return SettingsError(
        f"there is no backup in {where} but those that verbs made before a change, such as"
        f" {uri_in_ufs(root_ufs, newest.folder, newest.name)}.",
        "One of these may hold a part only, as of a restore that did not end, or be of an Alluxio that was left again.",
        "give the address of the one that is meant in restore_from.",
    )


def _newest_of_others(files: Sequence[File], place: Place) -> list[File]:
    """The newest whole backup of each other cluster; the newest few of those."""
    newest = {
        file.folder: file
        for file in backup.whole(files)
        if file.folder not in {place.in_cache, place.shared}
        and not file.folder.endswith(f"/{KEPT}")
    }
    return sorted(newest.values(), key=lambda file: file.name)[-SHOWN_OF_OTHERS:]
