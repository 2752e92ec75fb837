"""Links are slowed to the rate that was asked for; nothing else is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import cgroups, slow
from lab.errors import LabError
from lab.state import LabState, Node

STATE = LabState(name="mine", slot=3, nodes=(Node(1), Node(2)), ready=True)


@pytest.mark.parametrize(
    ("rate", "bits"),
    [("200mbit", 200_000_000), ("1.5gbit", 1_500_000_000), ("100kbit", 100_000)],
)
def test_rates_are_read_as_tc_reads_them(rate: str, bits: int) -> None:
    assert slow.bits_per_s(rate) == bits


@pytest.mark.parametrize(
    "rate", ["", "200", "25MB", "200mbps", "-1mbit", "1kbit", "100gbit", "1e3mbit"]
)
def test_other_rates_are_refused(rate: str) -> None:
    with pytest.raises(LabError, match="--rate is") as caught:
        slow.bits_per_s(rate)
    assert "200mbit" in caught.value.fix


def test_a_packet_as_the_kernel_hands_it_over_always_fits() -> None:
    assert slow.burst_bytes(100_000) == 131_072
    assert slow.burst_bytes(10_000_000_000) == 2_500_000


class Commands:
    """What would have been run, and what tc says of the links there are."""

    def __init__(self) -> None:
        self.run: list[str] = []
        self.queues: dict[str, str] = {}
        self.classes = ""

    def __call__(self, argv: Sequence[str | Path]) -> str:
        words = [str(word) for word in argv]
        if "show" in words:
            if "class" in words:
                return self.classes
            place = "inside " if words[0] == "nsenter" else ""
            return self.queues.get(place + words[-1], '[{"kind":"noqueue","root":true}]')
        self.run.append(" ".join(words))
        return ""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands()
    monkeypatch.setattr(slow, "run", made)
    monkeypatch.setattr(cgroups, "init_of", lambda _: 77)
    return made


def test_only_what_the_gateway_sends_is_slowed(commands: Commands) -> None:
    slow.slow_store(STATE, "200mbit")
    assert all(" dev alx3 " in line for line in commands.run)
    assert commands.run[0].endswith("root handle 1: htb default 0")
    assert "rate 200000000bit" in commands.run[1]
    assert commands.run[2].endswith("bfifo limit 1250000")
    assert commands.run[3].endswith("match ip sport 9000 0xffff flowid 1:1")


def test_another_rate_replaces_the_first(commands: Commands) -> None:
    commands.queues["alx3"] = '[{"kind":"htb","root":true},{"kind":"bfifo","parent":"1:1"}]'
    slow.slow_store(STATE, "1gbit")
    assert commands.run[0] == "tc qdisc delete dev alx3 root"
    assert len(commands.run) == 5


def test_a_node_is_slowed_both_ways(commands: Commands) -> None:
    slow.slow_node(STATE, STATE.nodes[1], "100mbit")
    inside, outside = commands.run
    assert outside.startswith("tc qdisc replace dev vb-alx3-n2 root tbf rate 100000000bit ")
    assert inside.startswith("nsenter --target 77 --net tc qdisc replace dev host0 root tbf ")


def test_off_removes_what_slow_made_and_nothing_else(commands: Commands) -> None:
    slow.off(STATE)
    assert commands.run == []
    commands.queues = {
        "alx3": '[{"kind":"htb","root":true}]',
        "vb-alx3-n2": '[{"kind":"tbf","root":true}]',
        "inside host0": '[{"kind":"tbf","root":true}]',
        "vb-alx3-n1": '[{"kind":"fq_codel","root":true}]',
    }
    slow.off(STATE)
    assert commands.run == [
        "tc qdisc delete dev alx3 root",
        "nsenter --target 77 --net tc qdisc delete dev host0 root",
        "tc qdisc delete dev vb-alx3-n2 root",
        "nsenter --target 77 --net tc qdisc delete dev host0 root",
    ]


def test_status_says_what_is_slowed(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert slow.slowed(STATE) == []
    commands.classes = (
        "class htb 1:1 root leaf 8001: prio 0 rate 200Mbit ceil 200Mbit burst 131025b\n"
    )
    commands.queues["vb-alx3-n2"] = '[{"kind":"tbf","root":true,"options":{"rate":12500000}}]'
    assert slow.slowed(STATE) == ["S3 at 200mbit", "n2 at 100mbit"]


def test_a_node_that_is_down_is_not_slowed(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "init_of", lambda _: None)
    with pytest.raises(LabError, match="n2 is not running"):
        slow.slow_node(STATE, STATE.nodes[1], "1gbit")
