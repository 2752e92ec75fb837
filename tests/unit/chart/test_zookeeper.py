"""The chart of the ensemble: names, volumes, configuration, and its two scripts as bash runs them."""

from __future__ import annotations

import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import explain, zookeeper
from tests.unit.cache.settings_cases import with_
from tests.unit.chart.rendering import ZOOKEEPER, Chart, Manifest, Rendered

NAME = "cache-zookeeper"


@pytest.fixture(scope="session")
def ensemble(helm: Path) -> Chart:
    return Chart(helm, ZOOKEEPER)


@pytest.fixture(scope="session")
def made(ensemble: Chart) -> Rendered:
    return ensemble.render(release=NAME)


def servers(rendered: Rendered) -> Manifest:
    return rendered.get("StatefulSet", NAME)


def config(rendered: Rendered) -> dict[str, str]:
    text: str = rendered.config()["zoo.cfg"]
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_helm_finds_nothing_to_lint(helm: Path) -> None:
    done = subprocess.run(
        [helm, "lint", "--strict", ZOOKEEPER], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


def test_servers_know_each_other_by_the_names_that_masters_are_told(made: Rendered) -> None:
    told = with_(ha="zookeeper", namespace="cache", release="cache").zookeeper_addresses
    known = [value for key, value in sorted(config(made).items()) if key.startswith("server.")]
    assert [name.removesuffix(":2888:3888") for name in known] == [
        address.removesuffix(":2181") for address in told
    ]
    service = made.get("Service", servers(made)["spec"]["serviceName"])["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True


def test_the_claims_are_named_as_the_volumes_expect(made: Rendered) -> None:
    [claim] = servers(made)["spec"]["volumeClaimTemplates"]
    wanted = zookeeper.claims(with_(ha="zookeeper", release="cache"))
    assert [f"{claim['metadata']['name']}-{NAME}-{n}" for n in range(3)] == [
        each["name"] for each in wanted
    ]


def test_what_the_role_gives_is_accepted(ensemble: Chart) -> None:
    settings = with_(ha="zookeeper", release="cache", zookeeper_image="example.com:5000/zoo:3.9")
    values = zookeeper.chart_values(settings, [{"operator": "Exists"}])
    pod = servers(ensemble.render(values, NAME))["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "example.com:5000/zoo:3.9"
    assert pod["tolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "zookeeper:3."),
        ({"imageTag": "3.8.4"}, "zookeeper:3.8.4"),
        ({"image": "example.com:5000/zoo"}, "example.com:5000/zoo:3."),
        ({"image": "zoo@sha256:" + "a" * 64}, "zoo@sha256:" + "a" * 64),
    ],
)
def test_the_image_may_name_its_version(
    ensemble: Chart, values: dict[str, object], image: str
) -> None:
    pod = servers(ensemble.render(values, NAME))["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith(image)


def test_pods_never_share_a_node_and_may_do_nothing(made: Rendered) -> None:
    pod = servers(made)["spec"]["template"]["spec"]
    [rule] = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    security = pod["containers"][0]["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_a_drain_takes_one_server_at_a_time(ensemble: Chart, made: Rendered) -> None:
    assert made.get("PodDisruptionBudget", NAME)["spec"]["maxUnavailable"] == 1
    assert ensemble.render({"replicas": 1}, NAME).names("PodDisruptionBudget") == []


def test_a_changed_configuration_restarts_the_servers(ensemble: Chart, made: Rendered) -> None:
    def annotations(rendered: Rendered) -> dict[str, str]:
        found: dict[str, str] = servers(rendered)["spec"]["template"]["metadata"]["annotations"]
        return found

    changed = ensemble.render({"config": {"maxClientCnxns": 1000000}}, NAME)
    assert config(changed)["maxClientCnxns"] == "1000000"
    assert annotations(changed) != annotations(made)
    budget = ensemble.render({"podDisruptionBudget": {"enabled": False}}, NAME)
    assert annotations(budget) == annotations(made)


def test_one_server_stands_alone(ensemble: Chart) -> None:
    alone = config(ensemble.render({"replicas": 1}, NAME))
    assert not [key for key in alone if key.startswith(("server.", "standalone"))]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2}, "set an odd number"),
        ({"replica": 3}, "replica"),
        ({"config": {"server.1": "x"}}, "the chart sets it"),
        ({"fullnameOverride": "x" * 53}, "at most 52"),
    ],
)
def test_what_cannot_work_is_refused(ensemble: Chart, values: dict[str, object], said: str) -> None:
    assert said in ensemble.refused(values)


def start(tmp_path: Path, pod: str, myid: str = "") -> subprocess.CompletedProcess[str]:
    """Run start.sh with a zkServer.sh that only says what it was given."""
    script = (ZOOKEEPER / "files/start.sh").read_text(encoding="utf-8")
    data, programs = tmp_path / "data", tmp_path / "bin"
    data.mkdir()
    programs.mkdir()
    if myid:
        (data / "myid").write_text(myid)
    fake = programs / "zkServer.sh"
    fake.write_text('#!/bin/bash\necho "$1 $ZOOCFGDIR $SERVER_JVMFLAGS"\n')
    fake.chmod(0o755)
    return subprocess.run(
        ["bash", "-c", script.replace("/data", str(data))],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "POD_NAME": pod, "JVM": "-Xmx1g"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_first_pod_is_server_1(tmp_path: Path) -> None:
    done = start(tmp_path, "cache-zookeeper-0")
    assert done.stdout == "start-foreground /conf -Xmx1g\n", done.stderr
    assert (tmp_path / "data/myid").read_text() == "1\n"


def test_a_server_goes_on_with_the_volume_it_had(tmp_path: Path) -> None:
    assert start(tmp_path, "cache-zookeeper-11", myid="12\n").returncode == 0


def test_a_volume_of_another_server_is_not_taken(tmp_path: Path) -> None:
    done = start(tmp_path, "cache-zookeeper-0", myid="2\n")
    assert done.returncode == 1
    assert "belongs to server 2" in done.stderr
    assert "or empty this one" in done.stderr
    _, cause, fix = explain.failed("server 1 does not start", done.stderr)
    assert "what server 2 had" in cause
    assert "a majority that serves" in fix
    assert (tmp_path / "data/myid").read_text() == "2\n"


class Answer(socketserver.BaseRequestHandler):
    """Answers four letters as a server in some state does, and closes."""

    answers: dict[bytes, bytes]

    def handle(self) -> None:
        self.request.sendall(self.answers.get(self.request.recv(4), b""))


@contextmanager
def answering(answers: dict[bytes, bytes]) -> Iterator[int]:
    """A port where a server in some state answers."""
    handler = type("Handler", (Answer,), {"answers": answers})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def ask(question: str, port: int) -> int:
    script = (ZOOKEEPER / "files/ask.sh").read_text(encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", script, "ask.sh", question],
        env={"PATH": os.environ["PATH"], "PORT": str(port)},
        capture_output=True,
        check=False,
    )
    return done.returncode


WITHOUT_QUORUM = b"This ZooKeeper instance is not currently serving requests\n"


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("srvr", "serves"),
    [
        (b"Zookeeper version: 3.9.4\nMode: leader\nNode count: 5\n", 0),
        (b"Zookeeper version: 3.9.4\nMode: follower\nNode count: 5\n", 0),
        (b"Mode: standalone\n", 0),
        (b"Mode: read-only\n", 1),
        (WITHOUT_QUORUM, 1),
        (b"", 1),
    ],
)
def test_a_server_is_ready_in_a_quorum_and_alive_without(srvr: bytes, serves: int) -> None:
    with answering({b"srvr": srvr, b"ruok": b"imok"}) as port:
        assert ask("serves", port) == serves
        assert ask("alive", port) == 0


def test_a_server_that_does_not_answer_is_not_alive() -> None:
    with answering({}) as port:
        assert ask("alive", port) == 1
    assert ask("alive", port) == 1
    assert ask("serves", port) == 1


def test_the_schema_names_every_key() -> None:
    values = yaml.safe_load((ZOOKEEPER / "values.yaml").read_text(encoding="utf-8"))
    schema = yaml.safe_load((ZOOKEEPER / "values.schema.json").read_text(encoding="utf-8"))
    assert set(values) == set(schema["properties"]) - {"global"}
