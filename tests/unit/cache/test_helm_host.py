"""Which install methods a host can carry, and which Helm will do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import helm_host
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.helm_host import Host
from ansible_collections.alluxops.cache.plugins.modules import helm_client

DEBIAN = Host("Debian GNU/Linux 12 (bookworm)", ("debian",), "x86_64", True, "absent", True)
UBUNTU = Host("Ubuntu 24.04.1 LTS", ("ubuntu", "debian"), "aarch64", True, "answers", True)
FEDORA = Host("Fedora Linux 41", ("fedora",), "x86_64", False, "absent", True)
SUM = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("method", "host"),
    [
        ("apt", DEBIAN),
        ("apt", UBUNTU),
        ("snap", UBUNTU),
        ("binary", DEBIAN),
        ("binary", FEDORA),
        ("present", FEDORA),
        ("present", replace(FEDORA, is_root=False, machine="m68k")),
    ],
)
def test_a_method_that_works_is_let_through(method: str, host: Host) -> None:
    helm_host.refuse_method(method, SUM, host)


@pytest.mark.parametrize(
    ("method", "checksum", "host", "says"),
    [
        ("apt", SUM, FEDORA, "Fedora Linux 41"),
        ("apt", SUM, replace(FEDORA, has_apt=True), "Fedora Linux 41"),
        ("apt", SUM, replace(DEBIAN, has_apt=False), "apt is there on Debian"),
        ("apt", SUM, replace(DEBIAN, is_root=False), "ansible_become"),
        ("snap", SUM, DEBIAN, "without snapd"),
        ("snap", SUM, replace(UBUNTU, snapd="silent"), "does not answer"),
        ("binary", "", DEBIAN, "helm_binary_checksum is ''"),
        ("binary", "sha256:https://get.helm.sh/x.sha256", DEBIAN, "helm_binary_checksum"),
        ("binary", "md5:" + "0" * 32, DEBIAN, "helm_binary_checksum"),
        ("binary", SUM, replace(DEBIAN, machine="m68k"), "m68k"),
    ],
)
def test_a_method_that_cannot_work_is_refused_with_what_the_host_is(
    method: str, checksum: str, host: Host, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        helm_host.refuse_method(method, checksum, host)
    assert says in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_a_helm_that_is_a_snap_is_found_where_no_path_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu's shells have /snap/bin in their PATH, Ansible's need not."""
    helm = tmp_path / "snap" / "helm"
    helm.parent.mkdir()
    helm.write_text("")
    helm.chmod(0o755)
    places = {"apt": [f"{tmp_path}/usr/helm"], "snap": [str(helm)], "binary": [f"{tmp_path}/helm"]}
    monkeypatch.setattr(helm_host, "PLACES", places)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {method: helm_client.find(method) for method in ("apt", "snap", "binary", "present")}
    assert found == {"apt": "", "snap": str(helm), "binary": "", "present": str(helm)}


def test_a_checksum_may_be_written_with_or_without_its_kind() -> None:
    assert helm_host.normal_checksum(SUM.upper().replace("SHA256", "sha256")) == "0a" * 32
    assert helm_host.normal_checksum("0A" * 32) == "0a" * 32


def test_os_release_is_read_with_and_without_quotes() -> None:
    text = "# made by\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID='12'\nEMPTY=\n"
    assert helm_host.parse_os_release(text) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "ID": "debian",
        "VERSION_ID": "12",
        "EMPTY": "",
    }


@pytest.mark.parametrize(
    ("answer", "wanted", "same"),
    [
        ("v4.3.1", "4.3.1", True),
        ("v4.3.1+g1a2b3c4", "v4.3.1", True),
        ("v4.3", "4.3.1", True),  # a Helm built without its release's flags
        ("v4.3.1", "4.3.1-1", True),  # a whole Debian version
        ("v4.3.1", "4.3.10", False),
        ("v4.2.1", "4.3.1", False),
        ("v4", "4.3.1", False),
        ("", "4.3.1", False),
    ],
)
def test_versions_agree_in_what_both_name(answer: str, wanted: str, *, same: bool) -> None:
    assert helm_host.same_version(answer, wanted) is same
    if not same:
        with pytest.raises(CacheError, match="helm_version is"):
            helm_host.refuse_other_version(answer, wanted, "/usr/bin/helm")


@pytest.mark.parametrize("answer", ["v3.14.0", "v3.21.4", "v4.0.0", "v4.3"])
def test_a_helm_that_makes_our_releases_will_do(answer: str) -> None:
    helm_host.refuse_version(answer, "/usr/bin/helm")


@pytest.mark.parametrize("answer", ["v2.17.0", "v3.13.3", "v5.0.0", "", "unknown"])
def test_any_other_helm_is_refused(answer: str) -> None:
    with pytest.raises(CacheError, match=r"3\.14 or newer"):
        helm_host.refuse_version(answer, "/usr/bin/helm")


def test_the_address_of_helms_own_archive() -> None:
    url = "https://get.helm.sh/helm-v4.3.1-linux-arm64.tar.gz"
    assert helm_host.archive_url("4.3.1", "aarch64") == url
    assert helm_host.archive_url("v4.3.1", "aarch64") == url
