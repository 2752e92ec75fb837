"""What cannot be read is neither empty nor ours: no policy and no verb formats it or starts from it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    BROKEN_MARKER,
    MARKER,
    Journal,
    State,
    Wanted,
    read_journal,
)
from ansible_collections.alluxops.cache.plugins.module_utils.journal_job import LOOK
from ansible_collections.alluxops.cache.plugins.module_utils.journal_plan import Policy
from tests.unit.cache.test_journal import CLAIM, EMBEDDED, OURS, UFS, format_ufs, look, mark
from tests.unit.cache.test_journal_plan import MARKED, URI, decide, journals

needs_another_user = pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="needs another user"
)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """An empty journal volume that others can reach."""
    folder = tmp_path / "journal"
    folder.mkdir()
    for each in (folder, *list(folder.parents)[:3]):
        each.chmod(0o755)
    return folder


def look_as_1000(volume: Path) -> Journal:
    """What the Job's script tells the user that masters run as."""
    done = subprocess.run(
        ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "/bin/sh", "-c", LOOK],
        env={"JOURNAL": str(volume), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("cannot become another user here")
    assert done.stderr == ""
    return read_journal(done.stdout, CLAIM, UFS)


def test_a_volume_that_cannot_be_entered(volume: Path) -> None:
    assert look(volume / "missing").state == "unreadable"


@needs_another_user
def test_a_volume_of_another_owner(volume: Path) -> None:
    found = look_as_1000(volume)
    assert found.state == "unreadable"
    assert "1000" in found.detail


@needs_another_user
def test_what_a_file_system_keeps_for_itself_is_nobodys_journal(volume: Path) -> None:
    (volume / "lost+found").mkdir(mode=0o700)
    (volume / "lost+found" / "#12").write_text("")
    os.chown(volume, 1000, 1000)
    found = look_as_1000(volume)
    assert (found.state, found.detail) == ("empty", "")
    (volume / "other").mkdir(mode=0o700)
    assert look_as_1000(volume).state == "unreadable"


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may mount")
def test_a_volume_that_is_mounted_read_only(volume: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(volume)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("cannot mount here")
    try:
        found = look(volume)
    finally:
        subprocess.run(["umount", str(volume)], check=True)
    assert found.state == "unreadable"
    assert "not writable" in found.detail


@pytest.mark.parametrize("text", ['{"release": "allu', "[]", "", "\0"])
@pytest.mark.parametrize("wanted", [UFS, EMBEDDED])
def test_a_marker_that_tells_nothing_is_not_one_that_is_missing(
    volume: Path, text: str, wanted: Wanted
) -> None:
    format_ufs(volume)
    (volume / MARKER).write_text(text)
    found = look(volume, wanted)
    assert (found.state, found.marker) == ("unreadable", None)
    assert found.detail == BROKEN_MARKER


@needs_another_user
def test_a_marker_of_another_owner_is_not_one_that_is_missing(volume: Path) -> None:
    format_ufs(volume)
    mark(volume, replace(OURS, release="other"))
    (volume / MARKER).chmod(0o600)
    os.chown(volume, 1000, 1000)
    found = look_as_1000(volume)
    assert (found.state, found.detail) == ("unreadable", BROKEN_MARKER)


@pytest.mark.parametrize("policy", ["if_empty", "never", "force"])
@pytest.mark.parametrize("how", [{}, {"restoring": URI}, {"stale": True}])
def test_whose_journal_it_is_must_be_known(policy: Policy, how: dict[str, Any]) -> None:
    found = journals("unreadable", detail=BROKEN_MARKER, place="/mnt/j on n1")
    with pytest.raises(SettingsError, match="its marker") as refusal:
        decide(found, policy, confirmed=True, masters=3, **how)
    assert "see /mnt/j/.alluxops.json on n1" in refusal.value.fix


@pytest.mark.parametrize("how", [{}, {"restoring": URI}, {"stale": True}])
@pytest.mark.parametrize("state", ["other", "absent", "unreadable"])
def test_force_and_what_verbs_ask_for_format_nothing_that_is_not_ours(
    state: State, how: dict[str, Any]
) -> None:
    for wanted in (EMBEDDED, replace(UFS, shared=True)):
        found = journals(state, "used", "used", wanted=wanted, marker=replace(MARKED, release="x"))
        with pytest.raises(SettingsError, match="the journal of master 0"):
            decide(found, "force", wanted, masters=5, confirmed=True, backed_up=URI, **how)


@pytest.mark.parametrize("kinds", [["empty"], ["empty", "formatted", "empty"]])
def test_a_release_that_has_served_does_not_begin_again_on_empty_journals(kinds: list[str]) -> None:
    found = journals(*kinds)
    with pytest.raises(SettingsError, match=r"has served, and .*journal-0\) is empty") as refusal:
        decide(found, has_served=True)
    assert "not mounted" in refusal.value.cause
    assert decide(found, "force", has_served=True, confirmed=True).format
    assert decide(found, has_served=True, restoring="/b.gz").format
    assert decide(found).format


def test_a_shared_journal_that_is_empty_is_seen_whole() -> None:
    # Three masters, one directory: an empty one is the place of a mount that is missing.
    shared = replace(UFS, shared=True)
    found = journals("empty", "empty", "empty", wanted=shared)
    with pytest.raises(SettingsError, match=r"has served, and .*journal-0\) is empty\."):
        decide(found, wanted=shared, has_served=True)
    assert decide(found, wanted=shared).format == (0,)
