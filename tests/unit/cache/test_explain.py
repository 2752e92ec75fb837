"""A pod that does not start is explained: reason, log line, cause and fix."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.explain import (
    Trouble,
    explain,
    failed,
    known_cause,
    pod_trouble,
    reason,
    set_reason,
    set_trouble,
    telling_lines,
)
from tests.unit.cache.kube_objects import container, event, fixture, pod

Json = dict[str, Any]

TMPFS_LOG = """\
2026-01-01 00:00:00,000 INFO  NettyUtils - EPOLL_MODE is available
2026-01-01 00:00:01,000 ERROR AlluxioWorker - Failed to create worker process
java.lang.IllegalStateException: tmpfs is smaller than the configured size: 1000000000 < 1073741824
\tat alluxio.worker.block.meta.StorageDir.check(StorageDir.java:1)
\tat alluxio.worker.AlluxioWorker.main(AlluxioWorker.java:2)
"""


def worker(statuses: list[Json]) -> Json:
    return pod("alluxio-worker-x", "alluxio-worker", "n2", statuses)


def test_the_default_quota_of_upstream_is_explained() -> None:
    crashing = worker(
        [
            container(
                "alluxio-worker", ready=False, restarts=3, waiting="CrashLoopBackOff", exit_code=1
            )
        ]
    )
    trouble = pod_trouble(crashing, [])
    assert trouble is not None
    assert (trouble.container, trouble.hopeless, trouble.previous) == ("alluxio-worker", True, True)
    what, cause, fix = explain(trouble, TMPFS_LOG, 48)
    assert what.startswith(
        "alluxio-worker-x on node n2 does not start: CrashLoopBackOff (waited 48 s)."
    )
    assert "Log: java.lang.IllegalStateException: tmpfs is smaller" in what
    assert "10^9" in cause
    assert "1073741824" in fix


def test_an_image_that_cannot_be_pulled_is_hopeless_and_named() -> None:
    master = fixture("pods_image_pull")["items"][0]
    trouble = pod_trouble(master, fixture("events_image_pull")["items"])
    assert trouble is not None
    assert trouble.hopeless
    assert trouble.reason in {"ImagePullBackOff", "ErrImagePull"}
    what, cause, fix = explain(trouble, "", 20)
    assert "Kubernetes: " in what
    assert "alluxio/alluxio:2.9.6" in cause
    assert "alluxio_version" in fix


def test_a_pod_that_is_merely_starting_has_no_trouble() -> None:
    starting = worker(
        [container("alluxio-worker", ready=False), container("alluxio-job-worker", ready=False)]
    )
    assert pod_trouble(starting, []) is None
    creating = worker([container("alluxio-worker", ready=False, waiting="ContainerCreating")])
    assert pod_trouble(creating, []) is None


def test_a_pod_that_restarted_once_may_still_come_up() -> None:
    trouble = pod_trouble(
        worker([container("alluxio-worker", ready=False, restarts=1, exit_code=1)]), []
    )
    assert trouble is not None
    assert not trouble.hopeless


def test_a_container_that_came_back_is_no_trouble() -> None:
    assert (
        pod_trouble(worker([container("alluxio-worker", ready=True, restarts=5, exit_code=1)]), [])
        is None
    )


def test_a_container_killed_for_its_memory_is_told() -> None:
    killed = worker(
        [
            container(
                "alluxio-worker", ready=False, restarts=4, waiting="CrashLoopBackOff", exit_code=137
            )
        ]
    )
    trouble = pod_trouble(killed, [])
    assert trouble is not None
    assert trouble.reason == "OOMKilled"
    assert "limits.memory" in explain(trouble, "", 10)[2]


def test_a_mount_that_fails_is_told_from_the_last_event() -> None:
    waiting = worker([container("alluxio-worker", ready=False, waiting="ContainerCreating")])
    message = 'MountVolume.SetUp failed: path "/mnt/fuse3/a/b/domain" does not exist'
    events = [
        event("Pod", "alluxio-worker-x", "Scheduled", "assigned", "2026-01-01T00:00:01Z"),
        event("Pod", "alluxio-worker-x", "FailedMount", message, "2026-01-01T00:00:03Z"),
        event("Pod", "someone-else", "FailedMount", "not ours", "2026-01-01T00:00:04Z"),
    ]
    trouble = pod_trouble(waiting, events)
    assert trouble is not None
    assert trouble.reason == "FailedMount"
    _, cause, fix = explain(trouble, "", 10)
    assert "/mnt/fuse3/a/b/domain is missing" in cause
    assert "node_storage" in fix


def test_a_container_that_runs_without_becoming_ready_is_named_with_its_probe() -> None:
    half = worker([container("alluxio-worker"), container("alluxio-job-worker", ready=False)])
    probe = event(
        "Pod",
        "alluxio-worker-x",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
    )
    probe["involvedObject"]["fieldPath"] = "spec.containers{alluxio-job-worker}"
    trouble = pod_trouble(half, [probe])
    assert trouble is not None
    assert (trouble.reason, trouble.container, trouble.hopeless) == (
        "alluxio-job-worker is not ready",
        "alluxio-job-worker",
        False,
    )
    what, _, _ = explain(trouble, "WARN RestUtils - Unexpected error invoking rest endpoint\n", 600)
    assert "statuscode: 500" in what
    assert "Unexpected error" in what


def test_a_container_that_is_ready_again_is_no_trouble_for_an_old_probe() -> None:
    fine = worker([container("alluxio-worker"), container("alluxio-job-worker")])
    probe = event("Pod", "alluxio-worker-x", "Unhealthy", "Readiness probe failed")
    probe["involvedObject"]["fieldPath"] = "spec.containers{alluxio-job-worker}"
    assert pod_trouble(fine, [probe]) is None


def test_a_pod_that_fits_nowhere_is_told() -> None:
    pending = pod("alluxio-master-0", "alluxio-master", "")
    pending["status"] = {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "message": "0/3 nodes are available: 3 node(s) had untolerated taint {for: gpu}.",
            }
        ],
    }
    trouble = pod_trouble(pending, [])
    assert trouble is not None
    assert trouble.reason == "not scheduled"
    assert "for: gpu" in explain(trouble, "", 10)[1]


def test_a_set_that_may_make_no_pods_is_told() -> None:
    message = 'pods "w" is forbidden: violates PodSecurity "restricted:latest": hostPath volumes'
    trouble = set_trouble(
        "DaemonSet",
        "alluxio-worker",
        [event("DaemonSet", "alluxio-worker", "FailedCreate", message)],
    )
    assert trouble is not None
    assert trouble.hopeless
    assert "level restricted" in explain(trouble, "", 1)[1]


@pytest.mark.parametrize(
    ("line", "in_cause"),
    [
        (
            "java.lang.RuntimeException: Journal /journal/BlockMaster has not been formatted!",
            "no formatted journal",
        ),
        (
            "java.nio.file.AccessDeniedException: /journal/JobJournal",
            "may not write /journal/JobJournal",
        ),
        ("com.amazonaws: NoSuchBucket: The specified bucket does not exist", "bucket"),
        ("AmazonS3Exception: InvalidAccessKeyId", "does not accept the credentials"),
        (
            "Caused by: java.net.UnknownHostException: alluxio-master-0",
            "alluxio-master-0 does not resolve",
        ),
        ("Caused by: java.net.BindException: Address already in use", "has the port"),
        ("java.lang.OutOfMemoryError: Direct buffer memory", "direct memory"),
        (
            "RejectedExecutionException: Task j.FutureTask@4f51 rejected from j.Pool@f8b5[Terminated, size = 0]",
            "closed its connection",
        ),
        ("java.lang.OutOfMemoryError: Java heap space", "heap is too small"),
        ("No UnderFileSystem Factory found for: gs://bucket", "gs://bucket"),
        ("java.io.IOException: No space left on device", "full"),
    ],
)
def test_causes_that_the_field_knows(line: str, in_cause: str) -> None:
    found = known_cause(["INFO fine\n" + line + "\n\tat a.b(C.java:1)"])
    assert found is not None
    assert found[0] == line
    assert in_cause in found[1]
    assert found[2]


def test_an_unknown_failure_shows_what_the_log_said_and_where_to_look() -> None:
    trouble = Trouble(
        "alluxio-master-0",
        "n1",
        "restarting",
        "ended with 1",
        container="alluxio-master",
        previous=True,
    )
    what, cause, fix = explain(
        trouble, "INFO a\nERROR something odd\n\tat x.y(Z.java:3)\nINFO b\n", 30
    )
    assert "Log: ERROR something odd" in what
    assert "x.y" not in what
    assert cause == ""
    assert fix.startswith("see `kubectl logs alluxio-master-0 -c alluxio-master --previous`")


def test_a_log_without_telling_lines_shows_its_end() -> None:
    assert telling_lines("a\nb\nc\nd\n", 2) == ["c", "d"]


def test_a_mount_that_failed_before_the_containers_started_is_past() -> None:
    events = [
        {
            "reason": "FailedMount",
            "message": "no relationship found between node and this object",
            "involvedObject": {"kind": "Pod", "name": "p"},
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }
    ]
    waiting = {"name": "c", "state": {"waiting": {"reason": "ContainerCreating"}}, "ready": False}
    running = {"name": "c", "state": {"running": {}}, "ready": False}
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}}
    held = pod_trouble({**pod, "status": {"containerStatuses": [waiting]}}, events)
    assert held is not None
    assert held.reason == "FailedMount"
    assert pod_trouble({**pod, "status": {"containerStatuses": [running]}}, events) is None


UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes fit:\n no memory"}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (
            {"phase": "Pending", "conditions": [UNSCHEDULABLE]},
            "not scheduled: 0/3 nodes fit: no memory",
        ),
        ({"phase": "Pending"}, "Pending"),
        (
            {"containerStatuses": [container("c", ready=False, waiting="ContainerCreating")]},
            "c: ContainerCreating",
        ),
        (
            {"containerStatuses": [container("c", ready=False, waiting="ImagePullBackOff")]},
            "ImagePullBackOff",
        ),
        (
            {
                "containerStatuses": [
                    container("c", ready=False, waiting="CrashLoopBackOff", restarts=2, exit_code=1)
                ]
            },
            "CrashLoopBackOff: c ended with 1 (Error), 2 restarts.",
        ),
        (
            {"phase": "Running", "containerStatuses": [container("c", ready=False)]},
            "it runs, and its probes have not passed yet",
        ),
    ],
)
def test_a_pod_that_is_not_ready_tells_why_in_one_line(status: Json, why: str) -> None:
    assert reason({"metadata": {"name": "p"}, "status": status}, []) == why


def test_what_its_events_say_is_told_of_a_pod_and_of_a_set_without_pods() -> None:
    waiting = {"containerStatuses": [container("c", ready=False, waiting="ContainerCreating")]}
    events = [
        event("Pod", "p", "FailedMount", "no such volume"),
        event("DaemonSet", "d", "FailedCreate", "quota exceeded"),
    ]
    assert reason({"metadata": {"name": "p"}, "status": waiting}, events) == (
        "FailedMount: no such volume"
    )
    assert set_reason("DaemonSet", "d", events) == "FailedCreate: quota exceeded"
    assert set_reason("DaemonSet", "other", events) == ""


def test_a_command_that_failed_is_told_by_its_output() -> None:
    what, cause, fix = failed("no list:", TMPFS_LOG, "see the store.")
    assert what.startswith("no list:\n")
    assert "tmpfs is smaller" in what
    assert "1000000000 bytes to Kubernetes" in cause
    assert "1073741824" in fix
    assert failed("no list:", "", "see the store.") == ("no list:", "", "see the store.")


def test_a_cause_reads_on_where_the_log_does_not_name_what_it_speaks_of() -> None:
    _, cause, _ = known_cause(["ErrImagePull"]) or ("", "", "")
    assert cause == "the node cannot get the image."


def test_a_node_that_is_full_is_told_and_not_that_the_journal_ties_the_pod_to_it() -> None:
    event = (
        "0/3 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity,"
        " 2 Insufficient cpu. no new claims to deallocate"
    )
    _, cause, fix = known_cause([event]) or ("", "", "")
    assert cause == "no node that may carry the pod has enough cpu left for what it requests."
    assert "resources.requests" in fix
