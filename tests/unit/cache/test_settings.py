"""Every wrong inventory is refused with value, place and fix; a right one passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.module_utils import settings as rules
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.module_utils.settings_check import (
    World,
    cross_faults,
)
from tests.unit.cache.settings_cases import GOOD, NODES, with_

ROLE = Path(__file__).parents[3] / "roles/settings"
SPEC = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["public"]
PLACES = {"alluxio_masters": "inventory/prod/group_vars/all/cache.yml:14"}


THREE_BY_ZOOKEEPER: dict[str, Any] = {
    "ha": "zookeeper",
    "masters": 3,
    "journal_shared_path": "/mnt/shared",
}


def test_good_settings_have_no_fault() -> None:
    assert cross_faults(GOOD, World()) == []
    three = with_(masters=3, ha="embedded")
    assert cross_faults(three, World()) == []
    assert cross_faults(with_(**THREE_BY_ZOOKEEPER), World()) == []
    users = with_(**THREE_BY_ZOOKEEPER, zookeeper_address=("zk1:2181",), zookeeper_replicas=9)
    assert cross_faults(users, World()) == []
    assert cross_faults(with_(ha="zookeeper", zookeeper_replicas=1), World()) == []


def test_an_error_names_value_place_and_fix() -> None:
    (fault,) = cross_faults(with_(masters=2, ha="embedded"), World(places=PLACES))
    assert str(fault) == (
        "Error: alluxio_masters is 2 (inventory/prod/group_vars/all/cache.yml:14).\n"
        "Cause: Two masters cannot form a majority: losing either stops the cache.\n"
        "Fix: set 1, or 3 with alluxio_ha: embedded."
    )
    assert fault.result()["refused"] is True


@pytest.mark.parametrize(
    ("changes", "variable", "fix"),
    [
        ({"masters": 4, "ha": "embedded"}, "alluxio_masters is 4", "set 1, 3 or 5"),
        ({"masters": 3}, "alluxio_masters is 3 with alluxio_ha none", "alluxio_ha: embedded"),
        (
            {"masters": 5, "ha": "embedded"},
            "alluxio_masters is 5 with 3 hosts in cache_masters",
            "set at most 3",
        ),
        ({"masters": 2, "ha": "zookeeper"}, "alluxio_masters is 2", "set 1, 3 or 5"),
        ({"ha": "zookeeper", "zookeeper_replicas": 2}, "zookeeper_replicas is 2", "set 3 or 5"),
        (
            {"ha": "zookeeper", "zookeeper_replicas": 5},
            "zookeeper_replicas is 5 with 3 hosts",
            "alluxio_zookeeper_address",
        ),
        (
            {"ha": "zookeeper", "journal_shared_path": "/mnt/shared"},
            "/mnt/shared while alluxio_ha is zookeeper and alluxio_masters 1",
            "with 3 or 5 masters",
        ),
        (
            {"ha": "embedded", "masters": 3, "journal_shared_path": "/mnt/shared"},
            "/mnt/shared while alluxio_ha is embedded",
            "alluxio_ha: zookeeper",
        ),
        (
            {**THREE_BY_ZOOKEEPER, "journal_shared_path": "mnt/shared"},
            "alluxio_journal_shared_path is 'mnt/shared'",
            "mounted",
        ),
        (
            {**THREE_BY_ZOOKEEPER, "journal_shared_path": "/mnt/fuse3/"},
            "/mnt/fuse3/, as node_storage_root is",
            "local disk",
        ),
        (
            {"ha": "embedded", "zookeeper_address": ("zk:2181",)},
            "alluxio_zookeeper_address is set while alluxio_ha is embedded",
            "remove it",
        ),
        (
            {"ha": "zookeeper", "zookeeper_address": ("zk",)},
            "alluxio_zookeeper_address is 'zk'",
            "2181",
        ),
        ({"journal_format": "force"}, "alluxio_journal_format is force", "alluxio_confirm_format"),
        (
            {"journal_format": "force", "confirm_format": "other"},
            "alluxio_journal_format is force",
            "alluxio_confirm_format=alluxio",
        ),
        ({"root_ufs": ""}, "alluxio_root_ufs is not set", "ephemeral"),
        ({"root_ufs": "datasets"}, "alluxio_root_ufs is 'datasets'", "scheme://"),
        *(
            ({"root_ufs": place}, "alluxio_root_ufs is 's3://***", "root_ufs_credentials (vaulted)")
            for place in ("s3://AKIA1:hunter2@b/x", "s3://AKIA1:hun/ter2@b", "s3://AKIA1:hunter2/b")
        ),
        (
            {"root_ufs_options": {"alluxio.underfs.s3.endpoint": "http://AKIA1:hunter2@h"}},
            "alluxio_root_ufs_options is given with alluxio.underfs.s3.endpoint",
            "alluxio_root_ufs_credentials",
        ),
        (
            {"root_ufs": "ephemeral", "root_ufs_secret": "s3"},
            "alluxio_root_ufs_secret is set",
            "remove it",
        ),
        (
            {"root_ufs_options": {"s3a.secretKey": "x"}},
            "alluxio_root_ufs_options is given with s3a.secretKey",
            "alluxio_root_ufs_credentials",
        ),
        (
            {"consistency_path": "datasets"},
            "verify_consistency_path is 'datasets'",
            "/datasets",
        ),
        ({"worker_quota": 1024}, "alluxio_worker_quota is 1024 bytes", "1073741824"),
        ({"version": "3.1.0"}, "alluxio_version is '3.1.0'", "2.9.6"),
        ({"release": "My_Release"}, "alluxio_release is 'My_Release'", "alluxio"),
        ({"release": "a" * 41}, "alluxio_release is", "at most 40"),
        ({"storage_root": "mnt"}, "node_storage_root is 'mnt'", "absolute"),
        ({"storage_root": "/"}, "node_storage_root is '/'", "absolute"),
        ({"storage_root": "/etc/cache"}, "node_storage_root is '/etc/cache'", "absolute"),
        ({"storage_root": "/mnt/../etc"}, "node_storage_root is '/mnt/../etc'", "absolute"),
        ({"cache_workers": ()}, "group cache_workers is empty", "list the hosts"),
        ({"kube_control": ()}, "kube_control has no host", "list one"),
        ({"kube_control": ("a", "b")}, "kube_control has a, b", "list one"),
        (
            {"cache_workers": (*NODES, rules.Node("h9", "n1"))},
            "alluxio_node_name is n1 for both h1 and h9",
            "per host",
        ),
        (
            {"confirm_purge": "other"},
            "alluxio_confirm_purge is 'other'",
            "alluxio_confirm_purge=alluxio",
        ),
        ({"wait_timeout_s": 0}, "alluxops_wait_timeout_s is 0", "600"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], variable: str, fix: str) -> None:
    faults = cross_faults(with_(**changes), World())
    assert [fault for fault in faults if variable in fault.what and fix in fault.fix], [
        str(fault) for fault in faults
    ]


@pytest.mark.parametrize(
    ("world", "variable"),
    [
        (World(chart_exists=False), "alluxio_chart_ref"),
        (World(chart_has_metadata=False), "alluxio_chart_ref"),
        (World(kubeconfig_exists=False), "alluxops_kubeconfig"),
        (World(unread={"alluxio_datasets": [{"path": "/x"}]}), "alluxio_datasets: no verb"),
        (World(unread={"alluxio_tenants": [{"name": "x"}]}), "alluxio_tenants: no verb"),
        (World(helm={"helm_install_method": "binary"}), "helm_binary_checksum is empty"),
        (
            World(helm={"helm_install_method": "binary", "helm_binary_checksum": "sha256:1"}),
            "helm_binary_checksum is 'sha256:1'",
        ),
        (World(helm={"helm_apt_key_fingerprint": "0x" + "A" * 41}), "helm_apt_key_fingerprint"),
        (World(helm={"helm_apt_key_fingerprint": "DEADBEEF"}), "helm_apt_key_fingerprint"),
        (World(credentials={"accessKey": "x"}), "alluxio_root_ufs_credentials"),
    ],
)
def test_what_the_world_lacks_is_refused(world: World, variable: str) -> None:
    assert [fault for fault in cross_faults(GOOD, world) if variable in fault.what]


@pytest.mark.parametrize(
    "helm",
    [
        {"helm_install_method": "binary", "helm_binary_checksum": f"sha256:{'a' * 64}"},
        {"helm_install_method": "binary", "helm_binary_checksum": f" {'A' * 64}"},
        {"helm_install_method": "apt", "helm_binary_checksum": ""},
        {"helm_apt_key_fingerprint": "0x" + "a" * 64},
        {"helm_apt_key_fingerprint": ":".join(["DD"] * 20)},
        {"helm_apt_key_fingerprint": " ".join(["DDDD"] * 10)},
    ],
)
def test_what_the_helm_role_takes_passes(helm: dict[str, str]) -> None:
    assert cross_faults(GOOD, World(helm=helm)) == []


def test_credentials_never_show_in_an_error() -> None:
    spec = {"alluxio_root_ufs_credentials": SPEC["options"]["alluxio_root_ufs_credentials"]}
    _, faults = rules.typed(spec, {"alluxio_root_ufs_credentials": "hunter2"}, {})
    wrong = World(credentials={"accessKeyId": "AKIA1", "sekret": "hunter2"})
    text = "\n".join(map(str, [*faults, *cross_faults(GOOD, wrong)]))
    assert "alluxio_root_ufs_credentials" in text
    assert "hunter2" not in text
    assert "AKIA1" not in text


def test_a_misspelt_variable_is_refused_with_what_was_meant() -> None:
    known = SPEC["options"]
    names = ["alluxio_relase", "other_alluxio", "__alluxio_chart", "alluxio_masters"]
    (fault,) = rules.unknown_faults(names, known, {"alluxio_relase": "cache.yml:3"})
    assert "alluxio_relase is not a variable of alluxops (cache.yml:3)." in fault.what
    assert "alluxio_release?" in fault.fix
    # Kubespray's variables begin so too.
    names = ["upgrade_without_bakup", "upgrade_cluster_setup", "upgrade_node_confirm"]
    (fault,) = rules.unknown_faults(names, known, {})
    assert "upgrade_without_backup?" in fault.fix


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("alluxio_worker_quota", "1G", "a whole number"),
        ("alluxio_masters", "three", "a whole number"),
        ("alluxio_ha", "raft", "one of none, embedded, zookeeper"),
        ("alluxio_values_files", {"a": 1}, "a list"),
        ("alluxio_values", "x", "a mapping"),
        ("verify_tests", "perhaps", "true or false"),
    ],
)
def test_a_wrong_type_is_refused(name: str, value: Any, wanted: str) -> None:
    values, faults = rules.typed({name: SPEC["options"][name]}, {name: value}, {name: "x.yml:1"})
    assert values == {}
    assert f"{name} is {value!r} (x.yml:1)." in faults[0].what
    assert wanted in faults[0].fix


def test_text_from_the_command_line_becomes_what_it_should_be() -> None:
    given = {"alluxio_masters": "3", "verify_tests": "false"}
    values, faults = rules.typed({name: SPEC["options"][name] for name in given}, given, {})
    assert (values, faults) == ({"alluxio_masters": 3, "verify_tests": False}, [])


def test_all_faults_are_told_at_once() -> None:
    errors = ManySettingsErrors([SettingsError("a.", "", "x."), SettingsError("b.", "", "y.")])
    assert "Error: a." in str(errors)
    assert "Error: b." in str(errors)
    assert errors.refused


def test_settings_survive_the_way_through_a_task_result() -> None:
    settings = with_(masters=3, ha="embedded", root_ufs_credentials_given=True)
    again = rules.Settings.from_dict(json.loads(json.dumps(settings.as_dict())))
    assert again == settings
    assert again.secret_name == "alluxio-root-ufs"
    assert again.storage_path == "/mnt/fuse3/alluxio/alluxio"


def test_every_default_stands_in_the_specification_with_the_same_value() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    specified = {name: option["default"] for name, option in SPEC["options"].items()}
    assert specified == defaults


@pytest.mark.parametrize(
    ("ref", "url", "local"),
    [
        ("/charts/alluxio", "", True),
        ("./alluxio", "", True),
        ("charts/alluxio-0.6.54.tgz", "", True),
        ("alluxio-charts/alluxio", "", False),
        ("oci://host/charts/alluxio", "", False),
        ("alluxio", "https://charts.example.com", False),
    ],
)
def test_a_chart_reference_is_a_path_or_names_a_repository(ref: str, url: str, local: bool) -> None:
    assert rules.is_local_chart(ref, url) is local


def test_a_variable_that_no_verb_reads_is_not_to_be_set_to_another_type() -> None:
    _, (fault,) = rules.typed(SPEC["options"], {"alluxio_tenants": "team-a"}, {})
    assert fault.fix == "remove it: no verb of this version reads it."
