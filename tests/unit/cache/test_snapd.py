"""What snapd's answers mean, and which snap command follows."""

from __future__ import annotations

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import snapd
from ansible_collections.alluxops.cache.plugins.module_utils.snapd import Snap

STORE = Snap("3.21.4", "455", "3/stable")
LOCAL = Snap("4.3.1", "x2", "")


def test_an_installed_snap_is_read_from_snapds_answer() -> None:
    answer = {
        "name": "helm",
        "status": "active",
        "version": "4.3.1",
        "revision": "455",
        "tracking-channel": "latest/stable",
        "confinement": "classic",
    }
    assert snapd.parse_snap(answer) == Snap("4.3.1", "455", "latest/stable")


def test_a_snap_that_is_not_installed_is_none() -> None:
    assert snapd.parse_snap({"message": "snap not installed", "kind": "snap-not-found"}) is None
    assert snapd.parse_snap({"status": "available", "revision": "455"}) is None


@pytest.mark.parametrize(
    ("channel", "full"),
    [
        ("stable", "latest/stable"),
        ("3", "3/stable"),
        ("3/edge", "3/edge"),
        ("latest/stable/", "latest/stable"),
    ],
)
def test_a_channel_is_compared_in_full(channel: str, full: str) -> None:
    assert snapd.full_channel(channel) == full


@pytest.mark.parametrize(
    ("installed", "channel", "command"),
    [
        (None, "3/stable", ["install", "helm", "--classic", "--channel=3/stable"]),
        (STORE, "3", []),
        (STORE, "latest/stable", ["refresh", "helm", "--classic", "--channel=latest/stable"]),
        (LOCAL, "3/stable", ["refresh", "helm", "--classic", "--amend", "--channel=3/stable"]),
    ],
)
def test_the_snap_follows_the_channel(
    installed: Snap | None, channel: str, command: list[str]
) -> None:
    assert snapd.plan_channel(installed, channel) == command


def test_a_file_is_installed_unless_that_very_file_is() -> None:
    install = ["install", "--dangerous", "--classic", "/tmp/helm.snap"]
    assert snapd.plan_file("", "aa", "/tmp/helm.snap") == install
    assert snapd.plan_file("bb", "aa", "/tmp/helm.snap") == install
    assert snapd.plan_file("aa", "aa", "/tmp/helm.snap") == []


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (
            'error: cannot install "helm": Post https://api.snapcraft.io/v2/snaps/refresh: dial tcp: lookup api',
            "helm_snap_file",
        ),
        ("error: unable to contact snap store", "helm_snap_file"),
        (
            'error: requested a non-existing branch on 9/stable for snap "helm": channel',
            "helm_snap_channel",
        ),
        (
            "error: system does not fully support snapd: cannot mount squashfs image",
            "helm_install_method",
        ),
        ("error: something new", "snap changes"),
    ],
)
def test_a_failed_command_is_quoted_and_comes_with_a_fix(output: str, says: str) -> None:
    error = str(snapd.explain(["install", "helm"], output))
    assert "`snap install helm` failed" in error
    assert output.split()[1] in error
    assert says in error.split("Fix: ")[1]


def test_snapd_at_work_on_the_snap_is_waited_for() -> None:
    assert snapd.is_busy('error: snap "helm" has "install-snap" change in progress')
    assert snapd.is_busy("error: too early for operation, device not yet seeded")
    assert not snapd.is_busy("error: cannot install")
