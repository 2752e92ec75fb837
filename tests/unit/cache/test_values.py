"""The values that reach the chart: Helm's order, decisions kept, volumes claimed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import claims as claimed
from ansible_collections.alluxops.cache.plugins.module_utils import tolerations, values
from ansible_collections.alluxops.cache.plugins.module_utils.values import Chart
from ansible_collections.alluxops.cache.plugins.module_utils.values_files import Source, read
from tests.unit.cache.settings_cases import GOOD, with_

OURS = Chart("alluxio", "0.1.0", "ours")
UPSTREAM = Chart("alluxio", "0.6.54", "upstream")


def given(settings: Any = GOOD, chart: Chart = OURS, *sources: dict[str, Any]) -> dict[str, Any]:
    """What Helm is given for these sources of the user's."""
    return values.compose(
        settings, chart, [Source(f"s{n}", s) for n, s in enumerate(sources)]
    ).given


def test_later_sources_win_and_maps_merge() -> None:
    first = {"master": {"jvmOptions": ["-Xmx1g"], "nodeSelector": {"a": "1"}}}
    second = {"master": {"jvmOptions": ["-Xmx2g"]}}
    master = given(GOOD, OURS, first, second)["master"]
    assert master["jvmOptions"] == ["-Xmx2g"]
    assert master["nodeSelector"] == {"a": "1"}
    assert master["count"] == 1


def test_an_empty_section_takes_nothing_away() -> None:
    source = read("properties:\nmaster:\n  properties:\n", "my.yaml")
    final = values.compose(GOOD, OURS, [source])
    assert final.given["properties"][values.ROOT_UFS] == "s3://datasets/"


def test_a_user_value_wins_over_a_default_but_not_over_a_decision() -> None:
    mine = {"journal": {"size": "9Gi", "type": "EMBEDDED"}, "imageTag": "0"}
    final = given(GOOD, OURS, mine)
    assert final["journal"]["size"] == "9Gi"
    assert final["journal"]["type"] == "UFS"
    assert final["imageTag"] == "2.9.6"


@pytest.mark.parametrize("chart", [OURS, UPSTREAM])
def test_a_build_of_the_version_reaches_the_chart(chart: Chart) -> None:
    final = values.compose(GOOD, chart, [Source("mine", {"imageTag": "2.9.6-custom"})])
    assert final.given["imageTag"] == "2.9.6-custom"
    assert final.effective["imageTag"] == "2.9.6-custom"
    assert given(GOOD, chart, {"imageTag": "2.9.60"})["imageTag"] == "2.9.6"


def test_a_quota_reaches_the_chart_as_digits() -> None:
    by_variable = given(with_(worker_quota=536870912))
    assert by_variable["tieredstore"]["levels"][0]["quota"] == "536870912"
    by_values = given(GOOD, UPSTREAM, {"tieredstore": {"levels": [{"quota": 1073741824.0}]}})
    assert by_values["tieredstore"]["levels"] == [{"quota": "1073741824"}]


def test_large_numbers_reach_upstreams_templates_as_digits() -> None:
    mine = {
        "user": 1000700000,
        "properties": {"alluxio.user.block.size.bytes.default": 67108864, "alluxio.x": True},
        "worker": {"resources": {"limits": {"memory": 4294967296.0}}, "ports": {"rpc": 29999}},
        "tolerations": [{"key": "a", "tolerationSeconds": 9000000}],
    }
    final = values.compose(GOOD, UPSTREAM, [Source("mine", mine)])
    properties = final.given["properties"]
    assert properties["alluxio.user.block.size.bytes.default"] == "67108864"
    assert properties["alluxio.x"] is True
    assert final.given["user"] == "1000700000"
    assert final.given["worker"]["resources"]["limits"]["memory"] == "4294967296"
    # Small numbers print as they are, and what toYaml writes must stay a number.
    assert final.given["worker"]["ports"]["rpc"] == 29999
    assert final.given["tolerations"][0]["tolerationSeconds"] == 9000000
    # Jobs of ours are made from these.
    assert final.effective["user"] == 1000700000


@pytest.mark.parametrize(
    ("fuse", "path"),
    [({"mountPoint": "/mnt/a"}, "/mnt/a"), ({"mountPath": "/mnt/b"}, None), ({}, None)],
)
def test_upstreams_mount_point_also_gets_the_name_its_template_reads(
    fuse: dict[str, str], path: str | None
) -> None:
    chart = Chart("alluxio", "0.6.54", "upstream", {"fuse": fuse})
    assert given(GOOD, chart)["fuse"].get("mountPath") == path


@pytest.mark.parametrize(("ha", "kind"), [("none", "UFS"), ("embedded", "EMBEDDED")])
def test_the_journal_follows_ha_and_never_formats_itself(ha: str, kind: str) -> None:
    journal = given(with_(ha=ha))["journal"]
    assert journal["type"] == kind
    assert journal["format"] == {"runFormat": False}


def test_zookeeper_becomes_properties() -> None:
    properties = given(with_(ha="zookeeper", zookeeper_address=("a:2181", "b:2181")))["properties"]
    assert properties["alluxio.zookeeper.enabled"] == "true"
    assert properties["alluxio.zookeeper.address"] == "a:2181,b:2181"
    assert properties["alluxio.zookeeper.election.path"] == "/alluxio/alluxio/alluxio/election"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"region": "eu-1"}, {"alluxio.underfs.s3.endpoint.region": "eu-1"}),
        ({"threads.max": 9}, {"alluxio.underfs.s3.threads.max": "9"}),
        (
            {"endpoint": "http://s3:9000", "inherit.acl": True},
            {
                "alluxio.underfs.s3.endpoint": "http://s3:9000",
                "alluxio.underfs.s3.disable.dns.buckets": "true",
                "alluxio.underfs.s3.inherit.acl": "true",
            },
        ),
        ({"alluxio.user.x": "y"}, {"alluxio.user.x": "y"}),
    ],
)
def test_options_of_the_store_become_properties(
    options: dict[str, Any], expected: dict[str, str]
) -> None:
    properties = given(with_(root_ufs_options=options))["properties"]
    assert expected.items() <= properties.items()


def test_an_ephemeral_store_lies_in_the_container() -> None:
    assert given(with_(root_ufs="ephemeral"))["properties"][values.ROOT_UFS].startswith("/opt/")


@pytest.mark.parametrize("chart", [OURS, UPSTREAM])
def test_credentials_reach_pods_as_a_file_and_never_as_a_value(chart: Chart) -> None:
    final = given(with_(root_ufs_secret="my-s3"), chart)
    for component in ("master", "worker"):
        assert final["secrets"][component] == {"alluxio-ufs-credentials": "ufs"}
    for component in ("master", "jobMaster", "worker", "jobWorker"):
        file = final[component]["env"]["AWS_CREDENTIAL_PROFILES_FILE"]
        assert file == "/secrets/ufs/credentials"
    assert "secrets" not in given(GOOD, chart)


def test_each_kind_of_pod_tolerates_what_all_do_and_its_own() -> None:
    gpu, disk, all_ = ({"key": key, "operator": "Exists"} for key in ("gpu", "disk", "all"))
    mine = {
        "tolerations": [all_],
        "master": {"tolerations": [disk]},
        "worker": {"tolerations": [gpu, disk]},
    }
    effective = values.compose(GOOD, OURS, [Source("mine", mine)]).effective
    assert tolerations.by_kind(GOOD, effective) == {
        "masters": [all_, disk],
        "workers": [all_, gpu, disk],
        "zookeeper": [all_, disk, gpu],
    }
    own = with_(zookeeper_values={"tolerations": []})
    assert tolerations.by_kind(own, effective)["zookeeper"] == []
    nothing: dict[str, list[Any]] = {"masters": [], "workers": [], "zookeeper": []}
    assert tolerations.by_kind(GOOD, {"master": {}}) == nothing


def test_a_change_restarts_only_what_reads_it() -> None:
    before = values.restart_digest(given(GOOD, UPSTREAM))
    worker = values.restart_digest(given(GOOD, UPSTREAM, {"worker": {"properties": {"a": "b"}}}))
    both = values.restart_digest(given(GOOD, UPSTREAM, {"properties": {"a": "b"}}))
    assert worker["master"] == before["master"]
    assert worker["worker"] != before["worker"]
    assert both["master"] != before["master"]
    assert both["worker"] != before["worker"]


def test_upstreams_pods_carry_the_digest_that_restarts_them() -> None:
    upstream = given(GOOD, UPSTREAM)
    for component in ("master", "worker"):
        assert values.DIGEST_ANNOTATION in upstream[component]["podAnnotations"]
    assert "podAnnotations" not in given(GOOD, OURS)["master"]


def test_each_master_claims_a_journal_on_its_own_node() -> None:
    settings = with_(masters=3, ha="embedded")
    claims = claimed.claims(settings, values.compose(settings, OURS, []).effective)
    assert [(c["name"], c["node"], c["ordinal"]) for c in claims] == [
        (f"alluxio-journal-alluxio-master-{n}", f"n{n + 1}", n) for n in range(3)
    ]
    assert {c["path"] for c in claims} == {"/mnt/fuse3/alluxio/alluxio/journal"}
    assert all(c["precreate"] for c in claims)


def test_masters_that_share_a_journal_claim_one_directory_on_any_of_their_hosts() -> None:
    settings = with_(masters=3, ha="zookeeper", journal_shared_path="/mnt/shared/")
    final = values.compose(settings, OURS, []).effective
    claims = [one for one in claimed.claims(settings, final) if one["kind"] == "journal"]
    assert [(c["node"], c["ordinal"], c["shared"], c["seen_from"]) for c in claims] == [
        (None, ordinal, True, f"n{ordinal + 1}") for ordinal in range(3)
    ]
    assert {c["path"] for c in claims} == {"/mnt/shared/alluxio/alluxio"}
    assert all(c["access_modes"] == ["ReadWriteMany"] for c in claims)
    assert final["journal"]["accessModes"] == ["ReadWriteMany"]
    affinity = final["master"]["affinity"]["nodeAffinity"]
    assert "'n3'" in str(affinity["requiredDuringSchedulingIgnoredDuringExecution"])


def test_a_domain_socket_is_claimed_only_where_the_user_wants_a_claim() -> None:
    source = Source("s", {"shortCircuit": {"volumeType": "persistentVolumeClaim", "size": "2Mi"}})
    claims = claimed.claims(GOOD, values.compose(GOOD, UPSTREAM, [source]).effective)
    (domain,) = [claim for claim in claims if claim["kind"] == "domain"]
    assert domain["name"] == "alluxio-worker-domain-socket"
    assert domain["path"] == "/mnt/fuse3/alluxio/alluxio/domain"
    assert (domain["size"], domain["precreate"], domain["node"]) == ("2Mi", False, None)


@pytest.mark.parametrize(
    ("storage_class", "provisioned"),
    [("gp3", True), (None, True), ("standard", False), ("", False), ("alluxops-local", False)],
)
def test_a_class_of_the_users_makes_the_volumes_and_the_guides_takes_ours(
    storage_class: str | None, provisioned: bool
) -> None:
    settings = with_(masters=3, ha="embedded")
    source = Source("s", {"journal": {"storageClass": storage_class}})
    final = values.compose(settings, OURS, [source])
    journals = claimed.claims(settings, final.effective)
    assert [claim["provisioned"] for claim in journals] == [provisioned] * 3
    assert all(claim["precreate"] for claim in journals)
    assert [claim["node"] for claim in journals] == (
        [None] * 3 if provisioned else ["n1", "n2", "n3"]
    )
    # Such volumes tie no master to a node, so the chart does.
    assert ("affinity" in final.given["master"]) is provisioned


def test_a_domain_socket_in_a_class_of_the_users_needs_no_volume_of_ours() -> None:
    sockets = {"volumeType": "persistentVolumeClaim", "storageClass": "efs"}
    source = Source("s", {"shortCircuit": sockets})
    found = claimed.claims(GOOD, values.compose(GOOD, OURS, [source]).effective)
    assert [claim["kind"] for claim in found] == ["journal"]


def test_a_shared_journal_lies_in_its_directory_whatever_the_class_is_called() -> None:
    settings = with_(masters=3, ha="zookeeper", journal_shared_path="/mnt/shared/")
    source = Source("s", {"journal": {"storageClass": "gp3"}})
    found = claimed.claims(settings, values.compose(settings, OURS, [source]).effective)
    assert not any(claim["provisioned"] for claim in found)


@pytest.mark.parametrize("journal", [{"ufsType": "HDFS"}, {"volumeType": "emptyDir"}])
def test_a_journal_elsewhere_claims_nothing(journal: dict[str, str]) -> None:
    final = values.compose(GOOD, OURS, [Source("s", {"journal": journal})])
    assert claimed.claims(GOOD, final.effective) == []


def test_a_null_drops_the_charts_own_key() -> None:
    chart = Chart("alluxio", "1", "ours", {"worker": {"resources": {"limits": {"memory": "3Gi"}}}})
    source = Source("s", {"worker": {"resources": None}})
    assert "resources" not in values.compose(GOOD, chart, [source]).effective["worker"]


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"name": "alluxio", "annotations": {"alluxops.io/chart": "ours"}}, "ours"),
        ({"name": "alluxio", "version": "0.6.40"}, "upstream"),
    ],
)
def test_a_chart_is_known_by_its_annotation(metadata: dict[str, Any], family: str) -> None:
    assert values.chart_from(metadata, {}).family == family


def test_options_as_one_text_reach_upstreams_chart_as_the_list_that_it_takes() -> None:
    mine = {"jvmOptions": "-Xmx1g -XX:+UseSerialGC", "worker": {"jvmOptions": " -Da=b "}}
    final = values.compose(GOOD, UPSTREAM, [Source("mine", mine)])
    assert final.given["jvmOptions"] == ["-Xmx1g", "-XX:+UseSerialGC"]
    assert final.given["worker"]["jvmOptions"] == ["-Da=b"]
    # From the chart's own defaults too.
    chart = Chart("alluxio", "0.6.40", "upstream", {"fuse": {"jvmOptions": " -Dx=y "}})
    assert given(GOOD, chart)["fuse"]["jvmOptions"] == ["-Dx=y"]
    assert given(GOOD, OURS, mine)["jvmOptions"] == mine["jvmOptions"]


def test_upstreams_pods_may_take_their_time_to_start() -> None:
    """Its liveness probe alone would kill a master that replays a long journal."""
    mine = {"master": {"startupProbe": {"failureThreshold": 9}}}
    upstream = given(GOOD, UPSTREAM, mine)
    assert upstream["master"]["startupProbe"]["failureThreshold"] == 9
    assert upstream["worker"]["startupProbe"]["failureThreshold"] == 150
    probed = Chart("alluxio", "0.6.54", "upstream", {"worker": {"startupProbe": {"a": 1}}})
    assert "startupProbe" not in given(GOOD, probed)["worker"]
    assert "startupProbe" not in given(GOOD, OURS)["worker"]


@pytest.mark.parametrize("component", ["fuse", "proxy"])
def test_upstreams_fuse_and_proxy_restart_when_what_they_read_changes(component: str) -> None:
    def digest(**more: Any) -> Any:
        final = given(GOOD, UPSTREAM, {component: {"enabled": True}, **more})
        return final[component]["env"][values.DIGEST_VARIABLE]

    assert digest() == digest(master={"properties": {"a": "b"}})
    assert digest() != digest(properties={"a": "b"})
    assert component not in given(GOOD, UPSTREAM) or "env" not in given(GOOD, UPSTREAM)[component]


def test_several_masters_of_our_chart_are_restarted_by_us() -> None:
    three = with_(masters=3, ha="embedded")
    assert given(three)["master"]["updateStrategy"] == {"type": "OnDelete"}
    assert "updateStrategy" not in given(GOOD)["master"]
    assert "updateStrategy" not in given(three, UPSTREAM)["master"]


def test_how_many_masters_run_is_not_the_users_to_say() -> None:
    assert given(GOOD, OURS, {"master": {"running": 0}})["master"]["running"] is None
    assert "running" not in given(GOOD, UPSTREAM)["master"]


def test_one_master_may_have_an_embedded_journal() -> None:
    one = given(with_(ha="embedded"))
    assert one["journal"]["type"] == "EMBEDDED"
    assert one["master"]["count"] == 1
