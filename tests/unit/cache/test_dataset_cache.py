"""The steps of a plan become requests; credentials stay out of the log; a load that stands still ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    dataset_load,
    dataset_plan,
    dataset_state,
    health,
    paths_api,
)
from ansible_collections.alluxops.cache.plugins.module_utils.datasets import Dataset
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import dataset_cache
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.dataset_cache import DatasetCache
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Kube
from tests.unit.cache.dataset_answers import MOUNT_TABLE

KEYS = {"s3a.accessKeyId": "id", "s3a.secretKey": "hunter2"}
IMAGES = Dataset("images", "/sets/images", "s3://b", "keys", load=("/sets/images",), pin=True)
POD = {"name": "cache-master-0", "role": "alluxio-master", "web_port": 0, "terminating": False}
LEADER = health.Leader("cache-master-0", "2.9.6", (), ())


class Api:
    """The API server before a leader: its log levels, and what its commands print."""

    def __init__(self) -> None:
        self.levels = dict.fromkeys(paths_api.LOGS_OPTIONS, "INFO")
        self.events: list[str] = []
        self.says = "Job State: SUCCEEDED\nFiles Failed: 2"
        self.is_deaf = False
        self.pod = "cache-master-0"
        self.scripts: list[str] = []

    def pod_http(
        self, _: str, pod: str, port: int, path: str, *, method: str = "GET"
    ) -> str | None:
        """The leader's web port."""
        assert (pod, port) == (self.pod, objects.WEB_PORT)
        if path == dataset_state.MOUNT_TABLE:
            return MOUNT_TABLE
        assert method == "POST"
        if self.is_deaf:
            return None
        name, _, level = path.partition("?logName=")[2].partition("&level=")
        if level:
            self.levels[name] = level
        return json.dumps({"logName": name, "level": self.levels[name]})

    def exec(self, *where: Any, **how: Any) -> ExecResult:
        """A script in the leader."""
        del how
        script = where[3][-1]
        begins = "--submit" in script or "distributedLoad" in script
        self.events.append("submit" if begins else "ask")
        self.scripts.append(script)
        return ExecResult(0, self.says, "")


class Proxy:
    """A proxy that knows some files. comes: cached percentages of each listing, the last of them stays."""

    def __init__(self, api: Api, *comes: int) -> None:
        self.api = api
        self.comes = list(comes) or [100]
        self.levels_at_mount: list[dict[str, str]] = []
        self.listed: list[dict[str, Any]] = []
        self.looked_up: list[dict[str, Any]] = []

    def ask(self, request: paths_api.Request) -> Any:
        """Note it, and answer."""
        options = request.body.get("commonOptions", {})
        assert options.get("syncIntervalMs", -1) == -1, "that would drop what is in the cache only"
        if request.operation == "list-status":
            self.listed.append(request.body)
            percentage = self.comes.pop(0) if len(self.comes) > 1 else self.comes[0]
            return [{"path": "/sets/images/a", "length": 100, "inAlluxioPercentage": percentage}]
        self.api.events.append(f"{request.operation} {request.path}")
        if request.operation == "get-status":
            self.looked_up.append(request.body)
            return {"path": request.path, "folder": True}
        if request.operation == "mount":
            assert request.body["properties"] == KEYS
            self.levels_at_mount.append(dict(self.api.levels))
        return None

    def close(self) -> None:
        """Nothing to end."""


class Folders(Proxy):
    """One that knows two directories with a file each, which are cached once their load was begun and asked for."""

    def ask(self, request: paths_api.Request) -> Any:
        """The listing."""
        assert request.operation == "list-status"
        loads = "".join(
            self.api.scripts if self.api.events[-1:] == ["ask"] else self.api.scripts[:-1]
        )
        return [
            {
                "path": f"/sets/images/{name}/x",
                "length": 100,
                "inAlluxioPercentage": 100
                if f"distributedLoad /sets/images/{name} " in loads
                else 0,
            }
            for name in ("a", "b")
        ]


@pytest.fixture(autouse=True)
def _leads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    seen = health.Seen(pods=[POD], leader=LEADER, masters_set={})
    monkeypatch.setattr(objects, "look_at_installed", lambda *_: seen)
    monkeypatch.setattr(dataset_cache, "POLL_S", 0.0)
    monkeypatch.setattr(dataset_cache, "STILL_S", 0.0)
    return iter(())


def cache_with(api: Api, proxy: Proxy, *, asks_stores: bool = True) -> DatasetCache:
    cache = DatasetCache(cast("Kube", api), "ns", "cache", 60, asks_stores=asks_stores)
    cache._proxy = cast("Any", proxy)
    return cache


def apply(one: Dataset, api: Api, proxy: Proxy, found: dataset_state.Actual) -> list[str]:
    plan = dataset_plan.plan(one, found, 0)
    told: list[str] = []
    cache_with(api, proxy).apply(plan, KEYS, told.append)
    assert told == plan.shown
    return api.events


def test_a_dataset_is_mounted_loaded_and_then_pinned() -> None:
    api = Api()
    events = apply(IMAGES, api, Proxy(api, 0, 0, 40, 100), dataset_state.Actual())
    assert events == [
        "create-directory /sets",
        "mount /sets/images",
        "submit",
        "set-attribute /sets/images",
    ]


def test_no_store_is_asked_until_what_is_new_is_learnt() -> None:
    api = Api()
    proxy = Proxy(api)
    cache = cache_with(api, proxy)
    found = cache.actual(IMAGES, {})
    assert [body["loadMetadataType"] for body in proxy.listed] == ["NEVER"]
    assert cache.learnt(IMAGES) == found.files
    assert [body["loadMetadataType"] for body in proxy.listed] == ["NEVER", "ALWAYS"]
    assert {body["commonOptions"]["syncIntervalMs"] for body in proxy.listed} == {-1}


@pytest.mark.parametrize("asks", [True, False])
def test_a_path_never_seen_is_looked_for_in_its_store_only_by_a_run(*, asks: bool) -> None:
    """Alluxio may write the marker of a directory where it looks."""
    api = Api()
    proxy = Proxy(api)
    cache = cache_with(api, proxy, asks_stores=asks)
    cache.actual(IMAGES, {})
    cache.parts(IMAGES)
    metadata = [body.get("loadMetadataType") for body in proxy.looked_up]
    assert metadata == [None if asks else "NEVER"] * 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("PERMISSION_DENIED", "Status Code: 403, AWS Error Code: AccessDenied"),
        (paths_api.NOT_FOUND, "NoSuchBucket: The specified bucket does not exist."),
    ],
)
def test_a_store_that_does_not_answer_is_no_part_that_is_not_there(
    status: str, message: str
) -> None:
    class Fails(Proxy):
        def ask(self, request: paths_api.Request) -> Any:
            raise paths_api.PathError(request, status, message)

    with pytest.raises(CacheError) as caught:
        cache_with(Api(), Fails(Api())).parts(IMAGES)
    assert caught.value.what == f"images: get-status of /sets/images failed: {message}"
    assert (caught.value.cause, caught.value.fix) == paths_api.why_refused(message)
    message, status = 'Path "/sets/images" does not exist.', paths_api.NOT_FOUND
    assert cache_with(Api(), Fails(Api())).parts(IMAGES) == []


def test_a_worker_that_is_down_is_one_that_copies_are_asked_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = health.Seen(pods=[POD], leader=LEADER, workers_set={"replicas": 3})
    cache = cache_with(Api(), Proxy(Api()))
    assert (cache.workers, cache.wanted_workers) == (0, 0)
    monkeypatch.setattr(objects, "look_at_installed", lambda *_: seen)
    cache.look()
    assert (cache.workers, cache.wanted_workers) == (0, 3)


def test_the_log_is_silent_for_the_mount_and_speaks_again() -> None:
    api = Api()
    proxy = Proxy(api)
    api.levels["alluxio.master.file.meta.MountTable"] = "DEBUG"
    before = dict(api.levels)
    apply(replace(IMAGES, load=(), pin=False), api, proxy, dataset_state.Actual())
    assert proxy.levels_at_mount == [paths_api.LOGS_OPTIONS]
    assert api.levels == before


def test_a_log_that_a_killed_run_left_silent_speaks_again() -> None:
    api = Api()
    api.levels = dict(paths_api.LOGS_OPTIONS)
    apply(replace(IMAGES, load=(), pin=False), api, Proxy(api), dataset_state.Actual())
    assert set(api.levels.values()) == {"INFO"}


def test_the_log_of_whoever_leads_by_then_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    cache = cache_with(api, Proxy(api))
    api.pod = "cache-master-1"
    pods = [POD, {**POD, "name": api.pod}]
    seen = health.Seen(pods=pods, leader=replace(LEADER, pod=api.pod), masters_set={})
    monkeypatch.setattr(objects, "look_at_installed", lambda *_: seen)
    one = replace(IMAGES, load=(), pin=False)
    cache.apply(dataset_plan.plan(one, dataset_state.Actual(), 0), KEYS, lambda _: None)
    assert "mount /sets/images" in api.events


def test_what_cannot_be_mounted_again_is_not_unmounted() -> None:
    api = Api()
    api.is_deaf = True
    mount = dataset_state.Mount("/sets/images", "s3://c", read_only=True, shared=False)
    plan = dataset_plan.plan(IMAGES, dataset_state.Actual(mount), 0, remounts=True)
    with pytest.raises(CacheError, match="cannot be told to leave out MountTable"):
        cache_with(api, Proxy(api)).apply(plan, KEYS, lambda _: None)
    assert api.events == []


def test_a_log_that_cannot_be_silenced_gets_no_credentials() -> None:
    api = Api()
    api.is_deaf = True
    with pytest.raises(CacheError, match="cannot be told to leave out MountTable"):
        apply(IMAGES, api, Proxy(api), dataset_state.Actual())
    assert "mount /sets/images" not in api.events


def test_a_load_that_ended_early_is_begun_again() -> None:
    """As it is where a worker dies: the next load brings what is missing."""
    api = Api()
    proxy = Proxy(api, 0, 0, 30, 30, 30, 30, 60, 100)
    one = replace(IMAGES, pin=False)
    cache_with(api, proxy)._load(one)
    assert api.events.count("submit") >= 2


def test_a_block_of_a_large_file_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each watch of a load ends here after its first look without progress."""
    api = Api()
    api.says = "Job State: RUNNING"
    size, comes = 1000, iter([*range(20), 1000, 1000])

    class Blocks(Proxy):
        def ask(self, request: paths_api.Request) -> Any:
            cached = next(comes)
            percentage = 100 * cached // size
            [one] = super().ask(request)
            return [
                {**one, "length": size, "inAlluxioPercentage": percentage, "cachedBytes": cached}
            ]

    cache = cache_with(api, Blocks(api))
    monkeypatch.setattr(cache, "timeout_s", 0)
    cache._load(IMAGES)
    assert api.events == ["submit"]


def test_a_load_that_brings_nothing_is_given_up_with_its_reason() -> None:
    api = Api()
    with pytest.raises(CacheError) as caught:
        cache_with(api, Proxy(api, 0))._load(IMAGES)
    assert "1 of 1 files of images are not loaded" in str(caught.value)
    assert "2 files failed" in str(caught.value)
    assert api.events.count("submit") == dataset_cache.LOADS


def test_an_old_version_loads_part_by_part_and_is_not_asked_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dataset_load, "PART_FILES", 1)
    old = health.Seen(pods=[POD], leader=replace(LEADER, version="2.8.1"), masters_set={})
    monkeypatch.setattr(objects, "look_at_installed", lambda *_: old)
    api = Api()
    api.says = "Job State: RUNNING"
    cache_with(api, Folders(api))._load(IMAGES)
    begun = [script for script in api.scripts if "distributedLoad" in script]
    assert ["/sets/images/a >" in begun[0], "/sets/images/b >" in begun[1]] == [True, True]
    assert [
        script for script in api.scripts if "--submit" in script or "--progress" in script
    ] == []


def test_an_absent_dataset_is_only_unmounted() -> None:
    api = Api()
    mount = dataset_state.parse_mounts(MOUNT_TABLE)["/data/ds"]
    found = dataset_state.Actual(mount)
    one = Dataset("ds", "/data/ds", "s3://bkt", state="absent")
    assert apply(one, api, Proxy(api), found) == ["unmount /data/ds"]


def test_the_proxy_runs_beside_the_leader_but_not_in_the_masters_container() -> None:
    """What takes a container beyond its memory limit ends it."""
    place = cache_with(Api(), Proxy(Api()))._leader_place()
    assert (place.pod, place.container) == ("cache-master-0", "alluxio-job-master")
