"""Both sides are listed and read by the right client, the store only where its digest is not enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    check_targets,
    consistency,
    paths_api,
)
from ansible_collections.alluxops.cache.plugins.module_utils.dataset_state import Mount
from ansible_collections.alluxops.cache.plugins.module_utils.digest_script import Digest
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    CacheError,
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.paths_api import PathError
from ansible_collections.alluxops.cache.plugins.plugin_utils import content_check, digests
from ansible_collections.alluxops.cache.plugins.plugin_utils.check_files import Proofs
from ansible_collections.alluxops.cache.plugins.plugin_utils.content_check import ContentCheck
from ansible_collections.alluxops.cache.plugins.plugin_utils.paths_proxy import PathsProxy
from ansible_collections.alluxops.cache.plugins.plugin_utils.store_look import StoreLook
from tests.unit.cache.check_cases import CONTENT, MD5, entry

Json = dict[str, Any]
SIZE = len(CONTENT)
MOUNTS = {
    "/": Mount("/", "s3://root", False, False),
    "/d": Mount("/d", "s3://b", True, False),
}


class Proxy:
    """A proxy with some files, and their contents' digests."""

    def __init__(self, *files: Json, digests_of: dict[str, Digest] | None = None) -> None:
        self.files = list(files)
        self.digests = digests_of or {}
        self.hidden: set[str] = set()
        self.requests: list[paths_api.Request] = []
        self.read: list[str] = []
        self.starts = 1
        self.renewed = 0
        self.counted: set[str] = set()

    def at(self) -> int:
        """Which start of it this is."""
        return self.starts

    def ask(self, request: paths_api.Request) -> Any:
        """List what is below a path, or tell of one."""
        self.requests.append(request)
        listed = request.operation == "list-status"
        found = [
            one
            for one in self.files
            if check_targets.is_below(one["path"], request.path)
            and not (listed and one["path"] in self.hidden)
        ]
        if not found and not any(request.path.startswith(top) for top in ("/store-1", "/store-0")):
            raise PathError(request, paths_api.NOT_FOUND, f'Path "{request.path}" does not exist.')
        if listed:
            return found
        if not found:
            raise PathError(request, paths_api.NOT_FOUND, f'Path "{request.path}" does not exist.')
        return found[0]


class Cache:
    """What of DatasetCache is used."""

    kube, namespace, release, timeout_s = None, "ns", "cache", 60


@pytest.fixture(autouse=True)
def _reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def read(
        _: Any, proxy: Proxy, sizes: dict[str, int], __: float, *, counts: bool = True
    ) -> dict[str, Digest]:
        proxy.counted |= set(sizes) if counts else set()
        proxy.read += list(sizes)
        return {path: proxy.digests.get(path, Digest(MD5, SIZE)) for path in sizes}

    monkeypatch.setattr(digests, "read", read)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def check_of(reader: Proxy, stores: Proxy, *paths: str) -> ContentCheck:
    parts = check_targets.parts(paths or ["/d"], MOUNTS)
    look = StoreLook(cast("PathsProxy", stores), cast("Any", None), "pod")
    secrets = ["hunter2"]

    def renew() -> None:
        stores.renewed += 1

    return ContentCheck(cast("Any", Cache()), look, cast("Any", reader), parts, [], secrets, renew)


def test_the_cache_is_asked_without_any_look_at_its_stores() -> None:
    reader, stores = Proxy(entry("/d/a")), Proxy(entry("/store-1/a"))
    found = check_of(reader, stores).compare()
    assert (found.findings, [one.path for one in found.same]) == ((), ["/d/a"])
    [request] = reader.requests
    assert request.body["loadMetadataType"] == "NEVER"
    assert request.body["commonOptions"] == {"syncIntervalMs": -1}
    assert stores.requests[0].body["commonOptions"] == {"syncIntervalMs": 0}


def test_a_second_look_forgets_what_the_first_has_listed() -> None:
    stores = Proxy(entry("/store-1/a"))
    check = check_of(Proxy(entry("/d/a")), stores)
    check.compare()
    assert stores.renewed == 0
    check.compare()
    assert stores.renewed == 1
    # What was there at first and was forgotten is no mistake of whoever named it.
    check.reader, stores.files = cast("Any", Proxy()), []
    assert check.compare().findings == ()


def test_what_a_listing_has_passed_over_is_asked_for_by_itself() -> None:
    stores = Proxy(entry("/store-1/a"), entry("/store-1/b"))
    stores.hidden = {"/store-1/b"}
    found = check_of(Proxy(entry("/d/a"), entry("/d/b"), entry("/d/c")), stores).compare()
    assert [(one.path, one.kind) for one in found.findings] == [("/d/c", consistency.MISSING)]


@pytest.mark.parametrize(("there", "asked"), [(0, 10), (1, 100)])
def test_where_much_is_missing_some_of_it_is_asked_for_first(there: int, asked: int) -> None:
    names = [f"{number:03d}" for number in range(100)]
    stores = Proxy(*(entry(f"/store-1/{name}") for name in names[:there]))
    stores.hidden = {one["path"] for one in stores.files}
    found = check_of(Proxy(*(entry(f"/d/{name}") for name in names)), stores).compare()
    assert len(found.findings) == 100 - there
    assert len(stores.requests) == 1 + asked


def test_what_cannot_be_read_on_either_side_is_the_stores_fault() -> None:
    gone = Digest(why="gone")
    reader = Proxy(entry("/d/a"), digests_of={"/d/a": Digest(why="broken")})
    check = check_of(reader, Proxy(entry("/store-1/a"), digests_of={"/store-1/a": gone}))
    [found] = check.read(check.compare().same).findings
    assert found.detail == f"{consistency.IN_STORE}gone"


def test_mounts_and_backups_in_the_root_are_not_the_roots_files() -> None:
    folder = {"path": "/d", "folder": True}
    backup = entry("/store-0/alluxio_backups/ns/x.gz")
    reader = Proxy(folder, entry("/d/a"))
    stores = Proxy(backup, entry("/store-0/own"), entry("/store-0/d/hidden"), entry("/store-1/a"))
    found = check_of(reader, stores, "/").compare()
    assert (found.findings, found.unknown, len(found.same)) == ((), 1, 1)


def test_a_path_that_is_nowhere_is_refused() -> None:
    with pytest.raises(ManySettingsErrors, match="there is no /d/nix"):
        check_of(Proxy(), Proxy(), "/d/nix").compare()


def test_a_store_that_does_not_answer_is_told_without_its_keys() -> None:
    class Deaf(Proxy):
        def ask(self, request: paths_api.Request) -> Any:
            raise PathError(request, "", "hunter2: InvalidAccessKeyId")

    with pytest.raises(SettingsError, match="does not accept the credentials") as caught:
        check_of(Proxy(), Deaf()).compare()
    assert "hunter2" not in str(caught.value)


def test_the_store_is_read_only_where_its_hash_is_no_proof() -> None:
    parts = f"CONTENT_HASH|{MD5}-2 "
    two = {"ufsFingerprint": parts}
    wrong = Digest("0" * 32, SIZE)
    reader = Proxy(
        *(entry(f"/d/{name}") for name in "abd"), entry("/d/c", **two),
        digests_of={"/d/b": wrong, "/d/d": Digest(why="gone")},
    )  # fmt: skip
    stores = Proxy(*(entry(f"/store-1/{name}") for name in "abd"), entry("/store-1/c", **two))
    check = check_of(reader, stores)
    content = check.read(check.compare().same)
    # What its store's digest does not prove at once is read again, to its last byte.
    assert reader.read == ["/d/a", "/d/b", "/d/d", "/d/b", "/d/c", "/d/d"]
    assert reader.counted == {"/d/b", "/d/c", "/d/d"}
    assert stores.read == ["/store-1/b", "/store-1/c", "/store-1/d"]
    assert [(one.path, one.kind) for one in content.findings] == [
        ("/d/b", consistency.DIFFERS),
        ("/d/d", consistency.UNREADABLE),
    ]
    assert (content.files, content.read, content.store_files) == (4, 4, 3)


def test_an_interrupted_check_reads_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "BATCH_FILES", 2)
    names = "abcdef"
    reader = Proxy(*(entry(f"/d/{name}") for name in names))
    check = check_of(reader, Proxy(*(entry(f"/store-1/{name}") for name in names)))
    same = check.compare().same
    read = digests.read

    def breaks(kube: Any, proxy: Any, sizes: Any, timeout_s: float, **how: bool) -> Any:
        if "/d/c" in sizes:
            raise KeyboardInterrupt
        return read(kube, proxy, sizes, timeout_s, **how)

    monkeypatch.setattr(digests, "read", breaks)
    with pytest.raises(KeyboardInterrupt):
        check.read(same, Proofs({}))
    monkeypatch.setattr(digests, "read", read)
    reader.read.clear()
    content = check.read(same, Proofs({}))
    assert reader.read == ["/d/c", "/d/d", "/d/e", "/d/f"]
    assert (content.files, content.earlier, content.read) == (6, 2, 4)


@pytest.mark.parametrize("is_of_stores", [False, True])
def test_a_job_that_began_anew_is_not_believed_for_what_it_has_not_mounted(
    monkeypatch: pytest.MonkeyPatch, *, is_of_stores: bool
) -> None:
    """One that is lost while the cache is read is mounted anew; while it is read itself, what it says is nothing."""
    stores = Proxy(entry("/store-1/a"))
    check = check_of(Proxy(entry("/d/a"), digests_of={"/d/a": Digest("0" * 32, SIZE)}), stores)
    same = check.compare().same
    read = digests.read

    def breaks(kube: Any, proxy: Any, sizes: Any, timeout_s: float, **how: bool) -> Any:
        if (proxy is stores) == is_of_stores:
            stores.starts = 2
        return read(kube, proxy, sizes, timeout_s, **how)

    monkeypatch.setattr(digests, "read", breaks)
    if is_of_stores:
        with pytest.raises(CacheError, match="was lost"):
            check.read(same)
    else:
        assert [one.kind for one in check.read(same).findings] == [consistency.DIFFERS]
    assert stores.renewed == (0 if is_of_stores else 1)


def test_a_job_that_began_anew_between_batches_is_mounted_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What reads through the cache for hours needs the stores only now and then."""
    monkeypatch.setattr(consistency, "BATCH_FILES", 1)
    wrong = Digest("0" * 32, SIZE)
    stores = Proxy(entry("/store-1/a"), entry("/store-1/b"))
    check = check_of(Proxy(entry("/d/a"), entry("/d/b"), digests_of={"/d/b": wrong}), stores)
    same = check.compare().same
    stores.starts = 2
    assert [one.kind for one in check.read(same).findings] == [consistency.DIFFERS]
    assert (stores.renewed, stores.read) == (1, ["/store-1/b"])
    stores.starts = 3
    check.keep_stores()
    assert check.is_stored("/d/a")
    assert stores.renewed == 2


def test_a_job_that_began_anew_while_it_was_listed_makes_nothing_missing() -> None:
    class Lost(Proxy):
        def ask(self, request: paths_api.Request) -> Any:
            self.starts = 2
            return super().ask(request)

    with pytest.raises(CacheError, match="was lost"):
        check_of(Proxy(entry("/d/a")), Lost()).compare()


def test_a_second_look_asks_the_store_and_no_job_that_began_anew() -> None:
    stores = Proxy(entry("/store-1/a"))
    check = check_of(Proxy(entry("/d/a"), entry("/d/b")), stores)
    check.compare()
    assert check.is_stored("/d/a")
    assert not check.is_stored("/d/b")
    stores.starts = 2
    with pytest.raises(CacheError, match="was lost"):
        check.is_stored("/d/b")


def test_a_job_that_began_anew_is_mounted_anew_for_another_look() -> None:
    stores = Proxy(entry("/store-1/a"))
    check = check_of(Proxy(entry("/d/a")), stores)
    check.compare()
    stores.starts = 2
    check.compare()
    assert check.is_stored("/d/a")


def test_what_is_not_mounted_is_mounted_all_the_same() -> None:
    events: list[str] = []

    class Anew(Proxy):
        def at(self) -> int:
            events.append("at")
            return 1

        def ask(self, request: paths_api.Request) -> Any:
            events.append(request.operation)
            raise PathError(request, "INVALID_ARGUMENT", "no mount point")

    look = StoreLook(cast("PathsProxy", Anew()), cast("Any", None), "pod")
    parts = check_targets.parts(["/d"], MOUNTS)
    content_check._renew(look, parts, lambda: events.append("mount"))
    assert events == ["at", "unmount", "mount"]


def test_a_file_that_was_wrong_is_read_again_by_the_next_check() -> None:
    reader = Proxy(entry("/d/a"), digests_of={"/d/a": Digest("0" * 32, SIZE)})
    check = check_of(reader, Proxy(entry("/store-1/a")))
    same = check.compare().same
    for _ in range(2):
        assert len(check.read(same, Proofs({})).findings) == 1


def test_its_clients_reads_leave_everything_as_it_was() -> None:
    properties = content_check.LEAVES_ALL
    assert properties["alluxio.user.file.readtype.default"] == "NO_CACHE"
    assert properties["alluxio.user.file.metadata.sync.interval"] == "-1"
    assert properties["alluxio.user.file.metadata.load.type"] == "NEVER"
    assert properties["alluxio.user.file.passive.cache.enabled"] == "false"
