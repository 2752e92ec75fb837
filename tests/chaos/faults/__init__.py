"""The kinds of faults, by the names that plans and reports use."""

from __future__ import annotations

from tests.chaos.faults.cut_link import CutLink
from tests.chaos.faults.dead_node import DeadNode
from tests.chaos.faults.deleted_pod import DeletedMaster, DeletedWorker
from tests.chaos.faults.fault import Fault
from tests.chaos.faults.full_disk import FullDisk
from tests.chaos.faults.killed_java import KilledJava
from tests.chaos.faults.killed_run import KilledRun
from tests.chaos.faults.stopped_server import StoppedApiServer, StoppedEtcd

KINDS: dict[str, type[Fault]] = {
    "killed-run": KilledRun,
    "deleted-master": DeletedMaster,
    "deleted-worker": DeletedWorker,
    "killed-java": KilledJava,
    "dead-node": DeadNode,
    "stopped-etcd": StoppedEtcd,
    "stopped-api": StoppedApiServer,
    "full-disk": FullDisk,
    "cut-link": CutLink,
}
