"""The role helm without apt: release archives, a Helm that is there, and a real snapd."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import artifacts
from lab.progress import Reporter
from tests.integration.helm_role import sources as helm_sources
from tests.integration.helm_role.host import BINARY, OTHER_HELM, Host
from tests.integration.lab_under_test import RunningLab, run_lab

pytestmark = pytest.mark.timeout(600)  # several runs of Ansible each


@pytest.fixture(scope="module")
def archive(lab: RunningLab, sources: tuple[Path, str]) -> tuple[Path, str, str]:
    """A release archive with the lab's Helm: its path here, its URL for nodes, its SHA-256."""
    path = sources[0] / "helm.tar.gz"
    digest = helm_sources.make_archive(path, lab.paths.bin / "helm")
    return path, f"{sources[1]}/{path.name}", digest


@pytest.mark.parametrize("where", ["controller", "address"])
def test_binary_comes_from_an_archive_once(
    host: Host, archive: tuple[Path, str, str], where: str
) -> None:
    url = str(archive[0]) if where == "controller" else archive[1]
    settings = {"helm_binary_url": url, "helm_binary_checksum": f"sha256:{archive[2]}"}
    host.settings = {"helm_install_method": "binary", "helm_version": "4.3.1", **settings}
    rehearsal = host.play("--check", "--diff")
    assert rehearsal.code == 0, rehearsal.output
    assert archive[2] in rehearsal.output
    assert host.files() == []

    assert host.apply().changed_total == 1
    assert host.sh(f"stat -c '%U:%G %a' {BINARY}").split() == ["root:root", "755"]
    assert "v4.3" in host.sh(f"{BINARY} version --short")
    assert host.sh("ls -A /usr/local/bin | grep alluxops; true") == "", "no half files"
    # What is there came from this archive: it is not fetched again, so its address may be gone.
    assert host.apply(helm_binary_url="http://127.0.0.1:1/helm.tar.gz").changed_total == 0

    host.sh(f"echo '# changed' >> {BINARY}")
    assert host.apply(helm_binary_url=url).changed_total == 1
    assert host.sh(f"tail -c 9 {BINARY} | grep -c changed; true").strip() == "0"


@pytest.mark.parametrize("where", ["controller", "address"])
def test_binary_with_another_checksum_is_refused_and_not_run(
    host: Host, archive: tuple[Path, str, str], where: str
) -> None:
    host.settings = {"helm_install_method": "binary", "helm_version": "4.3.1"}
    output = host.refuse(
        helm_binary_url=str(archive[0]) if where == "controller" else archive[1],
        helm_binary_checksum="sha256:" + "0" * 64,
    )
    assert archive[2] in output
    assert host.files() == []
    assert "helm_binary_checksum is ''" in host.refuse(helm_binary_checksum="")


def test_binary_of_another_version_is_refused(host: Host, archive: tuple[Path, str, str]) -> None:
    host.settings = {"helm_install_method": "binary", "helm_version": "3.21.4"}
    output = host.refuse(helm_binary_url=archive[1], helm_binary_checksum=archive[2])
    assert "helm_version is 3.21.4" in output
    assert host.files() == []


def test_present_installs_nothing_and_refuses_a_helm_that_will_not_do(host: Host) -> None:
    host.settings = {"helm_install_method": "present"}
    assert "there is no Helm on this host" in host.refuse()
    script = OTHER_HELM.format(version="3.13.3")
    host.sh(f"cat > {BINARY} << 'END'\n{script}END\nchmod 755 {BINARY}")
    assert "3.14 or newer" in host.refuse()
    host.sh(f"sed -i s/3.13.3/3.21.4/ {BINARY}")
    assert host.apply().changed_total == 0


def test_snap_without_snapd_is_refused_before_anything_changes(host: Host) -> None:
    host.settings = {"helm_install_method": "snap"}
    assert "without snapd" in host.refuse()


SNAPD = """
    set -e
    [ -d /sys/devices/virtual ] && mount -o remount,bind,rw /sys
    [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
    for i in $(seq 0 15); do [ -e /dev/loop$i ] || mknod /dev/loop$i b 7 $i; done
    systemctl start systemd-udevd
    export DEBIAN_FRONTEND=noninteractive
    apt-get --quiet=2 update
    apt-get --quiet=2 --yes --no-install-recommends install snapd squashfs-tools > /dev/null
    mkdir -p /var/lib/snapd/snap
    [ -e /snap ] || ln -s /var/lib/snapd/snap /snap
    systemctl start snapd.socket snapd
"""
"""What a node of the lab needs to be a host with snapd: a container has no loop devices of its own."""

NO_SNAPD = """
    snap remove --purge helm; snap remove --purge core
    systemctl stop snapd snapd.socket
    for place in $(findmnt --noheadings --list --output TARGET --types squashfs); do umount $place; done
    apt-get --quiet=2 --yes purge snapd squashfs-tools
    rm -rf /snap /var/lib/snapd
"""


@pytest.fixture(scope="module")
def snaps() -> Path:
    """The directory of the snaps that the lab has packed."""
    return artifacts.ensure(["helm-snap"], Reporter())["helm-snap"]


@pytest.fixture
def snap_host(host: Host, snaps: Path) -> Iterator[Host]:
    """The node with snapd and the core snap that classic snaps want; no store is reachable."""
    run_lab("up", "--name", host.lab.name, "--apt-proxy")
    [core] = snaps.glob("core_*.snap")
    try:
        host.sh(SNAPD)
        host.put(core, "/var/tmp/core.snap")
        host.sh("snap install --dangerous /var/tmp/core.snap; rm /var/tmp/core.snap")
        host.settings = {"helm_install_method": "snap"}
        yield host
    finally:
        host.lab.on_node(host.node, NO_SNAPD, check=False)


def test_snap_from_a_file_is_installed_once_replaced_by_another_and_runs(
    snap_host: Host, snaps: Path
) -> None:
    [snap] = snaps.glob("helm_*.snap")
    rehearsal = snap_host.play("--check", "--diff", helm_snap_file=str(snap))
    assert rehearsal.code == 0, rehearsal.output
    assert rehearsal.changed_total == 1
    assert "helm absent" in rehearsal.output
    assert "helm" not in snap_host.sh("snap list")

    assert snap_host.apply().changed_total == 1
    assert "v4.3" in snap_host.sh("/snap/bin/helm version --short")
    assert re.search(r"^helm\s+4\.3\.1\s+x1\s.*classic", snap_host.sh("snap list"), re.MULTILINE)
    assert snap_host.apply().changed_total == 0
    assert snap_host.sh("ls /var/tmp ~/.ansible/tmp | grep -c snap; true").strip() == "0", (
        "no copies"
    )

    other = helm_sources.make_snap(snap_host.directory, "4.2.0")
    assert snap_host.apply(helm_snap_file=str(other)).changed_total == 1
    assert snap_host.sh("/snap/bin/helm version").strip() == "v4.2.0"

    # What cannot be had is refused, and the Helm that is there stays.
    other.write_bytes(b"no snap")
    assert "helm_snap_file is not a snap" in snap_host.refuse()
    output = snap_host.refuse(helm_snap_file="", helm_snap_channel="latest/stable")
    assert "does not reach the snap store" in output
    assert snap_host.sh("/snap/bin/helm version").strip() == "v4.2.0"
