from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alluxops.cluster import Cluster, Master, master_of
from alluxops.connection import Connection
from alluxops.errors import ClusterError
from alluxops.shell import alluxio_command, choose_master, exit_code


class Session:
    def __init__(self, told: object) -> None:
        self._told = told if isinstance(told, bytes) else json.dumps(told).encode()

    def read_channel(self, _channel: int) -> bytes:
        return self._told


def causes(code: str) -> dict[str, Any]:
    return {"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": code}]}}


@pytest.mark.parametrize(
    ("told", "code"), [({"status": "Success"}, 0), (causes("3"), 3), (causes("255"), 255)]
)
def test_the_commands_exit_code_is_ours(told: object, code: int) -> None:
    assert exit_code(Session(told)) == code


@pytest.mark.parametrize("told", [b"", {"status": "Failure", "message": "container gone"}])
def test_an_exit_code_that_nobody_told_is_an_error(told: object) -> None:
    with pytest.raises(ClusterError, match="not known"):
        exit_code(Session(told))


@pytest.mark.parametrize("words", [["fs", "ls", "/"], ["alluxio", "fs", "ls", "/"]])
def test_the_word_alluxio_is_optional(words: list[str]) -> None:
    assert alluxio_command(words) == ["alluxio", "fs", "ls", "/"]


class PlayedCluster:
    def __init__(self, *masters: Master, leading: str | None) -> None:
        self._masters = list(masters)
        self._leading = leading

    def masters(self) -> list[Master]:
        return self._masters

    def leader(self) -> Master | None:
        return next((m for m in self._masters if m.pod == self._leading), None)


def master(pod: str, *, running: bool = True) -> Master:
    return Master(pod, "n1", "alluxio-master", 19999, running)


def test_the_leader_is_chosen_else_one_that_runs() -> None:
    masters = [master("m0", running=False), master("m1"), master("m2")]
    led: Any = PlayedCluster(*masters, leading="m2")
    assert choose_master(led) == (masters[2], True)
    leaderless: Any = PlayedCluster(*masters, leading=None)
    assert choose_master(leaderless) == (masters[1], False)
    dead: Any = PlayedCluster(masters[0], leading=None)
    with pytest.raises(ClusterError, match="no master runs"):
        choose_master(dead)


def test_a_master_is_read_from_the_pods_facts() -> None:
    facts = {
        "name": "cache-master-0",
        "node": "n1",
        "containers": ["alluxio-job-master", "alluxio-master"],
        "web_port": 0,
        "phase": "Running",
        "terminating": True,
    }
    assert master_of(facts) == Master("cache-master-0", "n1", "alluxio-master", 19999, False)


def test_a_cluster_that_cannot_be_reached_is_exit_code_2_as_in_every_verb(tmp_path: Path) -> None:
    dead = tmp_path / "kubeconfig"
    with pytest.raises(ClusterError, match="there is no kubeconfig") as refusal:
        Cluster(Connection(str(dead), "alluxio", "alluxio"))
    assert refusal.value.exit_code == 2
