"""The node that the role helm is tried on, and where it fetches Helm from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.helm_role import sources as helm_sources
from tests.integration.helm_role.host import FRESH, OTHER_HELM, Host
from tests.integration.helm_role.sources import Signer
from tests.integration.lab_under_test import RunningLab


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Signer, Signer]]:
    directory = tmp_path_factory.mktemp("keys")
    pair = (
        Signer.make(directory / "helm", "Helm <helm@lab.test>"),
        Signer.make(directory / "mallory", "Mallory <mallory@lab.test>"),
    )
    yield pair
    for signer in pair:
        signer.close()


@pytest.fixture(scope="module")
def sources(
    lab: RunningLab, tmp_path_factory: pytest.TempPathFactory, signers: tuple[Signer, Signer]
) -> Iterator[tuple[Path, str]]:
    """A directory that nodes can fetch from, with the repository `good`; and its URL."""
    directory = tmp_path_factory.mktemp("served")
    programs = {"4.3.1": lab.paths.bin / "helm"}
    for version in ("4.2.0", "4.9.9"):
        programs[version] = directory / f"helm-{version}"
        programs[version].write_text(OTHER_HELM.format(version=version))
    helm_sources.make_repository(directory / "good", signers[0], programs)
    with helm_sources.served(directory, lab.state.addresses.host) as url:
        yield directory, url


@pytest.fixture(scope="module")
def node(lab: RunningLab) -> str:
    """The name of the node that the role is tried on."""
    return lab.spare_node(debian=12)


@pytest.fixture
def host(lab: RunningLab, node: str, tmp_path: Path) -> Iterator[Host]:
    """The node without any Helm of the role."""
    bare = Host(lab, node, tmp_path)
    bare.sh(FRESH)
    yield bare
    bare.sh(FRESH)


@pytest.fixture
def apt(host: Host, sources: tuple[Path, str], signers: tuple[Signer, Signer]) -> Host:
    """The node, with settings that lead to the good repository."""
    host.settings = {
        "helm_install_method": "apt",
        "helm_version": "4.3.1",
        "helm_apt_repository": f"{sources[1]}/good/",
        "helm_apt_key_url": f"{sources[1]}/good/key.asc",
        "helm_apt_key_fingerprint": signers[0].fingerprint,
    }
    return host
