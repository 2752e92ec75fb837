"""What reaches Alluxio's processes."""

from __future__ import annotations

from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import failover
from tests.unit.chart.rendering import Chart, Rendered


def test_addresses_are_left_for_the_launcher_to_fill_in(default: Rendered) -> None:
    assert default.properties("MASTER")["alluxio.master.hostname"] == "${ALLUXIO_MASTER_HOSTNAME}"
    worker = default.properties("WORKER")
    assert worker["alluxio.worker.hostname"] == "${ALLUXIO_WORKER_HOSTNAME}"
    assert worker["alluxio.worker.container.hostname"] == "${ALLUXIO_WORKER_CONTAINER_HOSTNAME}"


def test_every_address_left_to_the_launcher_is_in_the_environment(chart: Chart) -> None:
    rendered = chart.render({"fuse": {"enabled": True}, "proxy": {"enabled": True}})
    for kind, name, container, role in [
        ("StatefulSet", "alluxio-master", "alluxio-master", "MASTER"),
        ("StatefulSet", "alluxio-master", "alluxio-job-master", "JOB_MASTER"),
        ("DaemonSet", "alluxio-worker", "alluxio-worker", "WORKER"),
        ("DaemonSet", "alluxio-worker", "alluxio-job-worker", "JOB_WORKER"),
        ("DaemonSet", "alluxio-fuse", "alluxio-fuse", "FUSE"),
        ("DaemonSet", "alluxio-proxy", "alluxio-proxy", "PROXY"),
    ]:
        env = {each["name"] for each in rendered.container(kind, name, container)["env"]}
        literal = [v[2:-1] for v in rendered.properties(role).values() if v.startswith("${")]
        assert literal
        assert set(literal) <= env, container


def test_workers_and_clients_go_to_the_master_by_its_service(default: Rendered) -> None:
    assert default.properties("WORKER")["alluxio.master.hostname"] == "alluxio-master-0"


def test_the_users_property_wins_over_the_charts(chart: Chart) -> None:
    mine = {"alluxio.master.update.check.enabled": "true"}
    assert chart.render({"properties": mine}).properties("MASTER").items() >= mine.items()


def test_a_components_property_wins_over_everyones(chart: Chart) -> None:
    name = "alluxio.user.file.readtype.default"
    rendered = chart.render({"properties": {name: "CACHE"}, "worker": {"properties": {name: "NO"}}})
    assert rendered.properties("WORKER")[name] == "NO"
    assert rendered.properties("MASTER")[name] == "CACHE"


def test_everyones_property_wins_over_the_charts_for_a_component(chart: Chart) -> None:
    name = "alluxio.worker.tieredstore.level0.watermark.high.ratio"
    assert chart.render({"properties": {name: 0.8}}).properties("WORKER")[name] == "0.8"


def test_a_property_set_to_null_is_left_out(chart: Chart) -> None:
    name = "alluxio.security.stale.channel.purge.interval"
    assert name in chart.render().properties("WORKER")
    assert name not in chart.render({"properties": {name: None}}).properties("WORKER")


def test_nothing_calls_home(default: Rendered) -> None:
    assert default.properties("MASTER")["alluxio.master.update.check.enabled"] == "false"


def test_jvm_options_may_be_a_list_or_a_string(chart: Chart) -> None:
    for given in (["-Xss512k", "-ea"], "-Xss512k -ea", " -Xss512k -ea "):
        options = chart.render({"worker": {"jvmOptions": given}}).config()
        assert options["ALLUXIO_WORKER_JAVA_OPTS"].endswith(" -Xss512k -ea")


def test_one_of_several_job_masters_starts_cheaply_unless_told_otherwise(chart: Chart) -> None:
    quick, own = "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"

    def options(values: dict[str, Any]) -> list[str]:
        values = {"master": {"count": 3}, "journal": {"type": "EMBEDDED"}, **values}
        found = chart.render(values).config()["ALLUXIO_JOB_MASTER_JAVA_OPTS"].split()
        return [option for option in found if "TieredStopAtLevel" in option]

    assert options({}) == [quick]
    assert options({"jobMaster": {"jvmOptions": ["-Xmx64m"]}}) == [quick]
    assert options({"jobMaster": {"jvmOptions": own}}) == [own]
    assert options({"jvmOptions": [own]}) == []  # it stands among the options of all
    assert options({"master": {"count": 1}}) == []


def test_only_a_single_primary_on_its_own_volume_skips_the_wait_for_another(chart: Chart) -> None:
    """With ZooKeeper the chart's times are those that alluxops sets: a pair of Alluxio's own lets two masters write."""
    name = "alluxio.master.journal.tailer.shutdown.quiet.wait.time"
    shared = {
        "master": {"count": 2},
        "properties": {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": "z:1"},
    }
    assert chart.render().properties("MASTER")[name] == "200ms"
    found = chart.render(shared).properties("MASTER")
    wanted = failover.properties(2, "zookeeper")
    times = [key for key in wanted if key == name or key.startswith("alluxio.zookeeper")]
    assert len(times) == 3
    assert {key: found[key] for key in times} == {key: wanted[key] for key in times}


def test_short_circuit_is_the_same_socket_for_worker_and_clients(chart: Chart) -> None:
    rendered = chart.render({"fuse": {"enabled": True}})
    for role in ("WORKER", "JOB_WORKER", "FUSE"):
        properties = rendered.properties(role)
        assert properties["alluxio.worker.data.server.domain.socket.address"] == "/opt/domain"
        assert properties["alluxio.worker.data.server.domain.socket.as.uuid"] == "true"
    for kind, name, container in [
        ("DaemonSet", "alluxio-worker", "alluxio-worker"),
        ("DaemonSet", "alluxio-worker", "alluxio-job-worker"),
        ("DaemonSet", "alluxio-fuse", "alluxio-fuse"),
    ]:
        mounts = rendered.container(kind, name, container)["volumeMounts"]
        assert {"name": "domain", "mountPath": "/opt/domain"} in mounts


def test_short_circuit_off_is_off_for_clients_and_mounts_nothing(chart: Chart) -> None:
    rendered = chart.render({"shortCircuit": {"enabled": False}})
    assert rendered.properties("WORKER")["alluxio.user.short.circuit.enabled"] == "false"
    volumes = rendered.pod("DaemonSet", "alluxio-worker")["spec"]["volumes"]
    assert "domain" not in {each["name"] for each in volumes}


def test_the_socket_claim_can_be_provisioned(chart: Chart) -> None:
    rendered = chart.render({"shortCircuit": {"volumeType": "persistentVolumeClaim"}})
    spec = rendered.get("PersistentVolumeClaim", "alluxio-worker-domain-socket")["spec"]
    assert "selector" not in spec
    assert spec["storageClassName"] == "standard"


def test_metric_sinks_are_written_and_found(chart: Chart) -> None:
    rendered = chart.render(
        {
            "metrics": {
                "enabled": True,
                "PrometheusMetricsServlet": {"enabled": True},
                "GraphiteSink": {"enabled": True, "host": "graphite", "port": 2003},
                "podAnnotations": {
                    "prometheus.io/port": "19999",
                    "prometheus.io/workerPort": "30000",
                },
            }
        }
    )
    lines = rendered.get("ConfigMap", "alluxio-metrics")["data"]["metrics.properties"].split()
    assert "sink.prometheus.class=alluxio.metrics.sink.PrometheusMetricsServlet" in lines
    assert "sink.graphite.host=graphite" in lines
    assert "sink.graphite.port=2003" in lines
    assert not [line for line in lines if line.startswith("sink.csv")]
    where = rendered.properties("MASTER")["alluxio.metrics.conf.file"]
    master = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")
    assert where.rpartition("/")[0] in {each["mountPath"] for each in master["volumeMounts"]}
    for kind, name, port in [
        ("StatefulSet", "alluxio-master", "19999"),
        ("DaemonSet", "alluxio-worker", "30000"),
    ]:
        annotations = rendered.pod(kind, name)["metadata"]["annotations"]
        assert annotations["prometheus.io/port"] == port


def test_logs_go_to_the_log_server(chart: Chart) -> None:
    rendered = chart.render({"logserver": {"enabled": True, "volumeType": "emptyDir"}})
    properties = rendered.properties("WORKER")
    assert properties["alluxio.logserver.hostname"] in rendered.names("Service")
    assert properties["alluxio.logserver.port"] == "45600"


def test_a_null_takes_a_property_away(chart: Chart) -> None:
    values = {"properties": {"alluxio.x": None}, "worker": {"properties": {"alluxio.y": None}}}
    worker = chart.render(values).properties("WORKER")
    assert not {"alluxio.x", "alluxio.y"} & set(worker)
