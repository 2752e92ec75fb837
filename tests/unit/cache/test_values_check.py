"""The user's values files: what is wrong is found with its line, what is right passes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import values_check, values_view
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.values import Chart, compose
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source, read
from tests.unit.cache.settings_cases import GOOD, with_

OURS = Chart("alluxio", "0.1.0", "ours", {"worker": {"resources": {"limits": {"memory": "3Gi"}}}})
UPSTREAM = Chart("alluxio", "0.6.54", "upstream", OURS.values)


def faults(text: str, chart: Chart = OURS, **changes: Any) -> list[str]:
    """The faults of a values file, as the user reads them."""
    settings = with_(**changes)
    sources = [read(text, "my.yaml")]
    final = compose(settings, chart, sources)
    return [str(fault) for fault in values_check.faults(settings, chart, sources, final)]


def test_a_users_usual_file_passes_for_both_charts() -> None:
    text = """
imageTag: 2.9.6
master: {count: 1, jvmOptions: ["-Xmx2g"]}
properties: {alluxio.user.file.writetype.default: CACHE_THROUGH}
journal: {type: UFS, size: 5Gi, format: {runFormat: false}}
tieredstore: {levels: [{level: 0, mediumtype: MEM, path: /dev/shm, type: emptyDir, quota: 1Gi}]}
fuse: {enabled: true, mountPoint: /mnt/alluxio-fuse}
"""
    assert faults(text) == []
    assert faults(text, UPSTREAM) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("apiVersion: v1\nkind: ConfigMap\n", "is a Kubernetes manifest (kind ConfigMap)"),
        ("a: 1\n---\nb: 2\n", "holds 2 YAML documents"),
        ("- a\n", "holds a list, not a mapping"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_what_is_no_values_file_is_refused(text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=r"my\.yaml") as caught:
        read(text, "my.yaml")
    assert what in caught.value.what


def test_a_manifest_behind_an_empty_document_is_seen() -> None:
    with pytest.raises(SettingsError, match="manifest"):
        read("---\n---\napiVersion: v1\nkind: PersistentVolume\n", "pv.yaml")


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        ("a: 1\nalluxio.zookeeper.enabled: true\n", 2, 'alluxio.zookeeper.enabled: "true"'),
        ("alluxio:\n  zookeeper:\n    address: [a]\n", 1, 'alluxio.zookeeper.address: "a"'),
        ("alluxio.master.hostname: m\n", 1, "the chart names each master itself"),
        ("alluxio.user.x: y\n", 1, 'alluxio.user.x: "y"'),
    ],
)
def test_properties_at_the_top_level_are_shown_where_they_belong(
    text: str, line: int, fix: str
) -> None:
    (found,) = [fault for fault in faults(text) if "top level" in fault]
    assert f"(my.yaml:{line})" in found
    assert "properties:" in found
    assert fix in found


def test_an_unknown_key_is_refused_with_what_was_meant() -> None:
    (found,) = faults("\njournl: {}\n")
    assert "journl is no key of the chart's values (my.yaml:2)." in found
    assert "Did you mean journal?" in found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("properties: {s3a.secretKey: x}\n", "s3a.secretKey"),
        ("properties: {aws.accessKeyId: x}\n", "aws.accessKeyId"),
        ("worker: {properties: {fs.oss.accessKeySecret: x}}\n", "fs.oss.accessKeySecret"),
        ("jvmOptions: ['-Xmx1g -Ds3a.secretKey=x']\n", "s3a.secretKey"),
        ("master: {env: {AWS_SECRET_ACCESS_KEY: x}}\n", "AWS_SECRET_ACCESS_KEY"),
        ("master: {env: {DB_PASSWORD: x}}\n", "DB_PASSWORD"),
    ],
)
def test_a_secret_in_values_is_refused(text: str, name: str) -> None:
    (found,) = faults(text)
    assert name in found
    assert "alluxio_root_ufs_secret" in found


@pytest.mark.parametrize(
    ("text", "variable", "changes"),
    [
        ("master: {count: 3}\n", "alluxio_masters: 3", {}),
        ("journal: {type: EMBEDDED}\n", "alluxio_ha: embedded", {}),
        ("fullnameOverride: x\n", "alluxio_release: x", {}),
        ("imageTag: 2.8.0\n", "alluxio_version: 2.8.0", {}),
        ("journal: {format: {runFormat: true}}\n", "alluxio_journal_format", {}),
        (
            "properties: {alluxio.master.mount.table.root.ufs: s3://other}\n",
            "alluxio_root_ufs: s3://other",
            {},
        ),
        ("properties: {alluxio.zookeeper.enabled: 'true'}\n", "alluxio_ha: zookeeper", {}),
        (
            "properties: {alluxio.zookeeper.address: 'b:1'}\n",
            "remove it",
            {"ha": "zookeeper", "zookeeper_address": ("a:1",)},
        ),
        (
            "properties: {alluxio.zookeeper.election.path: /mine}\n",
            "elect a leader of their own",
            {"ha": "zookeeper", "zookeeper_address": ("a:1",)},
        ),
        (
            "master: {properties: {alluxio.zookeeper.leader.path: /Alluxio/alluxio/alluxio/leader}}\n",
            "Namespace and release decide it (/alluxio/alluxio/alluxio/leader)",
            {"ha": "zookeeper", "zookeeper_address": ("a:1",)},
        ),
        (
            "jobMaster: {jvmOptions: -Dalluxio.zookeeper.job.election.path=/mine}\n",
            "elect a leader of their own",
            {"ha": "zookeeper", "zookeeper_address": ("a:1",)},
        ),
        ("properties: {alluxio.master.hostname: m}\n", "remove it", {}),
        ("properties: {alluxio: {user: x}}\n", "dotted name", {}),
        ("journal: {volumeType: emptyDir}\n", "volume on the node", {}),
    ],
)
def test_what_contradicts_a_variable_is_refused(
    text: str, variable: str, changes: dict[str, Any]
) -> None:
    (found,) = faults(text, **changes)
    assert "my.yaml:1" in found
    assert variable in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alluxio.master.mount.table.root.ufs", "/tmp/x"),
        ("alluxio.zookeeper.enabled", "true"),
        ("alluxio.master.hostname", "m"),
        ("alluxio.master.journal.init.from.backup", "/x.gz"),
    ],
)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("master: {properties: {NAME: 'VALUE'}}\n", "master.properties.NAME is 'VALUE'"),
        ("fuse: {properties: {NAME: 'VALUE'}}\n", "fuse.properties.NAME is 'VALUE'"),
        ("worker: {jvmOptions: ['-Xmx1g', '-DNAME=VALUE']}\n", "worker.jvmOptions: -DNAME is"),
        ("jvmOptions: '-Xmx1g  -DNAME=VALUE '\n", "jvmOptions: -DNAME is 'VALUE'"),
    ],
)
def test_a_components_properties_and_options_contradict_nothing_either(
    text: str, shown: str, name: str, value: str
) -> None:
    for chart in (OURS, UPSTREAM):
        (found,) = faults(text.replace("NAME", name).replace("VALUE", value), chart)
        assert f"{shown.replace('NAME', name).replace('VALUE', value)}" in found
        assert "(my.yaml:1)" in found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "master: {env: {ALLUXIO_JAVA_OPTS: '-Da=b -Dalluxio.zookeeper.enabled=true'}}\n",
            "master.env.ALLUXIO_JAVA_OPTS carries alluxio.zookeeper.enabled (",
        ),
        (
            "jobMaster: {env: {ALLUXIO_JOB_MASTER_JAVA_OPTS: '-Xmx8g'}}\n",
            "jobMaster.env.ALLUXIO_JOB_MASTER_JAVA_OPTS is set (",
        ),
        ("fuse: {env: {ALLUXIO_FUSE_JAVA_OPTS: ''}}\n", "fuse.env.ALLUXIO_FUSE_JAVA_OPTS is set ("),
        (
            "worker: {env: {ALLUXIO_USER_JAVA_OPTS: '-Dalluxio.master.hostname=secret'}}\n",
            "worker.env.ALLUXIO_USER_JAVA_OPTS carries alluxio.master.hostname (",
        ),
        (
            "master: {env: {JAVA_TOOL_OPTIONS: '-Dalluxio.master.journal.type=UFS'}}\n",
            "master.env.JAVA_TOOL_OPTIONS carries alluxio.master.journal.type (",
        ),
    ],
)
def test_java_options_in_a_variable_are_refused_without_their_values(text: str, shown: str) -> None:
    for chart in (OURS, UPSTREAM):
        (found,) = faults(text, chart)
        assert shown in found
        assert "under `properties`" in found
        assert "secret" not in found


def test_other_variables_are_the_users_own() -> None:
    assert faults("master: {env: {JAVA_TOOL_OPTIONS: '-Xlog:gc', TZ: UTC}}\n") == []
    assert faults("worker: {env: {ALLUXIO_USER_JAVA_OPTS: '-Xmx1g'}}\n") == []


def test_a_component_may_repeat_what_is_decided() -> None:
    text = "master: {properties: {alluxio.master.mount.table.root.ufs: 's3://datasets/'}}\n"
    assert faults(text) == []
    zookeeper = "worker: {properties: {alluxio.zookeeper.enabled: true}}\n"
    assert faults(zookeeper, ha="zookeeper", zookeeper_address=("a:1",)) == []
    path = "alluxio.zookeeper.election.path: /alluxio/alluxio/alluxio/election"
    assert faults(f"master: {{properties: {{{path}}}}}\n", ha="zookeeper") == []
    assert faults("master: {env: {alluxio.zookeeper.enabled: 'true'}}\n") == []


@pytest.mark.parametrize("tag", ["2.9.6", "2.9.6-debug"])
def test_a_build_of_the_same_version_may_be_named(tag: str) -> None:
    assert faults(f"imageTag: {tag}\n") == []


def test_a_replicated_journal_in_memory_is_allowed_where_losing_the_data_is_meant() -> None:
    text = "journal: {volumeType: emptyDir}\n"
    assert faults(text, root_ufs="ephemeral", ha="embedded") == []
    (found,) = faults(text, root_ufs="ephemeral")
    assert "a master does not start on an unformatted one" in found


QUOTA = """
tieredstore:
  levels:
    - level: 0
      mediumtype: MEM
      type: emptyDir
      quota: {quota}
"""


def test_a_quota_that_is_read_in_two_ways_is_explained_for_upstreams_chart() -> None:
    (found,) = faults(QUOTA.replace("{quota}", "1G"), UPSTREAM)
    assert 'tieredstore.levels[0].quota "1G" is read in two ways (my.yaml:7).' in found
    assert "1000000000 bytes to Kubernetes and 1073741824 to Alluxio" in found
    assert 'write "1073741824"' in found
    assert faults(QUOTA.replace("{quota}", "1G"), OURS) == []


@pytest.mark.parametrize(
    ("quota", "chart", "what"),
    [
        ("256MB", UPSTREAM, "is no Kubernetes quantity"),
        ("lots", OURS, "is no size"),
        ("4Gi", OURS, "4 GiB in memory, with worker.resources.limits.memory 3Gi"),
        ("4Gi", UPSTREAM, "4 GiB in memory, with worker.resources.limits.memory 3Gi"),
    ],
)
def test_a_quota_that_cannot_work_is_refused(quota: str, chart: Chart, what: str) -> None:
    (found,) = faults(QUOTA.replace("{quota}", quota), chart)
    assert what in found


def test_the_quota_variable_is_held_against_the_charts_own_limit() -> None:
    (found,) = faults("", worker_quota=8 << 30)
    assert "alluxio_worker_quota 8589934592: 8 GiB in memory" in found
    assert faults("worker: {resources: {limits: {memory: 12Gi}}}\n", worker_quota=8 << 30) == []


def test_two_settings_for_one_quota_are_refused() -> None:
    (found,) = faults(QUOTA.replace("{quota}", "1Gi"), worker_quota=512 << 20)
    assert "alluxio_worker_quota is 536870912" in found
    assert faults(QUOTA.replace("{quota}", "512Mi"), worker_quota=512 << 20) == []


def test_zookeeper_needs_a_journal_that_all_masters_share() -> None:
    zookeeper: dict[str, Any] = {"ha": "zookeeper", "masters": 3, "zookeeper_address": ("a:1",)}
    (alone,) = faults("", **zookeeper)
    assert "alluxio_journal_shared_path is not set" in alone
    assert faults("journal: {ufsType: HDFS, folder: 'hdfs://nn/journal'}\n", **zookeeper) == []
    shared = {**zookeeper, "journal_shared_path": "/mnt/shared"}
    assert faults("", **shared) == []
    upstream = faults("", UPSTREAM, **shared)
    assert "use our chart" in upstream[0]


def test_a_shared_journal_lies_in_a_volume() -> None:
    shared: dict[str, Any] = {"ha": "zookeeper", "masters": 3, "journal_shared_path": "/mnt/shared"}
    found = faults("journal: {volumeType: emptyDir}\n", **shared, root_ufs="ephemeral")
    assert ["with alluxio_journal_shared_path" in fault for fault in found] == [True]


def test_zookeeper_and_a_replicated_journal_together_are_refused() -> None:
    text = "journal: {type: EMBEDDED}\nproperties: {alluxio.zookeeper.enabled: 'true'}\n"
    for changes in ({}, {"ha": "embedded", "masters": 3}, {"ha": "zookeeper"}):
        assert faults(text, **changes), changes


def test_upstreams_masters_find_each_other_at_one_port_only() -> None:
    text = "master: {ports: {embedded: 19300}}\n"
    (found,) = faults(text, UPSTREAM, ha="embedded", masters=3)
    assert "master.ports.embedded is 19300 (my.yaml:1)" in found
    assert faults(text, OURS, ha="embedded", masters=3) == []
    assert faults(text, UPSTREAM) == []


SCHEMA = {
    "properties": {
        "journal": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"size": {"$ref": "#/definitions/text"}, "type": {"enum": ["UFS"]}},
        },
        "properties": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "user": {"type": "integer"},
        "mounts": {"type": "array", "items": {"type": "object"}},
    },
    "definitions": {"text": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("journal: {sise: 1Gi}\n", "journal.sise is no key"),
        ("journal: {size: 5}\n", "journal.size is 5"),
        ("journal: {type: OTHER}\n", "journal.type is 'OTHER'"),
        ("journal: 5\n", "journal is 5"),
        ("user: root\n", "user is 'root'"),
        ("mounts: [x]\n", "mounts[0] is 'x'"),
        ("properties: {a: 5}\n", "properties.a is 5"),
    ],
)
def test_the_charts_schema_is_checked_before_anything_is_changed(text: str, what: str) -> None:
    chart = Chart("alluxio", "1", "ours", {}, SCHEMA)
    assert [
        fault for fault in faults(text, chart) if f"{what} (my.yaml:1)" in fault or what in fault
    ]
    assert faults("properties:\nuser: 3\njournal: {size: 1Gi}\n", chart) == []


def test_memory_that_will_run_out_is_warned_of() -> None:
    text = "worker: {jvmOptions: ['-Xmx2g', '-XX:MaxDirectMemorySize=1g']}\n"
    final = compose(GOOD, OURS, [read(text, "my.yaml")])
    (warning,) = values_check.warnings(final)
    assert "may need 4 GiB" in warning
    assert values_check.warnings(compose(GOOD, OURS, [])) == []


def test_the_place_of_an_override_is_the_last_source_that_has_it() -> None:
    sources = [read("a:\n  b: 1\n", "one.yaml"), Source("alluxio_values", {"c": 1})]
    assert values_view.place(sources, ("a", "b")) == "one.yaml:2"
    assert values_view.place(sources, ("c",)) == "alluxio_values"
    assert values_view.place(sources, ("d",)) == ""
