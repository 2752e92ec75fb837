"""A lab's beginning and end: side by side with another, killed at any moment, gone without a trace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cgroups, network
from lab.state import load
from tests.integration.lab_under_test import (
    ROOT,
    RunningLab,
    lab_command,
    run_lab,
    traces_of_labs,
)

NAME = "test-life"


@pytest.fixture
def no_trace(lab: RunningLab) -> Iterator[None]:
    """Whatever the test does with lab NAME: after `down` this machine is as it was before."""
    before = _settled()
    yield
    run_lab("down", "--name", NAME)
    assert _settled() - before == set()


def _settled() -> set[str]:
    # What the other lab's pods do meanwhile is not this test's affair, nor are this machine's own loop devices.
    shared = ("process", "loop device")
    return {item for item in traces_of_labs() if not item.startswith(shared) or NAME in item}


def _start(*argv: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(lab_command(*argv), cwd=ROOT, stdout=quiet, stderr=quiet)


@pytest.mark.parametrize("after_s", [0.7, 1.2, 2, 3, 5, 9])
def test_up_killed_at_any_moment_leaves_nothing_that_down_does_not_remove(
    no_trace: None, after_s: float
) -> None:
    started = _start("up", "--name", NAME, "--workers", "1")
    time.sleep(after_s)
    started.send_signal(signal.SIGKILL)
    started.wait()


def test_a_lab_killed_half_way_up_and_half_way_down_comes_up(
    no_trace: None, lab: RunningLab
) -> None:
    for verb, after_s in (("up", 4.0), ("down", 0.8), ("up", 2.0)):
        options = ["--workers", "0"] if verb == "up" else []
        started = _start(verb, "--name", NAME, *options)
        time.sleep(after_s)
        started.send_signal(signal.SIGKILL)
        started.wait()
    run_lab("up", "--name", NAME, "--workers", "0")
    second = RunningLab(NAME)
    assert [node["metadata"]["name"] for node in second.objects("nodes")] == ["n1"]
    assert second.state.addresses != lab.state.addresses
    second.s3().put_object(Bucket="datasets", Key="kept", Body=b"kept")
    second.kubectl("create", "namespace", "kept")
    for folder in ("/var/lib/kubelet", "/srv"):
        second.on_node("n1", f"truncate -s 1M {folder}/{NAME}.img")
        second.attach("n1", f"{folder}/{NAME}.img")

    _kill_every_process(second)
    run_lab("up", "--name", NAME)
    assert second.s3().get_object(Bucket="datasets", Key="kept")["Body"].read() == b"kept"
    assert "kept" in second.kubectl("get", "namespaces", "-o", "name")
    second.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s")

    _without_its_bridge_the_lab_is_unreachable_and_not_on_a_wire(second)
    run_lab("up", "--name", NAME)
    assert "n1" in second.kubectl("get", "nodes")
    assert "n2" in lab.kubectl("get", "nodes"), "the lab beside it must not notice"


def _kill_every_process(running: RunningLab) -> None:
    for group in cgroups.groups_of(running.state):
        for pid in cgroups.processes(group):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _without_its_bridge_the_lab_is_unreachable_and_not_on_a_wire(running: RunningLab) -> None:
    addresses = running.state.addresses
    subprocess.run(["ip", "link", "delete", addresses.bridge], check=True)
    for address in (addresses.node(1), addresses.host):
        with pytest.raises(OSError, match="No route to host"):
            socket.create_connection((address, 6443), timeout=5)


def test_a_second_run_on_the_same_lab_is_refused_by_name(no_trace: None) -> None:
    first = _start("up", "--name", NAME, "--workers", "0")
    try:
        while load(NAME) is None:
            time.sleep(0.05)
        second = subprocess.run(
            lab_command("down", "--name", NAME),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert second.returncode == 1
    assert f"process {first.pid}" in second.stderr


def test_routes_stay_only_for_a_client_that_is_still_there(lab: RunningLab) -> None:
    before = _settled()
    run_lab("up", "--name", NAME, "--workers", "0")
    state = RunningLab(NAME).state
    endpoint = (state.addresses.host, network.S3_PORT)
    script = f"import socket, time; s = socket.create_connection({endpoint}); time.sleep(60)"
    client = subprocess.Popen(["python3", "-c", script])
    try:
        time.sleep(0.5)
        assert str(client.pid) in run_lab("down", "--name", NAME)
        route = subprocess.run(
            ["ip", "route", "get", state.addresses.node(1)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "unreachable" in route.stdout + route.stderr or "No route" in route.stderr
        assert not Path(state.paths.root).exists()
    finally:
        client.kill()
        client.wait()
    run_lab("down", "--name", NAME)
    assert _settled() - before == set()


def test_a_lab_whose_state_was_deleted_is_found_by_its_bridge(no_trace: None) -> None:
    run_lab("up", "--name", NAME, "--workers", "0")
    RunningLab(NAME).paths.state.unlink()
