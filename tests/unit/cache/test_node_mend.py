"""Only what is dead is cleared away, and only what is the release's."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import host_mounts, node_mend
from ansible_collections.alluxops.cache.plugins.module_utils.node_residue import Mount
from ansible_collections.alluxops.cache.plugins.modules import node_worker
from tools.repository import ROOT

BASE = "/mnt/fuse3/alluxio/alluxio"


def test_only_fuse_mounts_of_the_release_are_looked_at() -> None:
    mounts = [
        Mount(f"{BASE}/mount", "fuse.alluxio-fuse", "alluxio-fuse"),
        Mount(f"{BASE}/tier0", "ext4", "/dev/sdb"),
        Mount("/mnt/alluxio-fuse", "fuse", "alluxio"),
        Mount("/home/sshfs", "fuse.sshfs", "elsewhere:"),
        Mount("/mnt/fuse3/alluxio/alluxio2/mount", "fuse", "alluxio"),
    ]
    found = node_mend.fuse_points(mounts, ["/mnt/alluxio-fuse"], BASE)
    assert found == [f"{BASE}/mount", "/mnt/alluxio-fuse"]


def test_a_socket_counts_as_dead_when_nobody_listens(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)  # longer than an address may be
    folder.mkdir()
    (folder / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as dead, socket.socket(socket.AF_UNIX) as alive:
        for one, name in ((dead, "dead"), (alive, "alive")):
            short = tmp_path / name
            one.bind(str(short))
            short.rename(folder / name)
        alive.listen()
        dead.close()
        assert node_worker.dead_sockets(str(folder)) == [f"{folder}/dead"]
    assert node_worker.dead_sockets(str(tmp_path / "missing")) == []


def test_a_mount_that_answers_is_not_stale(tmp_path: Path) -> None:
    assert host_mounts.state(str(tmp_path)) == "serving"
    assert host_mounts.state(str(tmp_path / "missing")) == "serving"


def test_a_mount_whose_process_is_gone_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_mounts, "LOOK", f"import sys; sys.exit({errno.ENOTCONN})")
    assert host_mounts.state("/anywhere") == "dead"


def test_a_mount_that_hangs_keeps_nobody_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_mounts, "LOOK", "import time; time.sleep(60)")
    monkeypatch.setattr(host_mounts, "read", lambda: [Mount(f"{BASE}/mount", "fuse", "alluxio")])
    monkeypatch.setattr(host_mounts, "state", partial(host_mounts.state, limit_s=0.1))
    assert node_worker.broken_mounts([], BASE) == ([], [f"{BASE}/mount"])
    [line] = node_mend.hung([f"{BASE}/mount"], "cache")
    assert f"{BASE}/mount: the FUSE mount does not answer" in line
    assert "delete its FUSE pod (`kubectl -n cache get pods" in line


def test_who_reads_what_a_module_prints_does_not_wait_for_a_look_that_hangs() -> None:
    """One that no signal ends, as in a system call: it has none of the module's descriptors."""
    script = (
        f"import os; from {host_mounts.__package__} import host_mounts;"
        " os.kill = lambda *_: None; host_mounts.LOOK = 'import time; time.sleep(30)';"
        " print(host_mounts.state('/', limit_s=0.1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT / "collections")},
        capture_output=True,
        text=True,
        check=True,
        timeout=25,
    )
    assert done.stdout == "hung\n"


def test_fuse_is_loaded_at_boot_only_where_it_is_a_module() -> None:
    assert node_mend.keeps_fuse("fuse 12 3 - Live\n", was_loaded=False)
    assert not node_mend.keeps_fuse(
        "ext4 1 2 - Live\n", was_loaded=False
    )  # Ubuntu's has it built in
    assert node_mend.keeps_fuse("", was_loaded=True)


def test_what_was_mended_is_said() -> None:
    assert node_mend.told({}) == []
    found = node_mend.told(
        {
            "mounts": [f"{BASE}/mount"],
            "sockets": [f"{BASE}/domain/a", f"{BASE}/domain/b"],
            "packages": ["fuse3"],
            "fuse": ["the kernel's module fuse was loaded"],
        }
    )
    assert len(found) == 4
    assert f"{BASE}/domain: 2 domain sockets that nobody listened on were removed" in found
