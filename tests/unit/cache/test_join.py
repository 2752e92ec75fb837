"""A join's token lives as long as the join, is shown nowhere, and kubeadm's errors are explained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import node_join as action
from ansible_collections.alluxops.cache.plugins.module_utils import join
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.modules import kubeadm_join
from ansible_collections.alluxops.cache.plugins.plugin_utils import cluster_trust, detached
from ansible_collections.alluxops.cache.plugins.plugin_utils.cluster_trust import Trust
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube
from tools.repository import ROOT

Json = dict[str, Any]

OPTIONS: Json = {
    "kubeconfig": "",
    "node": "n4",
    "step": "join",
    "taints": [],
    "kubelet_args": {},
    "ignore_preflight_errors": [],
    "cri_socket": "unix:///run/containerd/containerd.sock",
    "token_ttl_s": 600,
    "wait_timeout_s": 300,
}


def config(version: str = "1.34.4", **options: Any) -> Json:
    return join.config(
        version=version,
        endpoint="10.0.0.1:6443",
        pins=["sha256:abc"],
        token="abcdef.0123456789abcdef",
        node="n4",
        options={**OPTIONS, "timeout_s": 300, **options},
    )


def test_kubeadm_is_given_only_what_it_needs() -> None:
    found = config()
    assert found["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    assert found["nodeRegistration"] == {"name": "n4", "criSocket": OPTIONS["cri_socket"]}
    token = found["discovery"]["bootstrapToken"]
    assert token["caCertHashes"] == ["sha256:abc"]
    assert token["apiServerEndpoint"] == "10.0.0.1:6443"
    assert "unsafeSkipCAVerification" not in token


@pytest.mark.parametrize(
    ("version", "arguments", "limit"),
    [
        ("1.34.4", [{"name": "node-ip", "value": "10.0.0.4"}], "timeouts"),
        ("1.30.9", {"node-ip": "10.0.0.4"}, "discovery"),
    ],
)
def test_older_clusters_get_the_older_form(version: str, arguments: Any, limit: str) -> None:
    taint = {"key": "own", "effect": "NoSchedule"}
    found = config(
        version,
        kubelet_args={"node-ip": "10.0.0.4"},
        taints=[taint],
        ignore_preflight_errors=["Swap"],
    )
    registration = found["nodeRegistration"]
    assert registration["kubeletExtraArgs"] == arguments
    assert registration["taints"] == [taint]
    assert registration["ignorePreflightErrors"] == ["Swap"]
    assert "300s" in json.dumps(found[limit])


def test_a_token_expires_and_may_do_nothing_but_join() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = join.token_secret("abcdef", "0123456789abcdef", "n4", now, 600)
    assert found["metadata"]["name"] == "bootstrap-token-abcdef"
    assert found["type"] == "bootstrap.kubernetes.io/token"
    assert found["stringData"]["expiration"] == "2026-01-01T00:10:00Z"
    assert found["stringData"]["auth-extra-groups"] == join.GROUP


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (
            'error: could not find a JWS signature in the cluster-info ConfigMap for token ID "a"',
            "expired",
        ),
        ("dial tcp 10.0.0.1:6443: connect: no route to host", "does not reach the API server"),
        ("The HTTP call equal to '...' : the kubelet is not healthy after 4m0s", "journalctl"),
        ("\t[ERROR Swap]: running with swap on is not supported", "Swap: running with swap on"),
        ("something new", "something new"),
    ],
)
def test_what_kubeadm_says_is_explained(output: str, says: str) -> None:
    error = join.failure("n4", 1, output)
    assert says in str(error)
    assert error.fix


def test_the_token_is_taken_out_of_what_kubeadm_prints() -> None:
    said = kubeadm_join.without(
        "token abcdef.0123456789abcdef, secret 0123456789abcdef", "abcdef.0123456789abcdef"
    )
    assert said == "token ***, secret ***"


class Secrets:
    """A Kube as far as the Secrets of kube-system go."""

    version = "1.34.4"

    def __init__(self) -> None:
        self.names = {"bootstrap-token-old000"}
        self.seen: list[Json] = []
        self.fails_with: int | None = None
        self.guarded: list[Json] = []
        self.dismissed = 0

    def start(self, program: str, _kubeconfig: str, order: Json) -> Secrets:
        """Stands in for the process that deletes a Secret after a run that was killed."""
        assert program == "object_remover"
        assert order["path"].rpartition("/")[2] not in self.names  # before it is made
        self.guarded.append(order)
        return self

    def terminate(self) -> None:
        self.dismissed += 1

    def wait(self) -> None:
        pass

    def list_objects(self, _path: str, selector: str, *, names_only: bool) -> list[Json]:
        assert names_only
        assert selector == "alluxops.io/joins=n4"
        return [{"metadata": {"name": name}} for name in self.names]

    def create(self, _path: str, body: Json) -> None:
        if self.fails_with is not None:
            self.seen.append(body)
            raise ApiError(
                "POST", self.fails_with, f"cannot create {body['stringData']['token-secret']}"
            )
        self.names.add(body["metadata"]["name"])
        self.seen.append(body)

    def delete(self, path: str) -> bool:
        self.names.discard(path.rpartition("/")[2])
        return True


class Hands:
    """The host's half, which remembers what it was given."""

    def __init__(self, kube: Secrets, answer: Json) -> None:
        self.kube = kube
        self.answer = answer
        self.arguments: list[Json] = []
        self.tokens_meanwhile: set[str] = set()

    def run(self, **how: Any) -> Json:
        self.arguments.append(how["module_args"])
        self.tokens_meanwhile = set(self.kube.names)
        return self.answer


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    found = Secrets()
    monkeypatch.setattr(Kube, "open", lambda _path: found)
    monkeypatch.setattr(detached, "start", found.start)
    monkeypatch.setattr(action.ActionModule, "check_mode", False)
    trust = type("Known", (Trust,), {"pins": ["sha256:abc"]})("10.0.0.1:6443", "")
    monkeypatch.setattr(cluster_trust, "read", lambda *_: trust)
    return found


def act(
    monkeypatch: pytest.MonkeyPatch, hands: Hands, **options: Any
) -> tuple[Json, CacheError | None]:
    monkeypatch.setattr(action.ActionModule, "_execute_module", hands.run)
    module = action.ActionModule.__new__(action.ActionModule)
    try:
        return dict(module.act_on_controller({**OPTIONS, **options}, {})), None
    except CacheError as error:
        return {}, error


def test_a_token_lives_as_long_as_its_join(monkeypatch: pytest.MonkeyPatch, kube: Secrets) -> None:
    hands = Hands(kube, {"code": 0, "output": ""})
    result, error = act(monkeypatch, hands)
    assert error is None
    assert result["changed"] is True
    assert len(hands.tokens_meanwhile) == 1  # the old one, of a dead run, is gone before
    assert kube.names == set()
    secret = kube.seen[0]["stringData"]["token-secret"]
    assert secret in hands.arguments[0]["token"]
    assert secret not in str(result)
    (order,) = kube.guarded  # and where the run is killed, another process deletes it
    assert order["path"].endswith(f"/{kube.seen[0]['metadata']['name']}")
    assert secret not in str(order)
    assert kube.dismissed == 1


@pytest.mark.parametrize(
    "answer", [{"code": 1, "output": "no route to host"}, {"failed": True, "msg": "sudo"}, {}]
)
def test_a_join_that_fails_leaves_no_token(
    monkeypatch: pytest.MonkeyPatch, kube: Secrets, answer: Json
) -> None:
    _, error = act(monkeypatch, Hands(kube, answer))
    assert error is not None
    assert kube.names == set()
    assert kube.seen[0]["stringData"]["token-secret"] not in str(error)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, "join: 403.\nCause: the kubeconfig's user may not create Secrets in kube-system"),
        (422, "join: 422.\nCause: the API server took no Secret"),
        (0, "join: no answer."),
    ],
)
def test_that_no_token_can_be_made_is_told_without_it(
    monkeypatch: pytest.MonkeyPatch, kube: Secrets, status: int, says: str
) -> None:
    kube.fails_with = status
    _, error = act(monkeypatch, hands := Hands(kube, {"code": 0}))
    assert says in str(error)
    assert kube.seen[0]["stringData"]["token-secret"] not in str(error)
    assert hands.arguments == []


def test_what_is_a_member_takes_no_round_trip(
    monkeypatch: pytest.MonkeyPatch, kube: Secrets
) -> None:
    hands = Hands(kube, {"code": 0})
    assert act(monkeypatch, hands, step="member") == ({"took_s": 0.0}, None)
    assert hands.arguments == []
    result, _ = act(monkeypatch, hands, step="start")
    assert result["changed"]
    assert hands.arguments == [{"step": "start"}]
    assert kube.seen == []


@pytest.mark.parametrize(
    ("code", "is_left"), [(0, True), (1, False), (kubeadm_join.TIMED_OUT, False)]
)
def test_a_join_that_failed_leaves_no_file_with_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_left: bool
) -> None:
    bootstrap = tmp_path / "bootstrap-kubelet.conf"
    bootstrap.write_text("token")
    monkeypatch.setattr(kubeadm_join, "BOOTSTRAP", str(bootstrap))
    monkeypatch.setattr(kubeadm_join, "run_kubeadm", lambda *_given: (code, ""))
    assert kubeadm_join.join("", 1, 0) == (code, "")
    assert bootstrap.exists() == is_left


def test_the_token_is_sent_without_a_file_whatever_ansible_is_set_to() -> None:
    """Without pipelining Ansible writes a module's arguments below the ssh user's ~/.ansible/tmp."""
    text = (ROOT / "roles/bootstrap_workers/tasks/join.yml").read_text()
    (task,) = [one for one in yaml.safe_load(text) if "alluxops.cache.node_join" in one]
    assert task["vars"] == {"ansible_pipelining": True, "ansible_ssh_pipelining": True}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for the host's /run."""
    monkeypatch.setattr(kubeadm_join, "FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(kubeadm_join, "LOOK_EVERY_S", 0.05)
    return tmp_path


def test_a_kubeadm_whose_run_is_gone_is_ended(run: Path) -> None:
    readers, output = os.pipe()
    command = ["sh", "-c", "echo begins; exec sleep 60"]
    threading.Timer(0.3, os.close, [readers]).start()
    try:
        with kubeadm_join.alone(1) as (lock, _):
            began = time.monotonic()
            code, said = kubeadm_join.watched(command, 60, lock, output)
    finally:
        os.close(output)
    assert 0.3 <= time.monotonic() - began < 30
    assert code == kubeadm_join.TIMED_OUT
    assert said == "begins\n\nkubeadm was ended: its run is gone."


def test_a_kubeadm_that_takes_too_long_is_ended_and_one_that_ends_is_told(run: Path) -> None:
    with kubeadm_join.alone(1) as (lock, _):
        assert kubeadm_join.watched(["sh", "-c", "echo done; exit 3"], 60, lock) == (3, "done\n")
        code, said = kubeadm_join.watched(["sleep", "60"], 0, lock)
    assert code == kubeadm_join.TIMED_OUT
    assert "it took longer than 0 s" in said


def test_one_join_at_a_time_is_at_work_on_a_host(run: Path) -> None:
    with kubeadm_join.alone(1) as (_, has_waited):
        assert not has_waited
        with pytest.raises(CacheError) as caught, kubeadm_join.alone(0.2):
            pass
        assert "another run has been joining this host" in str(caught.value)
        assert str(run / kubeadm_join.LOCK) in caught.value.fix
    with kubeadm_join.alone(1) as (_, has_waited):
        assert not has_waited
    assert (run / kubeadm_join.LOCK).stat().st_mode & 0o777 == 0o600


def test_a_kubeadm_that_outlives_the_module_keeps_the_next_out(run: Path) -> None:
    with kubeadm_join.alone(1) as (lock, _):
        kubeadm = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    threading.Timer(0.3, kubeadm.kill).start()
    with kubeadm_join.alone(30) as (_, has_waited):
        assert kubeadm.wait() == -signal.SIGKILL
        assert has_waited


class Host:
    """The AnsibleModule of a host on which all goes well. ran: what systemctl was told."""

    check_mode = False

    def __init__(self, step: str) -> None:
        self.params = {"step": step, "config": "{}", "token": "", "timeout_s": 5}
        self.ran: list[list[str]] = []
        self.said: Json = {}

    def get_bin_path(self, name: str, *, required: bool) -> str:
        assert required
        return name

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        self.ran.append(command[1:])
        return 0, "", ""

    def exit_json(self, **said: Any) -> None:
        self.said = said

    fail_json = exit_json


@pytest.mark.parametrize(
    ("step", "has_joined", "joins", "ran"),
    [
        ("join", False, True, [["stop", "kubelet"], ["enable", "kubelet"]]),
        ("join", True, False, [["enable", "kubelet"], ["restart", "kubelet"]]),
        ("rejoin", True, False, [["enable", "kubelet"], ["restart", "kubelet"]]),
        ("start", False, False, [["enable", "kubelet"], ["restart", "kubelet"]]),
    ],
)
def test_what_a_join_that_was_waited_for_has_done_is_not_undone(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    has_joined: bool,
    joins: bool,
    ran: list[list[str]],
) -> None:
    """Otherwise its kubelet would be stopped, and the files of a node taken away."""
    joined = run / "kubelet.conf"
    monkeypatch.setattr(kubeadm_join, "JOINED", str(joined))
    monkeypatch.setattr(kubeadm_join, "LEFT_BY_A_JOIN", (str(joined),))
    host = Host(step)
    done: list[Any] = []

    def join_it(*given: Any) -> tuple[int, str]:
        done.append(given)
        return 0, ""

    monkeypatch.setattr(kubeadm_join, "AnsibleModule", lambda **_: host)
    monkeypatch.setattr(kubeadm_join, "join", join_it)
    with kubeadm_join.alone(1) as (lock, _):
        other = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))

    def ends() -> None:
        if has_joined:
            joined.touch()
        other.kill()

    threading.Timer(0.3, ends).start()
    kubeadm_join.main()
    other.wait()
    assert host.said["code"] == 0
    assert host.ran == ran
    assert bool(done) == joins
    assert joined.exists() == has_joined
