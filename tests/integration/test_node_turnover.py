"""A node leaves the cluster and comes back by the verbs, twice, while others run on it and a pinned file is read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.files_under_test import Files, quick_clients
from tests.integration.lab_under_test import RunningLab
from tests.integration.newcomer_under_test import OURS, Newcomer, beside_its_cache

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

NAME = "turnover"
PREFIX = "turnover-"
READ = f"/{PREFIX}read"
TURNS = 2
OTHERS = "others"


@pytest.fixture(scope="module")
def newcomer(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    """A spare node beside a cache whose clients hear at once of workers that go."""
    spare = lab.spare_node(debian=12)
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.forget(PREFIX)
    with beside_its_cache(Newcomer(cache, spare, quick_clients(lab))) as found:
        yield found
    cache.forget(PREFIX)


def removed(newcomer: Newcomer) -> Outcome:
    """The run of `remove-workers` that drains the node and takes it out of the cluster."""
    settings = {
        **OURS,
        **newcomer.settings,
        "alluxio_confirm_remove": newcomer.node,
        "remove_workers_leave_cluster": True,
    }
    return newcomer.cache.apply("remove-workers", "--limit", newcomer.node, **settings)


def run_others(newcomer: Newcomer) -> None:
    """Two pods of somebody else's, the node's rather than others', of which one has to serve all the time."""
    lab = newcomer.lab
    worker = next(
        pod
        for pod in newcomer.cache.pods().values()
        if pod["metadata"]["labels"]["role"] == "alluxio-worker"
    )
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [newcomer.node]}
    chosen = [{"weight": 100, "preference": {"matchExpressions": [here]}}]
    selector = {"matchLabels": {"app": OTHERS}}
    container = {
        "name": OTHERS,
        "image": worker["spec"]["containers"][0]["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "86400"],
    }
    place = {"name": OTHERS, "namespace": NAME}
    pod = {
        "terminationGracePeriodSeconds": 1,
        "affinity": {
            "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": chosen},
        },
        "containers": [container],
    }
    template = {"metadata": {"labels": {"app": OTHERS}}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": place,
        "spec": {"replicas": 2, "selector": selector, "template": template},
    }
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": place,
        "spec": {"minAvailable": 1, "selector": selector},
    }
    both = {"apiVersion": "v1", "kind": "List", "items": [deployment, budget]}
    lab.run("kubectl", "apply", "-f", "-", stdin=json.dumps(both))
    settled(lab)


def settled(lab: RunningLab) -> None:
    """Wait until both of the others serve."""
    wait = ("rollout", "status", f"deployment/{OTHERS}", "-n", NAME, "--timeout=150s")
    lab.kubectl(*wait, timeout_s=180)


def back_on(newcomer: Newcomer) -> None:
    """Start the others anew, so that they are on the node again, which they prefer."""
    newcomer.lab.kubectl("rollout", "restart", f"deployment/{OTHERS}", "-n", NAME)
    settled(newcomer.lab)


@contextmanager
def ready_meanwhile(lab: RunningLab) -> Iterator[list[int]]:
    """How many of the others serve, looked at again and again."""
    seen: list[int] = []
    ended = threading.Event()
    path = "jsonpath={.status.readyReplicas}"

    def look() -> None:
        while not ended.wait(0.3):
            seen.append(
                int(lab.kubectl("get", "deployment", OTHERS, "-n", NAME, "-o", path) or "0")
            )

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield seen
    finally:
        ended.set()
        watch.join()


def only_on(newcomer: Newcomer, files: Files, path: str) -> None:
    """Have a file on the node's worker and on no other's."""
    newcomer.cache.script(f"alluxio fs free -f {path}")
    newcomer.cache.wait_for("the file to be freed", lambda: files.holders(path) == [])
    client = f"-Dalluxio.user.hostname={files.address(newcomer.node)}"
    files.beside(newcomer.node, f"alluxio fs {client} load --local {path}")


def nodes_of_others(lab: RunningLab) -> set[str]:
    pods = lab.objects("pods", "-n", NAME, "-l", f"app={OTHERS}")
    return {pod["spec"]["nodeName"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}


def test_a_node_leaves_and_comes_back_twice_and_no_read_of_a_pinned_file_fails(
    newcomer: Newcomer,
) -> None:
    files = Files(newcomer.cache)
    lab, node = newcomer.lab, newcomer.node
    newcomer.apply()
    digest = files.write(READ, node, "CACHE_THROUGH")
    newcomer.cache.script(f"alluxio fs pin {READ}")
    assert files.cached(READ) == "100%"
    run_others(newcomer)
    for turn in range(TURNS):
        if turn:
            back_on(newcomer)
            only_on(newcomer, files, READ)
        assert node in nodes_of_others(lab)
        assert files.holders(READ) == [node]
        only = f"/{PREFIX}{turn}"
        written = files.write(only, node, "MUST_CACHE")
        with files.reading(READ, digest):
            with ready_meanwhile(lab) as ready:
                gone = removed(newcomer)
            assert len(ready) > 3
            assert min(ready) >= 1
            assert f"{node}  removed" in gone.output
            assert node not in newcomer.nodes()
            settled(lab)
            assert node not in nodes_of_others(lab)
            left = f"ls -d /etc/kubernetes/kubelet.conf {newcomer.cache.root} 2>/dev/null; pgrep -x kubelet; true"
            assert newcomer.sh(left) == ""
            assert (files.cached(READ), files.cached(only)) == ("100%", "100%")
            assert files.digest(only) == written

            back = newcomer.apply()
            assert f"{node}  worker in " in back.output
            assert set(newcomer.workers()) == {*newcomer.nodes()}
            assert newcomer.tokens() == ""
    assert ", 0 changed" in newcomer.apply().output
