"""Pods that a verb makes for itself are waited for as long as there is hope, explained, and removed."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import own_pods as made
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import own_pods
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods
from tests.unit.cache.kube_objects import container, event

Json = dict[str, Any]
FOREVER = float("inf")


def one(name: str, *states: Json, phase: str = "Running", node: str = "n1", **status: Any) -> Json:
    """A pod as the API has it; its containers `measure` and `fuse` have images of these names."""
    images = {"measure": "toolbox:1", "fuse": "alluxio:2"}
    containers = [{"name": each, "image": image} for each, image in images.items()]
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node, "containers": containers},
        "status": {"phase": phase, "containerStatuses": list(states), **status},
    }


def ended(name: str, exit_code: int) -> Json:
    """A container's status."""
    state = {"terminated": {"exitCode": exit_code, "reason": "Error"}}
    return {"name": name, "ready": False, "restartCount": 0, "state": state}


class Cluster:
    """A cluster whose objects come and go as a test has them; later: the pods of each next look."""

    def __init__(self, *pods: Json, later: tuple[list[Json], ...] = ()) -> None:
        self.looks = [list(pods), *later]
        self.jobs: list[Json] = []
        self.events: list[Json] = []
        self.deleted: list[str] = []

    def list_objects(self, path: str, selector: str = "") -> list[Json]:
        if path.endswith("/events"):
            return self.events
        assert selector == "alluxops/release=r,alluxops/task=t"
        if path.endswith("/jobs"):
            return self.jobs
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def delete(self, path: str, **_: Any) -> bool:
        self.deleted.append(path.partition("/ns/")[2])
        return True

    def pod_log(self, _: str, pod: str, name: str, **__: Any) -> str:
        return f"ModuleNotFoundError in {name} of {pod}"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def pods(cluster: Cluster, **more: Any) -> OwnPods:
    return OwnPods(cast("Kube", cluster), "ns", "r", "t", "the test", **more)


def why(cluster: Cluster, timeout_s: float = FOREVER, **more: Any) -> str:
    with pytest.raises(CacheError) as caught:
        pods(cluster, **more).running(2, Patience(timeout_s))
    return str(caught.value)


def test_pods_are_waited_for_until_all_their_containers_run() -> None:
    starting = container("fuse", ready=False, waiting="ContainerCreating")
    first = one("a", container("measure"), container("fuse"))
    gone = {
        **one("old", container("measure")),
        "metadata": {"name": "old", "deletionTimestamp": "x"},
    }
    half = one("b", container("measure"), starting)
    whole = one("b", container("measure"), container("fuse"))
    cluster = Cluster(gone, first, later=([first, half], [first, whole]))
    assert pods(cluster).running(2, Patience(5)) == [first, whole]


def test_a_container_that_is_done_counts_where_it_may_end() -> None:
    done = one("a", ended("measure", 0), phase="Succeeded")
    assert pods(Cluster(done)).running(1, Patience(5), may_end=True) == [done]
    with pytest.raises(CacheError, match="a on node n1 does not start: it has succeeded"):
        pods(Cluster(done)).running(1, Patience(FOREVER))


def test_an_image_that_is_missing_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    state = container("measure", ready=False, waiting="ImagePullBackOff")
    state["state"]["waiting"]["message"] = "pull access denied"
    first = one("a", container("measure"))
    pulled = one("b", container("measure"))
    # The first pull may fail.
    cluster = Cluster(first, one("b", state), later=([first, pulled],))
    assert pods(cluster, toolbox="toolbox:1").running(2, Patience(5)) == [first, pulled]
    monkeypatch.setattr(own_pods, "GRACE_S", -1)
    text = why(Cluster(first, one("b", state)), toolbox="toolbox:1")
    assert "n1 has not got the image toolbox:1: pull access denied" in text
    assert "alluxops_toolbox_image" in text
    # Another container's image is none of ours.
    state["name"] = "fuse"
    text = why(Cluster(first, one("b", state)), toolbox="toolbox:1")
    assert "b on node n1 does not start: ImagePullBackOff" in text
    assert "toolbox" not in text


def test_a_secret_that_is_missing_is_no_missing_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_pods, "GRACE_S", -1)
    state = container("measure", ready=False, waiting="CreateContainerConfigError")
    state["state"]["waiting"]["message"] = 'secret "s3" not found'
    text = why(Cluster(one("a", state)), toolbox="toolbox:1")
    assert "the pod mounts the Secret s3, which does not exist" in text


def test_a_pod_that_has_ended_is_told_at_once_with_its_log() -> None:
    text = why(Cluster(one("a", ended("measure", 127), phase="Failed")))
    assert "a on node n1 does not start" in text
    assert "ModuleNotFoundError in measure of a" in text


def test_a_pod_that_a_node_does_not_take_is_told_at_once() -> None:
    taken = one("a", phase="Failed", reason="OutOfcpu", message="Node didn't have enough cpu")
    text = why(Cluster(taken))
    assert "does not start: OutOfcpu" in text
    assert "Node didn't have enough cpu" in text


def test_a_pod_that_fits_nowhere_is_told_when_the_time_is_over() -> None:
    waiting = one("a", {"name": "measure", "ready": False, "state": {"waiting": {}}}, node="")
    cluster = Cluster(waiting)
    cluster.events = [event("Pod", "a", "FailedCreatePodSandBox", "no network")]
    text = why(cluster, 0.0, nodes={"a": "n7"})
    assert "a on node n7 does not start" in text
    assert "no network" in text


def test_a_job_that_may_make_no_pod_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_pods, "GRACE_S", -1)
    cluster = Cluster()
    cluster.jobs = [{"metadata": {"name": "r-t"}}]
    message = 'pods "r-t" is forbidden: violates PodSecurity "restricted:latest"'
    cluster.events = [event("Job", "r-t", "FailedCreate", message)]
    assert "the namespace enforces Pod Security level restricted" in why(cluster)


def test_pods_of_which_nothing_is_known_are_not_waited_for_longer_than_asked() -> None:
    text = why(Cluster(one("a", container("measure"))), 0.0)
    assert "the test: 1 of 2 pods run after 0 s" in text
    assert "kubectl -n ns describe jobs,pods -l alluxops/release=r,alluxops/task=t" in text


def test_pods_and_their_jobs_are_removed_and_waited_for() -> None:
    going = {"metadata": {"name": "b", "deletionTimestamp": "x"}}
    cluster = Cluster(one("a"), going, later=([going], []))
    pods(cluster).remove(Patience(5))
    assert cluster.deleted == ["pods/a"]
    assert cluster.looks == [[]]
    cluster.jobs = [{"metadata": {"name": "r-t"}}]
    with pytest.raises(CacheError, match="r-t does not end"):
        pods(cluster).remove(Patience(0))
    assert cluster.deleted[1:] == ["jobs/r-t"]


def test_what_the_release_pulls_with_is_in_every_pod() -> None:
    image = made.image_of({"imagePullSecrets": ["a", {"name": "b"}], "imageTag": "2"})
    assert image.runs() == {"image": "alluxio/alluxio:2", "imagePullPolicy": "IfNotPresent"}
    found = made.spec(image.pull_secrets, grace_s=2, containers=[])
    assert found["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]
    assert found["terminationGracePeriodSeconds"] == 2
    assert "imagePullSecrets" not in made.spec([], grace_s=2)


def test_a_job_has_the_labels_of_its_pods() -> None:
    labels = made.labels("r", "t")
    found = made.job({"name": "x", "labels": labels}, {}, lifetime_s=9, parallelism=2)
    assert found["spec"]["template"]["metadata"]["labels"] == labels
    assert (found["spec"]["activeDeadlineSeconds"], found["spec"]["parallelism"]) == (9, 2)
    assert made.selector("r", "t") == ",".join(
        f"{key}={labels[key]}" for key in ("alluxops/release", "alluxops/task")
    )
