"""`bootstrap-workers` on a spare node that is in no cluster, against kubeadm, kubectl and ssh by hand."""

from __future__ import annotations

import time

from tests.bench import by_hand
from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import fresh, seconds_of, told
from tests.integration.lab_under_test import RunningLab

LABEL = f"alluxops.io/{by_hand.NAMESPACE}.{by_hand.RELEASE}=worker"
LIMIT_S = 60.0
"""What a spare node may take to become a serving worker."""
STORAGE = f"{by_hand.STORAGE}/{by_hand.NAMESPACE}"


def measure(lab: Lab, options: Options) -> list[Measure]:
    """One node, in and out. The lab keeps the spare node until it goes down."""
    running = RunningLab(options.lab)
    spare = running.spare_node(debian=12)
    ours, theirs = [], []
    fresh(lab)
    for _ in range(options.rounds):
        running.take_out(spare, STORAGE)
        ours.append(seconds_of(lab, "bootstrap_workers"))
        running.take_out(spare, STORAGE)
        theirs.append(_by_hand(running, spare))
    running.take_out(spare, STORAGE)
    name = "bootstrap-workers, one node"
    return [Measure(name, "s", tuple(ours), "by hand", tuple(theirs), limit=LIMIT_S)]


def _by_hand(lab: RunningLab, node: str) -> float:
    """Seconds until the node's worker is ready. Nothing is checked before, and nothing is read through it after."""
    folders = f"{STORAGE}/{by_hand.RELEASE}/domain {STORAGE}/{by_hand.RELEASE}/tier0"
    began = time.monotonic()
    command = lab.on_node("n1", "kubeadm token create --ttl 10m --print-join-command").strip()
    lab.on_node(
        node,
        f"mkdir -p {folders} && chown 1000:1000 {folders} && chmod 0750 {folders}"
        f" && systemctl enable kubelet && {command} --ignore-preflight-errors=all",
    )
    lab.kubectl("label", "node", node, LABEL)
    where = ["-n", by_hand.NAMESPACE, "-l", "role=alluxio-worker"]
    where += ["--field-selector", f"spec.nodeName={node}"]
    while not lab.kubectl("get", "pods", *where, "-o", "name"):
        time.sleep(0.5)
    lab.kubectl("wait", "pods", *where, "--for=condition=Ready", "--timeout=300s", timeout_s=320)
    return told("bootstrap-workers", time.monotonic() - began)
