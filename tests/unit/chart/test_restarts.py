"""A changed setting restarts the pods that read it, and no others."""

from __future__ import annotations

import pytest

from tests.unit.chart.rendering import Chart, Rendered, Values

PODS = {"StatefulSet": "alluxio-master", "DaemonSet": "alluxio-worker"}


def restarted(before: Rendered, after: Rendered) -> set[str]:
    return {
        name.removeprefix("alluxio-")
        for kind, name in PODS.items()
        if before.pod(kind, name) != after.pod(kind, name)
    }


@pytest.mark.parametrize(
    ("values", "pods"),
    [
        ({"properties": {"alluxio.user.file.readtype.default": "CACHE"}}, {"master", "worker"}),
        ({"jvmOptions": ["-Xss512k"]}, {"master", "worker"}),
        ({"master": {"properties": {"alluxio.master.metastore": "HEAP"}}}, {"master"}),
        ({"jobMaster": {"properties": {"alluxio.job.master.job.capacity": 10}}}, {"master"}),
        ({"worker": {"properties": {"alluxio.worker.block.heartbeat.interval": "2s"}}}, {"worker"}),
        ({"jobWorker": {"jvmOptions": ["-Xss512k"]}}, {"worker"}),
        (
            {
                "tieredstore": {
                    "levels": [
                        {
                            "mediumtype": "MEM",
                            "path": "/dev/shm",
                            "type": "emptyDir",
                            "quota": "512MB",
                        }
                    ]
                }
            },
            {"worker"},
        ),
        ({"fuse": {"properties": {"alluxio.x": "1"}}}, set()),
        ({"proxy": {"jvmOptions": "-Xss512k"}}, set()),
    ],
)
def test_restarts_what_reads_the_setting(
    chart: Chart, default: Rendered, values: Values, pods: set[str]
) -> None:
    assert restarted(default, chart.render(values)) == pods


def test_the_same_size_written_otherwise_restarts_nothing(chart: Chart) -> None:
    def quota(text: str) -> Rendered:
        level = {"mediumtype": "MEM", "path": "/dev/shm", "type": "emptyDir", "quota": text}
        return chart.render({"tieredstore": {"levels": [level]}})

    assert quota("1G").text() == quota("1073741824").text()


def test_a_metric_sink_restarts_what_has_it(chart: Chart) -> None:
    def sink(period: int) -> Rendered:
        csv = {"enabled": True, "period": period}
        return chart.render({"metrics": {"enabled": True, "CsvSink": csv}})

    assert restarted(sink(1), sink(2)) == {"master", "worker"}


def test_workers_are_replaced_a_few_at_a_time(default: Rendered) -> None:
    strategy = default.get("DaemonSet", "alluxio-worker")["spec"]["updateStrategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}
