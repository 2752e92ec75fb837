"""The role helm with apt: real apt, real signatures, a real key that is the wrong one."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.helm_role import sources as helm_sources
from tests.integration.helm_role.host import KEYRING, PIN, SOURCE, Host
from tests.integration.helm_role.sources import Signer
from tests.integration.lab_under_test import ROOT

pytestmark = pytest.mark.timeout(600)  # several runs of Ansible each


def test_apt_check_shows_what_comes_apply_does_it_and_again_changes_nothing(apt: Host) -> None:
    rehearsal = apt.play("--check", "--diff")
    assert rehearsal.code == 0, rehearsal.output
    assert "+4.3.1-1" in rehearsal.output
    assert apt.settings["helm_apt_key_fingerprint"] in rehearsal.output
    assert apt.files() == []
    assert apt.package() == ""

    assert apt.apply().changed_total == 1
    assert apt.package() == "4.3.1-1"
    assert apt.files() == [KEYRING, PIN, SOURCE]
    assert "v4.3" in apt.sh("helm version --short")
    assert (
        apt.sh(f"stat -c '%U:%G %a' {KEYRING} {SOURCE} {PIN}").split() == ["root:root", "644"] * 3
    )
    assert f"Signed-By: {KEYRING}" in apt.sh(f"cat {SOURCE}")
    left = "ls /etc/apt/trusted.gpg.d /var/cache/apt | grep -e helm -e alluxops; true"
    assert apt.sh(left) == ""

    assert apt.apply().changed_total == 0
    again = apt.play("--check", "--diff")
    assert again.code == 0, again.output
    assert again.changed_total == 0


def test_apt_the_pin_holds_against_an_upgrade_of_the_host(apt: Host) -> None:
    apt.apply()
    policy = apt.sh("apt-cache policy helm")
    assert "4.9.9-1" in policy, "the repository has a newer one"
    assert "Candidate: 4.3.1-1" in policy
    upgrade = "apt-get --simulate --quiet=2 -o Dir::Etc::SourceParts=- dist-upgrade"
    assert "helm" not in apt.sh(f"{upgrade} -o Dir::Etc::SourceList={SOURCE}")


def test_apt_another_version_is_shown_and_taken_up_and_down(apt: Host) -> None:
    apt.apply(helm_version="4.2.0")
    rehearsal = apt.play("--check", "--diff", helm_version="4.9.9")
    assert "-4.2.0-1" in rehearsal.output
    assert "+4.9.9-1" in rehearsal.output
    assert apt.package() == "4.2.0-1"
    assert apt.apply().changed_total == 1
    assert apt.package() == "4.9.9-1"
    assert apt.apply(helm_version="4.2.0").changed_total == 1
    assert apt.package() == "4.2.0-1"
    assert "Pin: version 4.2.0-1" in apt.sh(f"cat {PIN}")


def test_apt_a_version_that_the_repository_lacks_is_refused_naming_those_it_has(apt: Host) -> None:
    output = apt.refuse(helm_version="3.99.0")
    assert "has no helm 3.99.0" in output
    assert "It has 4.9.9-1, 4.3.1-1, 4.2.0-1." in output
    assert apt.files() == []


def test_apt_a_key_with_another_fingerprint_is_not_trusted(
    apt: Host, signers: tuple[Signer, Signer]
) -> None:
    output = apt.refuse(helm_apt_key_fingerprint="DDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6")
    assert "is not the one that is trusted" in output
    assert signers[0].fingerprint in output
    assert apt.files() == []
    assert apt.package() == ""


def test_apt_a_keyring_that_somebody_replaced_is_put_right_or_taken_away(
    apt: Host, signers: tuple[Signer, Signer]
) -> None:
    apt.apply()
    good = apt.sh(f"sha256sum < {KEYRING}")
    replace = f"gpg --dearmor > {KEYRING} << 'KEY'\n{signers[1].public_key().decode()}\nKEY"
    apt.sh(replace)
    assert apt.apply().changed_total == 1
    assert apt.sh(f"sha256sum < {KEYRING}") == good

    apt.sh(replace)
    wanted = apt.settings["helm_apt_key_fingerprint"]
    output = apt.refuse(helm_apt_key_fingerprint="DDF78C3E6EBB2D2CC223C95C62BA89D07698DBC6")
    assert "were removed" in output
    assert apt.files() == [PIN]
    assert apt.apply(helm_apt_key_fingerprint=wanted).changed_total == 1
    assert apt.package() == "4.3.1-1"


@pytest.mark.parametrize(
    ("change", "says"),
    helm_sources.TAMPERED.values(),
    ids=helm_sources.TAMPERED,
)
def test_apt_a_tampered_repository_is_refused_and_nothing_of_it_stays(
    apt: Host, sources: tuple[Path, str], change: Callable[[Path], None], says: str
) -> None:
    place = helm_sources.tampered(sources[0] / "good", sources[0] / change.__name__, change)
    try:
        output = apt.refuse(helm_apt_repository=f"{sources[1]}/{place.name}/")
    finally:
        shutil.rmtree(place)
    assert says in output
    assert apt.files() == []
    assert apt.package() == ""


def test_apt_a_repository_signed_by_somebody_else_is_refused(
    apt: Host, sources: tuple[Path, str], signers: tuple[Signer, Signer]
) -> None:
    place = helm_sources.tampered(sources[0] / "good", sources[0] / "theirs", signers[1].sign)
    try:
        output = apt.refuse(helm_apt_repository=f"{sources[1]}/theirs/")
    finally:
        shutil.rmtree(place)
    assert "signed by another key" in output
    assert apt.files() == []
    assert apt.package() == ""


def test_apt_a_second_source_of_the_same_repository_is_refused_before_apt_breaks(apt: Host) -> None:
    old = "/etc/apt/sources.list.d/helm-stable-debian.list"
    line = f"deb [signed-by=/usr/share/keyrings/helm.gpg] {apt.settings['helm_apt_repository']} any main"
    apt.sh(f"echo '{line}' > {old}")
    try:
        assert f"{old} names the repository" in apt.refuse()
        assert apt.files() == []
    finally:
        apt.sh(f"rm {old}")


@pytest.mark.parametrize("after_s", [2.5, 4.0])
def test_apt_a_killed_run_is_finished_by_the_next(apt: Host, after_s: float) -> None:
    running = subprocess.Popen(
        apt.command(),
        cwd=ROOT,
        env=apt.lab.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_s)
    running.send_signal(signal.SIGKILL)
    running.wait()
    apt.apply()
    assert apt.package() == "4.3.1-1"
    assert apt.apply().changed_total == 0
