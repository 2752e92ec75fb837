"""What `uninstall` promises: all that site made goes, data stay, and a later site takes them up again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

SETTINGS: dict[str, Any] = {"verify_tests": False}
NAME = "uninstall"
ROOT = f"/mnt/{NAME}"
DIRECTORY = f"{ROOT}/{NAME}/{NAME}"
LABEL = f"alluxops.io/{NAME}.{NAME}"


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A deployed cache over nothing that an earlier module left."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.apply("uninstall", **SETTINGS, alluxio_confirm_purge=NAME)
    cache.apply("site", **SETTINGS)
    yield cache
    cache.forget()
    cache.apply("uninstall", **SETTINGS, alluxio_confirm_purge=NAME)
    cache.lab.run("kubectl", "delete", "namespace", NAME, "--ignore-not-found")


def volumes(cache: Cache) -> list[str]:
    """PersistentVolumes of the namespace's claims."""
    return [
        item["metadata"]["name"]
        for item in cache.lab.objects("pv")
        if item["spec"].get("claimRef", {}).get("namespace") == NAME
    ]


def journals(cache: Cache) -> str:
    """The nodes that hold a formatted journal."""
    return " ".join(
        node.name
        for node in cache.lab.state.nodes
        if cache.lab.on_node(
            node.name, f"ls {DIRECTORY}/journal/.alluxops.json", check=False
        ).startswith("/")
    )


def labelled(cache: Cache) -> list[str]:
    """The nodes that carry the label of the release's workers."""
    return [item["metadata"]["name"] for item in cache.lab.objects("nodes", "-l", LABEL)]


def has_namespace(cache: Cache) -> bool:
    return NAME in [item["metadata"]["name"] for item in cache.lab.objects("namespaces")]


def test_a_wrong_confirmation_is_refused_before_anything_changes(cache: Cache) -> None:
    outcome = cache.verb("uninstall", **SETTINGS, alluxio_confirm_purge="other")
    assert outcome.code == 2, outcome.output
    assert "alluxio_confirm_purge is 'other'" in outcome.output
    assert cache.releases()[-1].endswith("deployed")


def test_check_mode_lists_what_would_go(cache: Cache) -> None:
    outcome = cache.apply("uninstall", "--check", **SETTINGS, alluxio_confirm_purge=NAME)
    for name in (
        f"Helm release {NAME}",
        f"PersistentVolumeClaim alluxio-journal-{NAME}-master-0",
        f"PersistentVolume {NAME}-alluxio-journal-{NAME}-master-0",
        "Secret lab-s3",
        f"Secret {NAME}-ufs-credentials",
        f"label {LABEL} of Node n2",
        f"Namespace {NAME}",
        f"{DIRECTORY} on n2",
    ):
        assert name in outcome.output
    assert set(cache.ready().values()) == {"2/2"}
    assert journals(cache)
    assert "n2" in labelled(cache)


def test_data_outlive_the_release_and_site_takes_them_up(cache: Cache) -> None:
    cache.know_something()
    before = cache.known()

    outcome = cache.apply("uninstall", **SETTINGS)
    assert not has_namespace(cache)
    assert volumes(cache) == []
    assert labelled(cache) == []
    where = journals(cache)
    assert where
    assert f"{DIRECTORY}/journal on {where.split()[0]}: a journal" in outcome.output
    assert "Helm on n1: installed as before" in outcome.output

    again = cache.apply("uninstall", **SETTINGS)
    assert "nothing was there to remove" in again.output
    assert "0 changed" in again.output

    cache.apply("site", **SETTINGS)
    assert cache.known() == before


def test_a_run_that_was_killed_is_finished_by_the_next(cache: Cache) -> None:
    if "/kept" not in cache.shell("fs", "ls", "/").split():
        cache.know_something()
    before = cache.known()
    inventory = ("-i", str(cache.lab.inventory))
    with cache.running("alluxops", "uninstall", *inventory, **SETTINGS) as process:
        cache.wait_for("Helm's part of it", lambda: not cache.releases())
        cache.kill(process)
    # Struck in the middle: the pods take their time to end, and all that comes after them is there yet.
    assert volumes(cache)
    assert labelled(cache)

    outcome = cache.apply("uninstall", **SETTINGS)
    assert f"PersistentVolume {NAME}-alluxio-journal-{NAME}-master-0" in outcome.output
    assert not has_namespace(cache)
    assert volumes(cache) == []
    assert labelled(cache) == []
    assert journals(cache)
    assert "nothing was there to remove" in cache.apply("uninstall", **SETTINGS).output

    cache.apply("site", **SETTINGS)
    assert cache.known() == before


def test_a_purge_deletes_the_directories_and_site_formats_anew(cache: Cache) -> None:
    for node in cache.lab.state.nodes:
        cache.lab.on_node(node.name, f"mkdir -p {ROOT}/{NAME}/other && touch {ROOT}/beside")
    cache.lab.kubectl("create", "configmap", "notes", "-n", NAME)
    outcome = cache.apply("uninstall", **SETTINGS, alluxio_confirm_purge=NAME)
    assert f"namespace {NAME}: it holds ConfigMap notes" in outcome.output
    for node in cache.lab.state.nodes:
        assert f"{DIRECTORY} on {node.name}" in outcome.output
        left = cache.lab.on_node(node.name, f"ls -d {ROOT}/{NAME}/* {ROOT}/beside").split()
        assert sorted(left) == [f"{ROOT}/beside", f"{ROOT}/{NAME}/other"]
        cache.lab.on_node(node.name, f"rm -r {ROOT}/{NAME}/other {ROOT}/beside")
    kinds = cache.lab.kubectl("get", "secrets,configmaps,pvc,leases,pods", "-n", NAME, "-o", "name")
    assert set(kinds.split()) == {"configmap/kube-root-ca.crt", "configmap/notes"}

    cache.forget()
    outcome = cache.apply("site", **SETTINGS)
    assert "journal formatted by this run" in outcome.output
    assert "/kept" not in cache.shell("fs", "ls", "/").split()


DEAD_MOUNT = """
mkdir -p /mnt/alluxio-fuse && python3 - <<'END'
import ctypes, os
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
libc = ctypes.CDLL(None, use_errno=True)
failed = libc.mount(b"alluxio-fuse", b"/mnt/alluxio-fuse", b"fuse.alluxio-fuse", 0, options)
assert not failed, os.strerror(ctypes.get_errno())
END
"""
"""A FUSE mount whose process ends at once, as a killed FUSE pod leaves it."""


def test_a_dead_mount_is_detached_if_it_is_this_release_s(cache: Cache) -> None:
    mounted = "grep -c ' /mnt/alluxio-fuse fuse' /proc/mounts"
    cache.lab.on_node("n2", DEAD_MOUNT)
    outcome = cache.apply("uninstall", **SETTINGS)
    assert "mount /mnt/alluxio-fuse on n2: its process is gone" in outcome.output
    assert cache.lab.on_node("n2", mounted).strip() == "1"

    fuse = {**cache.lab.values, "fuse": {"enabled": True, "mountPoint": "/mnt/alluxio-fuse"}}
    outcome = cache.apply("uninstall", **SETTINGS, alluxio_values=fuse)
    assert "dead mount /mnt/alluxio-fuse on n2" in outcome.output
    assert cache.lab.on_node("n2", mounted, check=False).strip() == "0"
