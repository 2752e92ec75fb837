"""Programs from files are put in place whole, and only once."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import (
    install_files,
    kubernetes_node,
    package_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from tests.unit.cache.test_package_files import archive, elf, put

Json = dict[str, Any]


class Module:
    """An AnsibleModule, as far as it is used. packages: what dpkg says is installed."""

    def __init__(self, places: dict[str, str], packages: dict[str, str] | None = None) -> None:
        self.params = {"places": places}
        self.packages = packages or {}
        self.held: list[str] = []
        self.commands: list[list[str]] = []

    def run_command(self, command: list[str], **_: Any) -> tuple[int, str, str]:
        self.commands.append(command)
        if command[0] == "dpkg-query":
            version = self.packages.get(command[-1])
            return (0, f"installed {version}", "") if version else (1, "", "")
        if command[:2] == ["apt-mark", "hold"]:
            self.held += command[2:]
        if command == ["apt-mark", "showhold"]:
            return 0, "\n".join(self.held), ""
        if command[0] == "dpkg-deb":
            return 0, "kubelet 1.34.4-1.1", ""
        return 0, "", ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "host"
    monkeypatch.setattr(package_files, "BIN", str(root / "bin"))
    monkeypatch.setattr(install_files, "NOTE", str(root / "note.json"))
    units = {
        name: {str(root / Path(path).name): text for path, text in found.items()}
        for name, found in kubernetes_node.UNITS.items()
    }
    monkeypatch.setattr(kubernetes_node, "UNITS", units)
    return root


@pytest.fixture
def given(tmp_path: Path) -> list[Json]:
    files = {"bin/containerd": elf() + b"c", "bin/ctr": elf(), "ptp": elf()}
    return [
        package_files.look(*archive(tmp_path / "containerd.tgz", files)),
        package_files.look(*put(tmp_path / "kubelet", elf() + b"k")),
    ]


def files_of(tmp_path: Path, offers: list[Json], **packages: str) -> install_files.Files:
    places = {offer["checksum"]: str(tmp_path / offer["file"]) for offer in offers}
    module = Module(places, packages)
    return install_files.Files(module, offers, str(tmp_path / "host/cni"))


def installed(files: install_files.Files) -> dict[str, dict[str, str]]:
    with files.staged() as staged:
        files.place(staged)
        return staged


def test_programs_plugins_and_units_are_put_in_place(
    tmp_path: Path, host: Path, given: list[Json]
) -> None:
    files = files_of(tmp_path, given)
    assert files.wants() == [offer["checksum"] for offer in given]
    assert files.brings("containerd")
    installed(files)
    assert (host / "bin/containerd").read_bytes() == elf() + b"c"
    assert (host / "bin/kubelet").stat().st_mode & 0o777 == 0o755
    assert (host / "cni/ptp").exists()
    assert (host / "containerd.service").read_text() == kubernetes_node.CONTAINERD_UNIT
    assert (host / "10-kubeadm.conf").exists()
    assert sorted(path.name for path in (host / "bin").iterdir()) == [
        "containerd",
        "ctr",
        "kubelet",
    ]


def test_what_is_there_is_not_wanted_again_until_it_is_changed(
    tmp_path: Path, host: Path, given: list[Json]
) -> None:
    installed(files_of(tmp_path, given))
    again = files_of(tmp_path, given)
    assert (again.wants(), again.told(), again.diff()) == ([], [], [])
    (host / "bin/kubelet").write_bytes(b"another")
    assert files_of(tmp_path, given).wants() == [given[1]["checksum"]]


def test_what_is_said_of_it(tmp_path: Path, host: Path, given: list[Json]) -> None:
    files = files_of(tmp_path, given)
    assert f"{host}/bin/kubelet was installed" in files.told()
    assert f"1 network plugins were installed in {host}/cni" in files.told()
    changes = {entry["after_header"]: entry for entry in files.diff()}
    assert changes[f"{host}/bin/kubelet"]["before"] == ""
    assert given[1]["checksum"] in changes[f"{host}/bin/kubelet"]["after"]
    assert str(host / "kubelet.service") in changes


def test_nothing_stays_of_what_is_refused_or_was_killed(
    tmp_path: Path, host: Path, given: list[Json]
) -> None:
    (host / "bin").mkdir(parents=True)
    (host / "bin/.alluxops-kubelet-x").write_bytes(b"of a run that was killed")
    files = files_of(tmp_path, given)
    refusal = install_files.broken("kubelet", "it is for another machine")
    seen: set[str] = set()
    with contextlib.suppress(SettingsError), files.staged() as staged:
        seen = {Path(path).parent.name for one in staged.values() for path in one.values()}
        raise refusal
    assert seen == {"bin", "cni"}
    assert list((host / "bin").iterdir()) == []
    assert not (host / "note.json").exists()


def test_a_file_that_was_torn_on_its_way_is_refused(
    tmp_path: Path, host: Path, given: list[Json]
) -> None:
    (tmp_path / "kubelet").write_bytes(elf())
    with pytest.raises(CacheError, match="after it was brought here"):
        installed(files_of(tmp_path, given))
    assert not host.joinpath("bin/kubelet").exists()


def test_packages_are_installed_together_and_held(tmp_path: Path, host: Path) -> None:
    names = ("kubelet_1.34.4-1.1_amd64.deb", "conntrack_1.4.7-1_amd64.deb")
    offers = [package_files.look(*put(tmp_path / name, name.encode())) for name in names]
    files = files_of(tmp_path, offers[:1])
    installed(files)
    [install] = [one for one in files.module.commands if "install" in one]
    assert install[-1].endswith(names[0])
    assert ["apt-mark", "hold", "kubelet"] in files.module.commands
    assert files_of(tmp_path, offers[:1], kubelet="1.34.4-1.1").wants() == []
    with pytest.raises(SettingsError, match=r"is the package kubelet 1\.34\.4"):
        installed(files_of(tmp_path, offers))


def test_a_package_that_is_installed_and_not_held_is_held(tmp_path: Path, host: Path) -> None:
    """As where a run was killed between the two."""
    offers = [package_files.look(*put(tmp_path / "kubelet_1.34.4-1.1_amd64.deb", b"k"))]
    files = files_of(tmp_path, offers, kubelet="1.34.4-1.1")
    assert files.wants() == []
    assert files.told() == ["package kubelet is held at its version"]
    assert [entry["after"] for entry in files.diff()] == ["kubelet\n"]
    installed(files)
    assert files.module.held == ["kubelet"]
    assert not any("install" in one for one in files.module.commands)
    again = install_files.Files(files.module, offers, str(tmp_path / "host/cni"))
    assert (again.told(), again.diff()) == ([], [])
