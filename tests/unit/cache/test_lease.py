"""One run at a time, and a dead run holds nothing: judged on real processes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import lease as lease_action
from ansible_collections.alluxops.cache.plugins.module_utils import lease
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import detached, lease_renewer
from tests.unit.cache.small_api import Server, kubeconfig, serving
from tools.repository import ROOT

Json = dict[str, Any]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ME = lease.here(os.getpid())
ELSEWHERE = replace(ME, machine="another", hostname="another")


def held_by(holder: lease.Holder, age_s: float = 0) -> dict[str, Any]:
    """A Lease object taken by a process, last renewed age_s ago."""
    return lease.taken(None, "alluxops-alluxio", "alluxio", holder, NOW - timedelta(seconds=age_s))


@pytest.fixture
def process() -> Any:
    """A process that lives until it is killed."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.wait()
    assert child.stdin is not None
    child.stdin.close()


def test_a_living_run_holds_its_lease_however_old(process: Any) -> None:
    verdict, who = lease.judge(held_by(lease.here(process.pid), age_s=9999), ME, NOW)
    assert verdict == "held"
    assert f"process {process.pid}" in who


def test_a_killed_run_holds_nothing_at_once(process: Any) -> None:
    holder = lease.here(process.pid)
    process.send_signal(signal.SIGKILL)
    while lease.lives(holder):  # a zombie already counts as dead
        time.sleep(0.01)
    assert lease.judge(held_by(holder), ME, NOW)[0] == "take"


def test_a_reused_pid_is_another_process(process: Any) -> None:
    holder = replace(lease.here(process.pid), start=1)
    assert lease.judge(held_by(holder), ME, NOW)[0] == "take"


@pytest.mark.parametrize(
    ("holder", "age_s", "verdict"),
    [
        (ME, 0, "mine"),
        (replace(ME, boot="before the reboot"), 31, "watch"),
        # Cloned from one template: only the boot differs, or nothing is known of it.
        (replace(ME, hostname="clone", boot="its own"), 5, "held"),
        (replace(ME, boot="its own"), 5, "held"),
        (replace(ME, boot=""), 5, "held"),
        (ELSEWHERE, 5, "held"),
        (ELSEWHERE, 31, "watch"),
        (replace(ME, pid_namespace="pid:[1]", pid=1), 5, "held"),
        (replace(ME, pid_namespace="pid:[1]", pid=1), 31, "watch"),
        (replace(ELSEWHERE, machine=""), 5, "held"),
    ],
)
def test_another_machine_is_judged_by_renewal(
    holder: lease.Holder, age_s: float, verdict: str
) -> None:
    assert lease.judge(held_by(holder, age_s), ME, NOW)[0] == verdict


def test_a_free_lease_is_taken() -> None:
    assert lease.judge(None, ME, NOW)[0] == "take"
    assert lease.judge(lease.released(held_by(ME)), ELSEWHERE, NOW)[0] == "take"


def test_a_lease_of_a_stranger_is_respected() -> None:
    stranger = {"metadata": {}, "spec": {"holderIdentity": "someone", "renewTime": "nonsense"}}
    assert lease.judge(stranger, ME, NOW) == ("watch", "someone")


@pytest.mark.parametrize(
    ("age_s", "ago"),
    [
        (5, " (5 s ago)"),
        (190, " (3 min ago)"),
        (2 * 3600 + 300, " (2 h 5 min ago)"),
        (-30, ""),
    ],
)
def test_a_held_lease_says_since_when(age_s: float, ago: str) -> None:
    said = lease.since(held_by(ELSEWHERE, age_s), NOW)
    assert said == f"since {NOW - timedelta(seconds=age_s):%Y-%m-%d %H:%M:%S} UTC{ago}"


def test_a_lease_that_does_not_say_since_when_is_none_the_worse() -> None:
    assert lease.since({"spec": {"holderIdentity": "someone"}}, NOW) == ""
    assert lease.since({}, NOW) == ""


class Leases:
    """The API, as far as one Lease object goes. found: what each look finds."""

    def __init__(self, *found: Json | None) -> None:
        self.found = list(found)

    def get(self, _path: str) -> Json | None:
        return self.found.pop(0)


def claim(*found: Json | None) -> lease_action._Claim:
    return lease_action._Claim(Leases(*found), "cache", "alluxops-alluxio", ME)  # type: ignore[arg-type]


def test_who_is_refused_is_told_who_works_and_since_when(process: Any) -> None:
    now = datetime.now(UTC)
    holder = lease.here(process.pid)
    held = lease.taken(None, "alluxops-alluxio", "cache", holder, now - timedelta(minutes=3))
    with pytest.raises(SettingsError) as caught:
        claim(held).look_for_room()
    assert str(caught.value).startswith(
        f"Error: another run is at work on cache/alluxio: {holder.text}, since "
    )
    assert " UTC (3 min ago)." in str(caught.value)


def test_who_only_wants_to_know_is_told_and_not_refused(process: Any) -> None:
    holder = lease.here(process.pid)
    held = lease.taken(None, "alluxops-alluxio", "cache", holder, datetime.now(UTC))
    assert claim(held).look().held_by.startswith(f"{holder.text}, since ")
    assert claim(None).look().held_by == ""
    assert claim(lease.released(held)).look().held_by == ""


def test_taking_keeps_the_version_so_that_one_of_two_takers_wins() -> None:
    old = lease.released(held_by(ELSEWHERE))
    old["metadata"]["resourceVersion"] = "7"
    new = lease.taken(old, "alluxops-alluxio", "alluxio", ME, NOW)
    assert new["metadata"]["resourceVersion"] == "7"
    assert new["spec"]["leaseTransitions"] == 1
    assert lease.holder_of(new) == ME


def test_renewing_moves_only_the_time() -> None:
    old = held_by(ME, age_s=60)
    new = lease.renewed(old, NOW)
    assert lease.parse_time(new["spec"].pop("renewTime")) == NOW
    old["spec"].pop("renewTime")
    assert new == old


def test_the_renewer_sees_the_end_of_its_run_when_it_comes(process: Any) -> None:
    start = lease.start_of(process.pid)
    before = time.monotonic()
    assert not detached.ends(process.pid, start, 0.2)
    assert time.monotonic() - before >= 0.2
    process.kill()
    assert detached.ends(process.pid, start, 30)
    assert time.monotonic() - before < 15


def test_the_renewer_polls_where_there_is_no_handle_on_processes(
    process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "POLL_S", 0.05)
    refuse: Callable[..., int] = lambda _pid: (_ for _ in ()).throw(OSError())  # noqa: E731
    monkeypatch.setattr(os, "pidfd_open", refuse)
    start = lease.start_of(process.pid)
    assert not detached.ends(process.pid, start, 0.2)
    process.kill()
    process.wait()
    assert detached.ends(process.pid, start, 30)


# A run whose lease is another's is ended.


def turned(holder: lease.Holder, *, uid: str = "u1", transitions: int = 3) -> Json:
    held = held_by(holder)
    held["metadata"]["uid"] = uid
    held["spec"]["leaseTransitions"] = transitions
    return held


@pytest.mark.parametrize(
    ("found", "standing"),
    [
        (turned(ME), "mine"),
        (lease.released(turned(ME)), "over"),
        (None, "over"),  # an uninstall removes it
        (turned(ELSEWHERE, transitions=4), "lost"),
        (lease.released(turned(ELSEWHERE, transitions=4)), "lost"),
        (lease.released(turned(ELSEWHERE, uid="u2")), "lost"),
        (turned(ELSEWHERE), "lost"),
        (turned(ME, transitions=5), "lost"),
        (
            {"metadata": {"uid": "u1"}, "spec": {"holderIdentity": "x", "leaseTransitions": 4}},
            "lost",
        ),
    ],
)
def test_a_run_knows_whether_another_had_its_lease(found: Json | None, standing: str) -> None:
    assert lease.standing(found, ME, "u1 3") == standing


def test_each_taking_is_another_turn() -> None:
    first = turned(ME)
    assert lease.turn_of(lease.renewed(first, NOW)) == lease.turn_of(lease.released(first))
    second = lease.taken(lease.released(first), "alluxops-alluxio", "alluxio", ELSEWHERE, NOW)
    assert lease.turn_of(second) != lease.turn_of(first)


PATH = "/apis/coordination.k8s.io/v1/namespaces/alluxio/leases/alluxops-alluxio"


class Renewed:
    """A run with its errors in a file, and its renewer, which runs here."""

    def __init__(self, server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.log = folder / "errors"
        self.log.write_text("before\n")
        with self.log.open("a") as errors:
            self.run = subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=errors
            )
        self.holder = lease.here(self.run.pid)
        self._config = kubeconfig(folder, f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(lease, "RENEW_S", 1)
        monkeypatch.setattr(lease_renewer, "AGAIN_S", 1)
        monkeypatch.setattr(sys, "path", list(sys.path))
        self._monkeypatch = monkeypatch

    def renew(self) -> None:
        """Renew until the run ends, or is ended."""
        order = {
            "kubeconfig": self._config,
            "path": PATH,
            "collections": str(ROOT / "collections"),
            "holder": asdict(self.holder),
            "turn": "u1 3",
        }
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(order)))
        lease_renewer.main()

    def answers(self, *found: tuple[int, Json], then: Callable[[], None] = lambda: None) -> None:
        """What each look at the lease finds; the last one from then on, and what happens with it."""
        left = list(found)

        def answer(_: str) -> tuple[int, Json]:
            if self.server.asked[-1][0] == "PUT":
                return 200, {}
            if len(left) > 1:
                return left.pop(0)
            then()
            return left[0]

        self.server.answers[PATH] = answer

    def written(self) -> int:
        return sum(one[0] == "PUT" for one in self.server.asked)

    def close(self) -> None:
        self.run.kill()
        self.run.wait()
        assert self.run.stdin is not None
        self.run.stdin.close()


@pytest.fixture
def renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Renewed]:
    with serving() as server:
        made = Renewed(server, tmp_path, monkeypatch)
        yield made
        made.close()


@pytest.mark.parametrize("is_over", [False, True])
def test_a_run_whose_lease_another_took_is_ended_and_told_why(
    renewed: Renewed, *, is_over: bool
) -> None:
    theirs = turned(ELSEWHERE, transitions=4)
    found = lease.released(theirs) if is_over else theirs
    renewed.answers((200, turned(renewed.holder)), (503, {}), (200, found))
    renewed.renew()
    assert renewed.run.wait(30) == -signal.SIGTERM
    assert renewed.written() == 1
    said = renewed.log.read_text()
    who = (
        "has been at work on alluxio/alluxio." if is_over else f"alluxio/alluxio: {ELSEWHERE.text}"
    )
    assert said.startswith("before\n[ERROR]: another run ")
    assert who in said
    assert "Fix: " in said


def test_a_run_goes_on_while_the_api_is_away_and_keeps_its_lease(renewed: Renewed) -> None:
    mine = (200, turned(renewed.holder))
    renewed.answers((503, {}), (503, {}), mine, then=renewed.run.kill)
    renewed.renew()
    assert renewed.run.wait(30) == -signal.SIGKILL
    assert renewed.log.read_text() == "before\n"
    assert renewed.written() == 2  # renewed, and given back


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_run_that_gave_its_lease_back_goes_on(renewed: Renewed, *, is_gone: bool) -> None:
    given_back = (200, lease.released(turned(renewed.holder)))
    renewed.answers((404, {"message": "gone"}) if is_gone else given_back)
    renewed.renew()
    assert renewed.run.poll() is None
    assert renewed.log.read_text() == "before\n"


def test_after_a_sleep_the_lease_is_looked_at_at_once(
    process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1000.0, 1001.0, 4600.0])
    monkeypatch.setattr(time, "time", lambda: next(clock))
    before = time.monotonic()
    assert not lease_renewer._ends(lease.here(process.pid), 60)
    assert time.monotonic() - before < 20
