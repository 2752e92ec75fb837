"""Masters: one, several with a replicated journal, several with ZooKeeper."""

from __future__ import annotations

import pytest

from tests.unit.chart.rendering import Chart, Rendered, Values

EMBEDDED = {"master": {"count": 3}, "journal": {"type": "EMBEDDED"}}
ZOOKEEPER = {
    "master": {"count": 2, "env": {"TZ": "UTC"}},
    "properties": {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": "zk:2181"},
}


def test_masters_start_together(chart: Chart) -> None:
    spec = chart.render(EMBEDDED).get("StatefulSet", "alluxio-master")["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["replicas"] == 3


@pytest.mark.parametrize(("running", "replicas"), [(None, 3), (0, 0), (2, 2), (3, 3)])
def test_fewer_masters_may_run_than_are_known(
    chart: Chart, running: int | None, replicas: int
) -> None:
    values = {"master": {"count": 3, "running": running}, "journal": {"type": "EMBEDDED"}}
    rendered = chart.render(values)
    assert rendered.get("StatefulSet", "alluxio-master")["spec"]["replicas"] == replicas
    addresses = rendered.properties("WORKER")["alluxio.master.embedded.journal.addresses"]
    assert addresses.count(":19200") == 3
    assert "alluxio-master-2" in rendered.names("Service")


def test_five_masters_know_each_other_and_a_drain_takes_one_at_a_time(chart: Chart) -> None:
    rendered = chart.render({"master": {"count": 5}, "journal": {"type": "EMBEDDED"}})
    assert rendered.get("StatefulSet", "alluxio-master")["spec"]["replicas"] == 5
    for role in ("MASTER", "WORKER"):
        addresses = rendered.properties(role)["alluxio.master.embedded.journal.addresses"]
        assert addresses.split(",") == [f"alluxio-master-{n}:19200" for n in range(5)]
    assert {f"alluxio-master-{n}" for n in range(5)} <= set(rendered.names("Service"))
    budget = rendered.get("PodDisruptionBudget", "alluxio-master")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"]["role"] == "alluxio-master"


def test_old_values_files_say_replicas_one_and_mean_nothing_by_it(chart: Chart) -> None:
    values = {"master": {"count": 3, "replicas": 1}, "journal": {"type": "EMBEDDED"}}
    assert chart.render(values).get("StatefulSet", "alluxio-master")["spec"]["replicas"] == 3


@pytest.mark.parametrize("kind", ["RollingUpdate", "OnDelete"])
def test_how_masters_take_a_change(chart: Chart, kind: str) -> None:
    values = {"master": {"updateStrategy": {"type": kind}}}
    spec = chart.render(values).get("StatefulSet", "alluxio-master")["spec"]
    assert spec["updateStrategy"] == {"type": kind}


@pytest.mark.parametrize(
    ("values", "ports"),
    [({}, (19998, 20001)), (EMBEDDED, (19200, 20003)), (ZOOKEEPER, (19998, 20001))],
)
def test_a_master_whose_journal_has_shut_down_is_started_anew(
    chart: Chart, values: Values, ports: tuple[int, int]
) -> None:
    pod = chart.render(values).pod("StatefulSet", "alluxio-master")
    probes = [one["livenessProbe"] for one in pod["spec"]["containers"]]
    assert tuple(probe["tcpSocket"]["port"] for probe in probes) == ports


@pytest.mark.parametrize("values", [{}, EMBEDDED])
def test_masters_never_share_a_node(chart: Chart, values: Values) -> None:
    pod = chart.render(values).pod("StatefulSet", "alluxio-master")
    anti = pod["spec"]["affinity"]["podAntiAffinity"]
    [term] = anti["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_the_users_affinity_is_added_to_it(chart: Chart) -> None:
    rule = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "other"}}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    node: dict[str, object] = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}
    }
    values = {"master": {"affinity": {"podAntiAffinity": required, "nodeAffinity": node}}}
    affinity = chart.render(values).pod("StatefulSet", "alluxio-master")["spec"]["affinity"]
    terms = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [each["topologyKey"] for each in terms] == ["kubernetes.io/hostname", "zone"]
    assert affinity["nodeAffinity"] == node


def test_the_journals_addresses_take_their_port_from_the_values(chart: Chart) -> None:
    values = {
        "master": {"count": 3, "ports": {"embedded": 1920}},
        "jobMaster": {"ports": {"embedded": 2003}},
        "journal": {"type": "EMBEDDED"},
    }
    rendered = chart.render(values, "tryme")
    properties = rendered.properties("WORKER")
    assert properties["alluxio.master.embedded.journal.addresses"] == (
        "tryme-master-0:1920,tryme-master-1:1920,tryme-master-2:1920"
    )
    assert properties["alluxio.master.embedded.journal.port"] == "1920"
    assert properties["alluxio.job.master.embedded.journal.addresses"].count(":2003") == 3
    ports = rendered.get("Service", "tryme-master-1")["spec"]["ports"]
    assert {"name": "embedded", "port": 1920} in ports


def test_with_zookeeper_every_master_has_its_name_and_its_environment(chart: Chart) -> None:
    rendered = chart.render(ZOOKEEPER)
    env = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")["env"]
    assert {"name": "TZ", "value": "UTC"} in env
    assert "ALLUXIO_MASTER_HOSTNAME" in {each["name"] for each in env}
    assert "alluxio.master.hostname" not in rendered.properties("WORKER")


def test_with_zookeeper_there_is_no_replicated_journal(chart: Chart) -> None:
    properties = chart.render(ZOOKEEPER).properties("MASTER")
    assert properties["alluxio.master.journal.type"] == "UFS"
    assert "alluxio.master.embedded.journal.addresses" not in properties


def test_a_drain_takes_one_master_at_a_time(chart: Chart) -> None:
    rendered = chart.render(EMBEDDED)
    spec = rendered.get("PodDisruptionBudget", "alluxio-master")["spec"]
    assert spec["maxUnavailable"] == 1
    labels = rendered.pod("StatefulSet", "alluxio-master")["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()


def test_a_single_master_can_be_drained(default: Rendered) -> None:
    assert default.names("PodDisruptionBudget") == []


def test_the_job_masters_journal_is_writable_and_not_in_the_masters_volume(
    default: Rendered,
) -> None:
    job_master = default.container("StatefulSet", "alluxio-master", "alluxio-job-master")
    [mount] = [each for each in job_master["volumeMounts"] if each["mountPath"] == "/journal"]
    volumes = default.pod("StatefulSet", "alluxio-master")["spec"]["volumes"]
    assert {"name": mount["name"], "emptyDir": {}} in volumes


def test_the_journals_volume_is_mounted_where_the_journal_is(chart: Chart) -> None:
    rendered = chart.render({"journal": {"folder": "/data/journal"}})
    master = rendered.container("StatefulSet", "alluxio-master", "alluxio-master")
    assert {"name": "alluxio-journal", "mountPath": "/data/journal"} in master["volumeMounts"]
    assert rendered.properties("MASTER")["alluxio.master.journal.folder"] == "/data/journal"


@pytest.mark.parametrize(
    ("storage_class", "expected"),
    [("fast", {"storageClassName": "fast"}), ("", {"storageClassName": ""}), (None, {})],
)
def test_the_journals_storage_class(
    chart: Chart, storage_class: str | None, expected: dict[str, str]
) -> None:
    rendered = chart.render({"journal": {"storageClass": storage_class, "size": "2Gi"}})
    [claim] = rendered.get("StatefulSet", "alluxio-master")["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}},
        **expected,
    }


def test_a_journal_in_hdfs_has_no_volume(chart: Chart) -> None:
    rendered = chart.render({"journal": {"ufsType": "HDFS", "folder": "hdfs://nn:8020/journal"}})
    spec = rendered.get("StatefulSet", "alluxio-master")["spec"]
    assert "volumeClaimTemplates" not in spec
    assert "initContainers" not in spec["template"]["spec"]
    folder = rendered.properties("MASTER")["alluxio.master.journal.folder"]
    assert folder == "hdfs://nn:8020/journal"


def test_a_metastore_has_its_volume_and_is_used(chart: Chart) -> None:
    rendered = chart.render({"metastore": {"size": "5Gi", "mountPath": "/rocks"}})
    claims = rendered.get("StatefulSet", "alluxio-master")["spec"]["volumeClaimTemplates"]
    assert [each["metadata"]["name"] for each in claims] == ["alluxio-journal", "alluxio-metastore"]
    properties = rendered.properties("MASTER")
    assert properties["alluxio.master.metastore"] == "ROCKS"
    assert properties["alluxio.master.metastore.dir"] == "/rocks"


def test_workers_alone_go_to_a_master_elsewhere(chart: Chart) -> None:
    elsewhere = {"alluxio.master.hostname": "far"}
    rendered = chart.render({"master": {"enabled": False}, "properties": elsewhere})
    assert rendered.names("StatefulSet") == []
    assert rendered.names("Service") == []
    assert rendered.properties("WORKER")["alluxio.master.hostname"] == "far"
