"""What a host gets around containerd and the kubelet, and when a configuration of its own is left alone."""

from __future__ import annotations

import hashlib
import tomllib
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import kubernetes_node
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

CRI = "io.containerd.grpc.v1.cri"


def config(driver: str = "systemd", **cri: Any) -> dict[str, Any]:
    found = tomllib.loads(kubernetes_node.containerd_config(driver, cri))
    assert found["version"] == 2
    plugin: dict[str, Any] = found["plugins"][CRI]
    return plugin


@pytest.mark.parametrize(("driver", "systemd"), [("systemd", True), ("cgroupfs", False)])
def test_containerd_makes_control_groups_as_the_clusters_kubelets_do(
    driver: str, systemd: bool
) -> None:
    runc = config(driver)["containerd"]["runtimes"]["runc"]
    assert runc == {
        "runtime_type": "io.containerd.runc.v2",
        "options": {"SystemdCgroup": systemd},
    }


def test_the_users_own_settings_are_laid_over_ours() -> None:
    found = config(
        sandbox_image="r.test/pause:3",
        restrict_oom_score_adj=True,
        cni={"bin_dir": "/usr/lib/cni"},
        registry={"config_path": "/etc/containerd/certs.d"},
        device_ownership=["a", "b"],
    )
    assert found["sandbox_image"] == "r.test/pause:3"
    assert found["restrict_oom_score_adj"] is True
    assert found["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/etc/cni/net.d"}
    assert found["registry"] == {"config_path": "/etc/containerd/certs.d"}
    assert found["device_ownership"] == ["a", "b"]
    assert "runc" in found["containerd"]["runtimes"]


def test_keys_and_texts_that_need_it_are_quoted() -> None:
    text = kubernetes_node.toml({"a": {"docker.io": {"say": 'a "b"\n'}}, "n": 1})
    assert tomllib.loads(text) == {"a": {"docker.io": {"say": 'a "b"\n'}}, "n": 1}


def test_a_configuration_is_replaced_where_nobody_wrote_it() -> None:
    brought = "version = 2\n"
    conffiles = (
        f"\n {kubernetes_node.CONTAINERD_CONFIG} {hashlib.md5(brought.encode()).hexdigest()}\n"
    )
    assert kubernetes_node.takes_over(None, "")
    assert kubernetes_node.takes_over(kubernetes_node.containerd_config("systemd", {}), "")
    assert kubernetes_node.takes_over(brought, conffiles)
    assert not kubernetes_node.takes_over(brought, "")
    assert not kubernetes_node.takes_over(f"{brought}# changed\n", conffiles)


@pytest.mark.parametrize(
    ("text", "driver", "says"),
    [
        ('disabled_plugins = ["cri"]', "cgroupfs", "the plugin cri among disabled_plugins"),
        ('disabled_plugins = [\n  "x",\n  "cri",\n]', "cgroupfs", "disabled_plugins"),
        ("", "systemd", "SystemdCgroup not true"),
        ("SystemdCgroup = false", "systemd", "SystemdCgroup not true"),
        ("# SystemdCgroup = true", "systemd", "SystemdCgroup not true"),
        ("SystemdCgroup = true", "cgroupfs", "SystemdCgroup true"),
    ],
)
def test_a_configuration_of_the_users_own_that_runs_no_pods_is_refused(
    text: str, driver: str, says: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        kubernetes_node.refuse_config(text, driver)
    assert says in str(refusal.value)
    assert "Fix: " in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("disabled_plugins = []\nSystemdCgroup = true", "systemd"),
        ('#disabled_plugins = ["cri"]', "cgroupfs"),
    ],
)
def test_one_that_does_is_left(text: str, driver: str) -> None:
    kubernetes_node.refuse_config(text, driver)


def test_what_the_kernel_has_is_known_loaded_or_built_in() -> None:
    modules, filesystems = "br_netfilter 32768 0 - Live 0x0\n", "nodev\toverlay\n\text4\n"
    for name, known in (("br_netfilter", True), ("overlay", True), ("bridge", False)):
        assert kubernetes_node.is_in_kernel(name, modules, filesystems) is known
    assert kubernetes_node.is_in_kernel("nf-nat", "", "", "kernel/net/netfilter/nf_nat.ko.xz\n")
    assert kubernetes_node.module_path("nf-nat") == "/sys/module/nf_nat"


def test_what_lasts_is_written_as_the_system_reads_it() -> None:
    assert kubernetes_node.modules_text(("overlay",)).splitlines()[1:] == ["overlay"]
    text = kubernetes_node.sysctl_text({"net.ipv4.ip_forward": 1})
    assert text.splitlines()[1:] == ["net.ipv4.ip_forward = 1"]
    assert (
        kubernetes_node.sysctl_path("net.bridge.bridge-nf-call-iptables")
        == "/proc/sys/net/bridge/bridge-nf-call-iptables"
    )


@pytest.mark.parametrize("name", ["containerd", "kubelet"])
def test_units_start_the_programs_from_where_they_are_put(name: str) -> None:
    texts = "".join(kubernetes_node.UNITS[name].values())
    assert f"ExecStart=/usr/local/bin/{name}" in texts
    assert all(
        text.startswith(kubernetes_node.MADE_BY) for text in kubernetes_node.UNITS[name].values()
    )
