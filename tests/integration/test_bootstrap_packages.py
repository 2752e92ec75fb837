"""`bootstrap-workers` on bare machines: it brings containerd, kubelet and kubeadm itself, by apt or from files."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import node as nodes
from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab
from tests.integration.newcomer_under_test import OURS, Newcomer, beside_its_cache

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

NAME = "bare"
OF_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr", "runc")
CLEAR = (
    "systemctl disable --now kubelet containerd; apt-mark unhold kubelet kubeadm;"
    " dpkg --purge kubeadm kubelet containerd runc conntrack fuse3;"
    " rm -rf /usr/local/bin/* /etc/systemd/system/kubelet.service* /etc/systemd/system/containerd.service"
    " /etc/containerd /etc/sysctl.d/90-alluxops* /etc/modules-load.d/alluxops* /usr/local/share/alluxops"
    " /etc/apt/keyrings/alluxops* /etc/apt/sources.list.d/alluxops* /run/containerd/containerd.sock;"
    " systemctl daemon-reload; systemctl reset-failed"
)


class Bare(Newcomer):
    """A node without what a join takes, and the cache that it is to serve."""

    def leave(self) -> None:
        """Make the node what it was before anything was installed."""
        super().leave()
        self.sh(CLEAR, check=False)
        assert self.programs() == []

    def programs(self) -> list[str]:
        names = "containerd runc kubelet kubeadm fusermount3"
        return self.sh(f"for one in {names}; do command -v $one; done; true").split()

    def is_untouched(self) -> None:
        """Nothing of a join was installed, and nothing written for it."""
        assert self.programs() == []
        places = "/etc/apt/sources.list.d /etc/containerd"
        assert self.sh(f"find {places} -mindepth 1 2>/dev/null; true") == ""

    def serves(self) -> None:
        """It is a worker, what runs it will be there after a reboot, and a second run has nothing to do."""
        assert self.node in self.workers()
        units = "systemctl is-enabled containerd kubelet"
        assert self.sh(units).split() == ["enabled", "enabled"]
        assert "net.ipv4.ip_forward = 1" in self.sh("cat /etc/sysctl.d/90-alluxops-kubernetes.conf")
        assert "overlay" in self.sh("cat /etc/modules-load.d/alluxops-kubernetes.conf")
        again = self.apply()
        assert ", 0 changed" in again.output
        assert f"{self.node}  is a worker, nothing to mend" in again.output


@pytest.fixture(scope="module", params=[12, 13], ids=["debian-12", "debian-13"])
def bare(
    request: pytest.FixtureRequest, lab: RunningLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bare]:
    """A bare node beside a cache."""
    spare = lab.spare_node(debian=request.param, bare=True)
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    with beside_its_cache(Bare(cache, spare)) as found:
        yield found


@pytest.fixture(scope="module")
def files(bare: Bare, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings that install from files: containerd as its project packs it, kubelet and kubeadm by themselves."""
    [node] = [node for node in bare.lab.state.nodes if node.name == bare.node]
    made = nodes.made_from(bare.lab.state, node)
    assert made is not None
    archive = tmp_path_factory.mktemp("files") / "containerd-linux-amd64.tar.gz"
    # runc is a symbolic link in the tree; an archive of a project has files.
    with tarfile.open(archive, "w:gz", compresslevel=1, dereference=True) as tar:
        for name in OF_CONTAINERD:
            place = made.tree / "usr/bin" / name
            tar.add(place if place.exists() else made.tree / "usr/sbin" / name, f"bin/{name}")
    given = [archive, made.kubernetes / "kubelet", made.kubernetes / "kubeadm"]
    return {
        "bootstrap_workers_install_method": "files",
        "bootstrap_workers_files": [described(path) for path in given],
        "bootstrap_workers_packages": ["fuse3", "conntrack"],
    }


def described(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {
            "path": str(path),
            "checksum": f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}",
        }


def test_without_a_method_it_is_told_what_the_host_lacks(bare: Bare) -> None:
    done = bare.verb(bootstrap_workers_install_method="present")
    assert done.code == 2, done.output
    assert f"{bare.node} lacks containerd, kubelet, kubeadm" in done.output


def test_what_cannot_be_installed_is_refused_before_anything_changes(
    bare: Bare, files: dict[str, Any], tmp_path: Path
) -> None:
    given = files["bootstrap_workers_files"]
    other = tmp_path / "kubeadm_1.33.1-1.1_amd64.deb"
    other.write_bytes(b"not looked into")
    wrong: list[tuple[list[dict[str, str]], str]] = [
        ([given[0]], "brings no kubelet, kubeadm"),
        ([{**given[0], "checksum": f"sha256:{'0' * 64}"}, *given[1:]], "is not the file whose"),
        ([*given[:2], described(other)], "has kubeadm 1.33.1, the cluster is"),
        ([{**given[0], "path": "/nowhere"}, *given[1:]], "there is no such file"),
    ]
    for chosen, says in wrong:
        done = bare.verb(**{**files, "bootstrap_workers_files": chosen})
        assert done.code == 2, done.output
        assert says in " ".join(done.output.split())
    done = bare.verb(bootstrap_workers_apt_key_fingerprint="0" * 40)
    assert done.code != 0, done.output
    assert "is not the one that is trusted" in done.output
    bare.is_untouched()


def test_a_check_says_what_it_would_install_and_installs_nothing(
    bare: Bare, files: dict[str, Any]
) -> None:
    for settings in ({}, files):
        done = bare.apply("--check", "--diff", **settings)
        assert f"{bare.node}  would do: join the cluster" in done.output
        assert "kubelet" in done.output
        assert "SystemdCgroup = false" in done.output  # as the lab's kubelets have it
    bare.is_untouched()


def test_a_bare_machine_becomes_a_worker_by_apt(bare: Bare) -> None:
    done = bare.apply()
    assert f"{bare.node}  worker in " in done.output
    assert re.search(r"package kubelet \S+ was installed", done.output)
    assert bare.sh("apt-mark showhold").split() == ["kubeadm", "kubelet"]
    bare.serves()


def test_a_bare_machine_becomes_a_worker_from_files(bare: Bare, files: dict[str, Any]) -> None:
    bare.leave()
    done = bare.apply(**files)
    assert f"{bare.node}  worker in " in done.output
    assert "/usr/local/bin/kubelet was installed" in done.output
    bare.serves()


@pytest.mark.parametrize("method", ["apt", "files"])
def test_a_run_that_was_killed_while_it_installed_is_finished_by_the_next(
    bare: Bare, files: dict[str, Any], method: str
) -> None:
    bare.leave()
    settings = {**OURS, **(files if method == "files" else {})}
    inventory = ("-i", str(bare.lab.inventory))
    command = ("alluxops", "bootstrap-workers", *inventory, "--limit", bare.node)
    with bare.cache.running(*command, **settings) as process:
        # The configuration is written before the first program is there.
        written = "ls /etc/containerd/config.toml 2>/dev/null; true"
        bare.cache.wait_for("the installation", lambda: bare.sh(written) != "")
        bare.cache.kill(process)
    done = bare.apply(**settings)
    assert f"{bare.node}  worker in " in done.output
    bare.serves()
