"""Which workers may go, and in which steps: refused before anything changes, planned from what runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import removal, removal_report
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.removal import Target, Wish, Worker
from ansible_collections.alluxops.cache.plugins.module_utils.settings import (
    CONFIRMATIONS,
    confirmation_faults,
)
from tests.unit.cache.test_cached_blocks import MIB, file

WISH = Wish("cache", "alluxio", "n3", "n3")
N3 = Target("n3", "n3", listed=True, labelled=True, worker_pod="alluxio-worker-c")
GONE = Target("n3", "n3", listed=True)


def worker(node: str, *files: Any, capacity: int = 100 * MIB, used: int = MIB) -> Worker:
    return Worker(node, f"alluxio-worker-{node}", f"10.0.0.{node[1:]}", capacity, used, files)


def wish(**over: Any) -> Wish:
    return replace(WISH, **over)


@pytest.mark.parametrize(
    ("version", "method"),
    [
        ("2.9.6", "decommission"),
        ("2.9.4-custom", "decommission"),
        ("2.10.0", "decommission"),
        ("2.9.3", "free"),
        ("2.9.1", "free"),
        ("2.9.0", "stop"),
        ("2.8.1", "stop"),
        ("unknown", "stop"),
    ],
)
def test_the_running_version_says_how_a_worker_is_retired(version: str, method: str) -> None:
    assert removal.method_of(version) == method


@pytest.mark.parametrize(
    ("targets", "wanted", "told"),
    [
        ([N3], wish(limit=""), "without --limit"),
        ([N3], wish(confirmed=""), "-e alluxio_confirm_remove=n3"),
        ([N3], wish(confirmed="n2"), "alluxio_confirm_remove is 'n2'"),
        ([N3], wish(confirmed="n3,n2"), "means n3"),
        ([replace(GONE, listed=False)], WISH, "n3 is no worker of alluxio"),
        ([replace(N3, needed=("alluxio/alluxio-master-0",))], wish(drain=True), "alluxio-master-0"),
        ([replace(N3, needed=("alluxio/alluxio-master-0",))], wish(leave=True), "leave_cluster"),
        ([replace(N3, unmanaged=("default/lonely",))], wish(drain=True), "default/lonely"),
        (
            [replace(N3, others=("b/b-worker-x",))],
            wish(drain=True),
            "b/b-worker-x on n3 is another",
        ),
        (
            [replace(N3, others=("b/b-worker-x",))],
            wish(leave=True),
            "b/b-worker-x on n3 is another",
        ),
        ([replace(N3, server="alluxio-zookeeper-2")], WISH, "alluxio-zookeeper-2 runs on n3"),
    ],
)
def test_what_cannot_work_is_refused(targets: list[Target], wanted: Wish, told: str) -> None:
    with pytest.raises(SettingsError) as error:
        removal.refuse(targets, ["n1", "n2"], wanted)
    assert told in str(error.value)
    assert "Fix: " in str(error.value)


def test_all_faults_are_told_at_once() -> None:
    other = SettingsError("n3 is another machine.", fix="correct it.")
    with pytest.raises(SettingsError) as error:
        removal.refuse([N3], [], wish(leave=True, confirmed=""), [other])
    assert str(error.value).count("Error: ") == 3


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (N3, WISH),
        (N3, wish(confirmed=" n3 ")),
        (GONE, WISH),
        # Taken out of the inventory, and not yet out of the cluster.
        (replace(N3, listed=False), WISH),
        # A master matters only where the node is to be emptied.
        (replace(N3, needed=("alluxio/alluxio-master-0",)), WISH),
    ],
)
def test_what_can_work_is_not(target: Target, wanted: Wish) -> None:
    removal.refuse([target], ["n1"], wanted)


def test_the_last_worker_is_not_taken() -> None:
    with pytest.raises(SettingsError, match="no worker of alluxio would be left"):
        removal.refuse([N3], [], WISH)
    removal.refuse([GONE], [], WISH)  # nothing is left to be done, so nothing to be refused


def test_what_is_cached_must_fit_on_those_that_stay() -> None:
    staying = [worker("n1", capacity=10 * MIB, used=6 * MIB)]
    with pytest.raises(SettingsError, match="remove_workers_evicts"):
        removal.plan([N3], [worker("n3", used=5 * MIB)], staying, WISH, "2.9.6")
    removal.plan([N3], [worker("n3", used=5 * MIB)], staying, wish(evicts=True), "2.9.6")
    removal.plan([N3], [worker("n3", used=4 * MIB)], staying, WISH, "2.9.6")


def test_what_is_pinned_must_fit_even_where_the_rest_may_be_evicted() -> None:
    staying = [worker("n1", file("/there", 7, 8), capacity=3 * MIB)]
    leaving = [worker("n3", file("/pinned", 1, 2))]
    with pytest.raises(SettingsError, match="/pinned"):
        removal.plan([N3], leaving, staying, wish(evicts=True), "2.9.6")


def test_the_steps_of_a_removal() -> None:
    leaving = [worker("n3", file("/pinned", 1, 2), file("/cached", 3, pinned=False))]
    plan = removal.plan(
        [N3], leaving, [worker("n1"), worker("n2", used=0)], wish(leave=True), "2.9.6"
    )
    assert [one.path for one in plan.copies["n1"]] == ["/pinned"]
    assert list(plan.shown) == [
        "1. cordon and drain n3",
        "2. copy 1 file (2097152 bytes) that must not be lost to n1",
        "3. decommission n3, and wait until clients have heard and it is idle",
        "4. take the label from n3; its pods end",
        "5. clean n3: dead FUSE mounts, the worker's directories",
        "6. take n3 out of the cluster",
    ]


def test_older_versions_free_or_just_stop() -> None:
    def shown(version: str) -> str:
        return "\n".join(removal.plan([N3], [worker("n3")], [worker("n1")], WISH, version).shown)

    assert "free the blocks of n3" in shown("2.9.3")
    assert "decommission" not in shown("2.9.0")
    assert "free" not in shown("2.9.0")


def test_a_removal_that_was_done_has_no_steps() -> None:
    assert removal.plan([GONE], [], [worker("n1")], WISH, "2.9.6").shown == ()
    gone = replace(GONE, exists=False)
    assert removal.plan([gone], [], [worker("n1")], wish(leave=True), "2.9.6").shown == ()


def test_an_interrupted_removal_goes_on_with_what_is_left() -> None:
    decommissioned = replace(worker("n3"), host="", used_bytes=0)
    plan = removal.plan([N3], [decommissioned], [worker("n1")], WISH, "2.9.6")
    assert [step[3:7] for step in plan.shown] == ["take", "clea"]
    unlabelled = replace(N3, labelled=False)
    assert (
        removal.plan([unlabelled], [], [worker("n1")], WISH, "2.9.6").shown[0].startswith("1. take")
    )


def test_a_removal_that_was_stopped_before_it_cleaned_goes_on_with_that() -> None:
    unclean = replace(GONE, uncleaned=True, blocks_left=3)
    removal.refuse([unclean], ["n1"], WISH)
    # Taken out of the inventory too early.
    removal.refuse([replace(unclean, listed=False)], ["n1"], WISH)
    plan = removal.plan([unclean], [], [worker("n1")], WISH, "2.9.6")
    assert list(plan.shown) == ["1. clean n3: dead FUSE mounts, the worker's directories"]
    # Without the note nobody knows whether its blocks were copied.
    unknown = replace(unclean, uncleaned=False)
    with pytest.raises(SettingsError, match="no worker answers on n3"):
        removal.plan([unknown], [], [worker("n1")], WISH, "2.9.6")
    lost = removal.plan([unknown], [], [worker("n1")], wish(loses="n3"), "2.9.6")
    assert list(lost.shown) == list(plan.shown)
    # A label that came back means a worker that has to say what it holds.
    with pytest.raises(SettingsError, match="no worker answers on n3"):
        removal.plan([replace(unclean, labelled=True)], [], [worker("n1")], WISH, "2.9.6")


def test_what_bootstrap_gave_to_the_node_is_in_the_plan() -> None:
    target = replace(N3, given=("pool=a", "taint own=cache:NoSchedule"))
    shown = removal.plan([target], [worker("n3")], [worker("n1")], WISH, "2.9.6").shown
    assert (
        "take from n3 what bootstrap-workers gave it: pool=a, taint own=cache:NoSchedule"
        in (shown[2])
    )


def test_the_commands_that_retire() -> None:
    assert removal.retiring("decommission", ["10.0.0.2", "10.0.0.3"]) == (
        "alluxio fsadmin decommissionWorker --addresses 10.0.0.2,10.0.0.3 --wait 1s\n"
    )
    assert removal.retiring("free", ["10.0.0.2"]) == "set -e\nalluxio fs freeWorker 10.0.0.2\n"


def test_a_file_that_only_a_retired_worker_has_is_not_thrown_away() -> None:
    only = file("/only", 1, pinned=False, persisted=False)
    retired = replace(worker("n3", only), host="")
    with pytest.raises(SettingsError, match="/only is in no under store, and only on") as error:
        removal.plan([N3], [retired], [worker("n1")], WISH, "2.9.6")
    assert "kubectl -n cache exec alluxio-worker-n3 -c alluxio-worker -- kill 1" in error.value.fix
    removal.refuse_stranded([only], [worker("n3", only)], "cache")
    removal.refuse_stranded([file("/pinned", 1)], [retired], "cache")  # the under store has it


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2min\n", 120),
        ("5sec", 5),
        ("90000", 90),
        ("500ms", 0.5),
        ("1h", 3600),
        ("", 120),
        ("?", 120),
    ],
)
def test_how_long_clients_keep_their_list(text: str, seconds: float) -> None:
    assert removal.refresh_s(text) == seconds


def test_the_inventory_s_lines() -> None:
    assert removal.inventory_lines(["n1", "n2", "n3"], ["n3"]) == ["cache_workers: n1, n2"]
    assert removal.inventory_lines(["n1", "n2"], ["n3"]) == []


def test_a_mount_that_hangs_is_told_with_what_to_do() -> None:
    mounts = [{"point": "/mnt/a", "state": "hung"}, {"point": "/mnt/b", "state": "serving"}]
    result = {"mounts": mounts, "purged": [], "kept": [], "directories": []}
    said = removal_report.lines("alluxio", [removal_report.Host("n3", node_result=result)])[1]
    assert "still mounted: /mnt/b · /mnt/a does not answer: delete its FUSE pod" in said


def test_a_check_says_what_would_be_done() -> None:
    result = {
        "mounts": [{"point": "/mnt/alluxio-fuse", "state": "serving"}],
        "purged": ["/mnt/fuse3/alluxio/alluxio/tier0"],
        "kept": [],
        "directories": [],
    }
    host = removal_report.Host("n3", is_dry=True, left_cluster=True, node_result=result)
    assert removal_report.lines("alluxio", [host])[1].split(" · ") == [
        "  n3  would be removed",
        "would delete /mnt/fuse3/alluxio/alluxio/tier0",
        "would leave the cluster",
    ]


def test_the_report_has_a_line_for_each_host() -> None:
    result = {
        "mounts": [{"point": "/mnt/alluxio-fuse", "state": "detached"}],
        "purged": ["/mnt/fuse3/alluxio/alluxio/tier0"],
        "kept": [],
        "directories": [{"path": "/mnt/fuse3/alluxio/alluxio/journal"}],
    }
    hosts = [
        removal_report.Host("n3", node_result=result),
        removal_report.Host("worker4", was_removed=True, left_cluster=True),
    ]
    title, *told = removal_report.lines("alluxio", hosts)
    assert title == "workers of alluxio"
    assert [line.split(" · ") for line in told] == [
        [
            "  n3       removed",
            "detached /mnt/alluxio-fuse",
            "deleted /mnt/fuse3/alluxio/alluxio/tier0",
            "left /mnt/fuse3/alluxio/alluxio/journal",
        ],
        [
            "  worker4  already removed",
            "not reached: its directories and mounts are as they were",
            "no node of the cluster any more",
        ],
    ]


def test_what_is_left_in_a_tier_is_told_with_the_reason() -> None:
    path = "/mnt/ssd/alluxioworker"
    tier = {"path": path, "files": 2, "bytes": 10, "mounted": False, "used": ""}
    result: dict[str, Any] = {"mounts": [], "purged": [], "kept": [], "directories": []}

    def told(**over: Any) -> str:
        host = removal_report.Host("n3", node_result={**result, "tiers": [{**tier, **over}]})
        return removal_report.lines("alluxio", [host])[1]

    assert f"left {path} (2 files, 10 bytes): java (process 7 of pod a/b); end it" in told(
        used="java (process 7 of pod a/b)"
    )
    assert "has a file system mounted in it" in told(mounted=True)


def test_a_node_is_clean_when_nothing_is_left_for_another_run() -> None:
    tier = {"path": "/mnt/ssd/alluxioworker", "used": ""}
    assert removal_report.is_clean({"mounts": [], "tiers": [tier]})
    assert not removal_report.is_clean({"mounts": [], "tiers": [{**tier, "used": "java"}]})
    assert not removal_report.is_clean({})
    assert not removal_report.is_clean({"unreachable": True})
    assert not removal_report.is_clean({"mounts": [], "failed": True})


def test_a_disk_that_is_unmounted_is_told_and_not_as_kept() -> None:
    tier = "/mnt/fuse3/alluxio/alluxio/tier0"
    device = {"unmounted": "/dev/sdb", "point": tier}
    result = {"mounts": [], "purged": [tier], "kept": [], "directories": []}
    done = removal_report.Host("n3", node_result=result, device_result=device)
    assert "unmounted /dev/sdb, which keeps its data" in removal_report.lines("alluxio", [done])[1]
    # In check mode node_residue still finds it mounted.
    result = {**result, "purged": [], "kept": [tier]}
    dry = replace(done, is_dry=True, node_result=result)
    told = removal_report.lines("alluxio", [dry])[1]
    assert "would unmount /dev/sdb" in told
    assert "kept" not in told.replace("keeps", "")
    other = replace(dry, device_result={"unmounted": "", "point": tier})
    assert f"kept {tier}" in removal_report.lines("alluxio", [other])[1]


def test_a_confirmation_in_the_inventory_is_refused_with_the_hosts_to_give() -> None:
    values = {**dict.fromkeys(CONFIRMATIONS, ""), "alluxio_release": "alluxio"}
    values["alluxio_confirm_remove"] = "n3"
    (fault,) = confirmation_faults(values, [], {"alluxio_confirm_remove": "hosts.yml:4"})
    assert "alluxio_confirm_remove is 'n3' (hosts.yml:4)" in fault.what
    assert fault.fix.endswith("-e alluxio_confirm_remove=n3")
    assert confirmation_faults(values, ["alluxio_confirm_remove"], {}) == []
