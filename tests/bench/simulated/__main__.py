"""The inner part of the topic `simulated`, run in a sealed world by topic.py.

    python -m tests.bench.simulated PLAN ANSWER

PLAN is JSON text: sizes, programs. The answer is JSON too: a list of takes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.simulated import release
from tests.bench.simulated.cluster import LEADER_ADDRESS, Cluster
from tests.bench.simulated.leader import Leader
from tools.repository import ROOT

HERE = Path(__file__).parent
PODS = f"/api/v1/namespaces/{release.NAMESPACE}/pods"
APPS = f"/apis/apps/v1/namespaces/{release.NAMESPACE}"
MASTER = f"{release.RELEASE}-master-0"
FILLING_S = 1800
OF_NEW_WORKERS = "bootstrap's plan"
"""The verb whose hosts are new; all others find them among the workers."""
VERBS: Mapping[str, Sequence[str]] = {
    "status": ("playbooks/status.yml",),
    "verify, reading": ("playbooks/verify.yml", "--check"),
    "preflight of the cluster": (str(HERE / "preflight.yml"),),
    OF_NEW_WORKERS: (str(HERE / "bootstrap_plan.yml"),),
}
"""What is measured. What runs in pods or on hosts is left out: there is nothing in a simulated one."""
PAGE = re.compile(r"[?&]continue=")


@dataclass(frozen=True)
class Take:
    """One run.

    processor_s: of Ansible's processes. requests: of the API, of which `pages` came after a list's first.
    memory_bytes: at most, of one process.
    """

    verb: str
    nodes: int
    seconds: float
    processor_s: float
    requests: int
    pages: int
    memory_bytes: int


def main(plan: Mapping[str, Any], answer: Path) -> None:
    """Let one cluster grow from size to size, and run the verbs at each."""
    folder = Path(tempfile.mkdtemp())
    programs = {name: Path(path) for name, path in plan["programs"].items()}
    cluster = Cluster(folder, programs)
    leader = Leader(LEADER_ADDRESS)
    sets = _sets(programs["helm"])
    takes: list[Take] = []
    there = 0
    for size in sorted(plan["sizes"]):
        began = time.monotonic()
        _grow(cluster, sets, there, size)
        there = size
        leader.info = release.master_info(
            [
                (pod["status"]["hostIP"], pod["status"]["podIP"])
                for pod in cluster.all_of(PODS)
                if pod["metadata"]["name"] != MASTER
            ]
        )
        print(f"{size} nodes: there after {time.monotonic() - began:.0f} s", flush=True)
        workers = _workers_inventory(folder / f"workers-{size}.json", cluster, size)
        new = _new_workers_inventory(folder / f"new-{size}.json", cluster, size)
        takes += [
            _take(cluster, new if verb == OF_NEW_WORKERS else workers, verb, size) for verb in VERBS
        ]
    answer.write_text(json.dumps([asdict(one) for one in takes]), encoding="utf-8")


def _sets(helm: Path) -> dict[str, Any]:
    """The chart's objects by kind and name, as `helm template` makes them."""
    done = subprocess.run(
        [str(helm), "template", release.RELEASE, "charts/alluxio", "-n", release.NAMESPACE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"helm template: {done.stderr}")
    found = [item for item in yaml.safe_load_all(done.stdout) if item]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in found}


def _grow(cluster: Cluster, sets: Mapping[str, Any], before: int, size: int) -> None:
    """Add nodes, a worker's pod on each; what there is once comes with the first of them."""
    workers = sets[f"DaemonSet/{release.RELEASE}-worker"]
    numbers = range(before + 1, size + 1)
    cluster.create("/api/v1/nodes", (release.node(number) for number in numbers))
    if not before:
        _install(cluster, sets)
    cluster.set_status(f"{APPS}/daemonsets/{release.RELEASE}-worker", release.status(workers, size))
    cluster.create(
        PODS,
        (
            release.pod(workers, f"{release.RELEASE}-worker-{number:05}", release.name(number))
            for number in numbers
        ),
    )
    cluster.wait_until_running(PODS, size, FILLING_S)
    # Not the address that kwok has given to it: there, nothing listens.
    own = {"podIP": LEADER_ADDRESS, "podIPs": [{"ip": LEADER_ADDRESS}]}
    cluster.set_status(f"{PODS}/{MASTER}", own)


def _install(cluster: Cluster, sets: Mapping[str, Any]) -> None:
    """What there is once of a release."""
    masters = sets[f"StatefulSet/{release.RELEASE}-master"]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": release.NAMESPACE}}
    cluster.create("/api/v1/namespaces", [space])
    here = f"/api/v1/namespaces/{release.NAMESPACE}"
    cluster.create(f"{here}/configmaps", [sets[f"ConfigMap/{release.RELEASE}-config"]])
    cluster.create(f"{here}/secrets", [release.helm_secret()])
    cluster.create(f"{APPS}/statefulsets", [masters])
    cluster.set_status(f"{APPS}/statefulsets/{release.RELEASE}-master", release.status(masters, 1))
    cluster.create(f"{APPS}/daemonsets", [sets[f"DaemonSet/{release.RELEASE}-worker"]])
    cluster.create(PODS, [release.pod(masters, MASTER, release.name(1))])


def _workers_inventory(path: Path, cluster: Cluster, size: int) -> Path:
    """All nodes are workers."""
    workers: dict[str, Any] = {release.name(number): {} for number in range(1, size + 1)}
    return _write_inventory(path, cluster, {"cache_workers": {"hosts": workers}})


def _new_workers_inventory(path: Path, cluster: Cluster, size: int) -> Path:
    """All nodes are workers and new workers, so that each is planned for; with what node_check says of each host."""
    membership = {
        "os_id": "debian",
        "os_version": "13",
        "os_name": "Debian GNU/Linux 13 (trixie)",
        "kubelet": {},
        "bootstrap": {},
        "authorities": [],
        "control_plane": [],
        "programs": {},
        "containerd_answers": True,
    }
    looked = {  # plain values, as tasks register them: a template in them would be compiled for each host
        release.name(number): {
            "__bootstrap_workers_check": {
                "checks": [],
                "membership": {**membership, "machine_id": f"{number:032x}"},
            }
        }
        for number in range(1, size + 1)
    }
    groups = {
        "cache_workers": {"hosts": {name: {} for name in looked}},
        "new_workers": {"hosts": looked},
    }
    return _write_inventory(path, cluster, groups)


def _write_inventory(path: Path, cluster: Cluster, groups: Mapping[str, Any]) -> Path:
    """These groups, and what every inventory has."""
    settings = {
        "ansible_python_interpreter": sys.executable,
        "alluxops_kubeconfig": str(cluster.kubeconfig),
        "alluxio_root_ufs": "ephemeral",
        "alluxio_worker_quota": release.QUOTA_BYTES,
    }
    common = {
        "all": {"vars": settings},
        "kube_control": {"hosts": {"control": {"ansible_connection": "local"}}},
        "cache_masters": {"hosts": {release.name(1): {}}},
    }
    path.write_text(json.dumps({**common, **groups}), encoding="utf-8")
    return path


def _take(cluster: Cluster, inventory: Path, verb: str, size: int) -> Take:
    """Run a verb's playbook and see what it asked.

    Raises:
        RuntimeError: it failed.
    """
    cluster.asked()
    said = cluster.folder / "said"
    command = ["ansible-playbook", "-i", str(inventory), *VERBS[verb]]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(cluster.folder / "cache"),
        "ANSIBLE_NOCOLOR": "1",
    }
    began = time.monotonic()
    with said.open("w", encoding="utf-8") as out:
        running = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if running.returncode:
        text = said.read_text(encoding="utf-8")
        raise RuntimeError(f"{verb}, {size} nodes: exit {running.returncode}\n{text[-4000:]}")
    asked = cluster.asked()
    pages = sum(1 for request in asked if PAGE.search(request))
    used = usage.ru_utime + usage.ru_stime
    take = Take(verb, size, seconds, used, len(asked), pages, usage.ru_maxrss * 1024)
    print(
        f"{verb}, {size} nodes: {seconds:.1f} s ({used:.1f} s of processors),"
        f" {len(asked)} requests, {pages} of them further pages, {usage.ru_maxrss >> 10} MiB",
        flush=True,
    )
    return take


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]), Path(sys.argv[2]))
    except RuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
