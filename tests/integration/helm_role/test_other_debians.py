"""The role helm with the apt, gpgv or sqv, and Python of the Debian before and after the lab's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.helm_role import sources as helm_sources
from tests.integration.helm_role.host import KEYRING, PIN, SOURCE, Host
from tests.integration.helm_role.sources import Signer
from tests.integration.lab_under_test import RunningLab

pytestmark = pytest.mark.timeout(900)  # the release's tree may have to be built first


@pytest.fixture(scope="module", params=[11, 13])
def node(lab: RunningLab, request: pytest.FixtureRequest) -> str:
    """A node of that release."""
    return lab.spare_node(debian=request.param)


def test_the_pinned_version_is_installed_once(apt: Host) -> None:
    rehearsal = apt.play("--check", "--diff")
    assert rehearsal.code == 0, rehearsal.output
    assert apt.files() == []
    assert apt.apply().changed_total == 1
    assert apt.package() == "4.3.1-1"
    assert apt.files() == [KEYRING, PIN, SOURCE]
    assert "Candidate: 4.3.1-1" in apt.sh("apt-cache policy helm")
    assert apt.apply().changed_total == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        *helm_sources.TAMPERED.values(),
        (None, "signed by another key"),
    ],
    ids=[*helm_sources.TAMPERED, "another-key"],
)
def test_a_tampered_repository_is_refused_and_explained(
    apt: Host,
    sources: tuple[Path, str],
    signers: tuple[Signer, Signer],
    change: Callable[[Path], None] | None,
    says: str,
) -> None:
    place = sources[0] / "tampered"
    helm_sources.tampered(sources[0] / "good", place, change or signers[1].sign)
    try:
        output = apt.refuse(helm_apt_repository=f"{sources[1]}/tampered/")
    finally:
        shutil.rmtree(place)
    assert says in output
    assert apt.files() == []
    assert apt.package() == ""
