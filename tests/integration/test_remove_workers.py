"""`remove-workers` on a real cluster: a worker goes, what is pinned stays cached and is read all the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.files_under_test import Files, quick_clients
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.long

NAME = "remove"
GOES = ("--limit", "n3")
CONFIRMED = {"alluxio_confirm_remove": "n3"}
QUOTA = 128 << 20


class Release(Files):
    """The release that loses a worker."""

    def __init__(self, cache: Cache) -> None:
        super().__init__(cache)
        self.settings = {**quick_clients(cache.lab), "alluxio_worker_quota": QUOTA}

    def verb(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.verb(*argv, **self.settings, **settings)

    def apply(self, *argv: str, **settings: Any) -> Outcome:
        return self.cache.apply(*argv, **self.settings, **settings)

    def remove(self, *argv: str, **settings: Any) -> Outcome:
        return self.verb("remove-workers", *GOES, *argv, **{**CONFIRMED, **settings})

    def workers(self) -> list[str]:
        """Nodes whose workers the leader counts as live."""
        report = json.loads(self.verb("status", "--json").output)
        return sorted(one["node"] for one in report["workers"] if one["registered"])


@pytest.fixture(scope="module")
def release(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A cache with three workers."""
    cache = Cache(lab, tmp_path_factory.mktemp(NAME), NAME)
    cache.remove()
    cache.forget("removal-")
    found = Release(cache)
    found.apply("site")
    yield found
    cache.remove()
    cache.forget("removal-")


@pytest.fixture(scope="module")
def pinned(release: Release) -> str:
    """The digest of a pinned file that only the worker on n3 has cached; the under store has it too."""
    digest = release.write("/removal-pinned", "n3", "CACHE_THROUGH")
    release.cache.script("alluxio fs pin /removal-pinned")
    assert release.cached("/removal-pinned") == "100%"
    return digest


@pytest.fixture(scope="module")
def only(release: Release) -> str:
    """The digest of a file that only the worker on n3 has, and no under store."""
    return release.write("/removal-only", "n3", "MUST_CACHE")


BAD = [
    pytest.param(("--limit", "n3"), {}, "alluxio_confirm_remove", id="not confirmed"),
    pytest.param(
        ("--limit", "n3"), {"alluxio_confirm_remove": "n2"}, "means n3", id="another confirmed"
    ),
    pytest.param((), {"alluxio_confirm_remove": "n3"}, "without --limit", id="no limit"),
    pytest.param(
        ("--limit", "n1,n2,n3"),
        {"alluxio_confirm_remove": "n1,n2,n3"},
        "no worker of remove would be left",
        id="all workers",
    ),
    pytest.param(("--limit", "n9"), {"alluxio_confirm_remove": "n9"}, "n9", id="unknown host"),
    pytest.param(
        ("--limit", "n1"),
        {"alluxio_confirm_remove": "n1", "remove_workers_drain": True},
        "master-0",
        id="a master to be drained",
    ),
    pytest.param(
        ("--limit", "n3"),
        {"alluxio_confirm_remove": "n3", "remove_workers_drain": "perhaps"},
        "remove_workers_drain",
        id="no boolean",
    ),
    pytest.param(
        ("--limit", "n3"),
        {"alluxio_confirm_remove": "n3", "ansible_python_interpreter": "/nowhere/python3"},
        "the host n3 could not be checked",
        id="no Python",
    ),
]


@pytest.mark.parametrize(("argv", "settings", "named"), BAD)
def test_what_cannot_work_is_refused_before_anything_changes(
    release: Release, argv: tuple[str, ...], settings: dict[str, Any], named: str
) -> None:
    before = release.cache.fingerprint()
    outcome = release.verb("remove-workers", *argv, **settings)
    assert outcome.code == 2, outcome.output
    assert named in outcome.output
    assert release.cache.fingerprint() == before


def test_a_host_without_a_worker_is_refused(release: Release, tmp_path: Any) -> None:
    stranger = tmp_path / "stranger.yml"
    stranger.write_text(
        json.dumps({"all": {"hosts": {"n7": {"ansible_host": release.address("n3")}}}})
    )
    outcome = release.verb(
        "remove-workers", "-i", str(stranger), "--limit", "n7", alluxio_confirm_remove="n7"
    )
    assert outcome.code == 2, outcome.output
    assert "n7 is no worker of remove" in outcome.output


def test_what_would_not_fit_elsewhere_is_refused(release: Release, pinned: str) -> None:
    del pinned
    # Each worker is full of what no under store has, so that none can take what another has.
    for node in ("n1", "n2", "n3"):
        release.write(f"/removal-large-{node}", node, "MUST_CACHE", QUOTA * 3 // 4)
    try:
        outcome = release.remove()
        assert outcome.code == 2, outcome.output
        assert "bytes are cached, and the workers that stay hold" in outcome.output, outcome.output
        evicting = release.remove(remove_workers_evicts=True)
        assert evicting.code == 2, evicting.output
        assert "fits on no worker that stays" in evicting.output, evicting.output
    finally:
        release.cache.script("alluxio fs rm '/removal-large-*'")
    # A worker deletes the blocks of a file that is gone when the leader tells it to, a moment later.
    release.cache.wait_for("room again", lambda: release.remove("--check").code == 0)


def test_check_mode_shows_the_steps_and_changes_nothing(
    release: Release, pinned: str, only: str
) -> None:
    del pinned, only
    before = release.cache.fingerprint()
    outcome = release.remove("--check", "--diff")
    assert outcome.code == 0, outcome.output
    assert outcome.output.count("copy 1 file (3000000 bytes) that must not be lost") == 2
    assert "decommission n3" in outcome.output
    assert release.cache.fingerprint() == before


@pytest.fixture(scope="module")
def removed(release: Release, pinned: str, only: str) -> Outcome:
    """The run that took the worker away, while its pinned file was read all the time."""
    del only
    with release.reading("/removal-pinned", pinned):
        return release.remove()


def test_a_worker_goes_and_what_must_not_be_lost_stays_cached(
    release: Release, removed: Outcome, pinned: str, only: str
) -> None:
    assert removed.code == 0, removed.output
    assert release.workers() == ["n1", "n2"]
    assert release.cached("/removal-pinned") == "100%"
    assert release.cached("/removal-only") == "100%"
    assert release.digest("/removal-pinned") == pinned
    assert release.digest("/removal-only") == only


def test_it_ends_with_a_line_a_host_and_the_inventory_s(removed: Outcome) -> None:
    assert "inventory set cache_workers: n1, n2" in removed.output
    assert "n3  removed" in removed.output


def test_the_node_is_clean_and_a_journal_stays(release: Release, removed: Outcome) -> None:
    del removed
    left = release.lab.on_node("n3", f"ls {release.cache.root}")
    assert left.split() == ["journal"]
    assert NAME not in release.lab.on_node("n3", "mount")
    assert "alluxops.io/remove.remove" not in release.lab.kubectl("get", "node", "n3", "-o", "json")
    assert not [pod for pod in release.cache.pods().values() if pod["spec"]["nodeName"] == "n3"]


def test_a_second_run_changes_nothing(release: Release, removed: Outcome) -> None:
    del removed
    again = release.remove()
    assert again.code == 0, again.output
    assert "already removed" in again.output
    assert ", 0 changed" in again.output


@pytest.fixture(scope="module")
def disk(release: Release, removed: Outcome) -> Iterator[str]:
    """A disk for the tier on n3, as bootstrap-workers mounts it."""
    del removed
    image = "/var/lib/kubelet/removal.img"
    nodes = "".join(f" test -e /dev/loop{n} || mknod /dev/loop{n} b 7 {n};" for n in range(16))
    device = release.lab.on_node(
        "n3",
        f"test -e /dev/loop-control || mknod /dev/loop-control c 10 237;{nodes} rm -f {image};"
        f" truncate -s 64M {image}; losetup --find --show {image}",
    ).strip()
    words = {"device": device, "host": "n3", "root": release.cache.storage}
    words |= {"namespace": NAME, "release": NAME}
    given = json.dumps(words)
    release.lab.run("ansible", "n3", "--become", "-m", "alluxops.cache.node_device", "-a", given)
    yield device
    tier = f"{release.cache.root}/tier0"
    gone = f"umount -l {tier}; losetup -d {device}; rm -f {image}; sed -i '\\|{tier}|d' /etc/fstab"
    release.lab.on_node("n3", gone, check=False)


def test_site_puts_the_worker_back_and_a_killed_removal_is_continued(
    release: Release, removed: Outcome, pinned: str, disk: str
) -> None:
    del removed
    tier = f"{release.cache.root}/tier0"
    assert release.lab.on_node("n3", f"findmnt -no SOURCE {tier}").strip() == disk
    release.lab.on_node("n3", f"echo mine > {tier}/mine")
    release.apply("site")
    assert release.workers() == ["n1", "n2", "n3"]

    inventory = ("-i", str(release.lab.inventory))
    settings = {**release.settings, **CONFIRMED}
    with release.cache.running(
        "alluxops", "remove-workers", *inventory, *GOES, **settings
    ) as process:
        release.cache.wait_for(
            "the worker to be retired", lambda: "Decommission" in release.cache.running_log
        )
        release.cache.kill(process)
    done = release.remove()
    assert done.code == 0, done.output
    assert release.workers() == ["n1", "n2"]
    assert release.digest("/removal-pinned") == pinned
    assert release.cached("/removal-pinned") == "100%"

    # The disk is free, and holds what it held.
    assert f"unmounted {disk}, which keeps its data" in done.output
    left = release.lab.on_node(
        "n3", f"ls {release.cache.root}; grep {tier} /etc/fstab; mount", check=False
    )
    assert tier not in left
    looked = f"mount -o ro {disk} /media && cat /media/mine; umount /media"
    assert release.lab.on_node("n3", looked).strip() == "mine"
