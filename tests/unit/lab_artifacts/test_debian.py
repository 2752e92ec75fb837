"""Debian trees come from the mirror that this machine's own apt sources name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.artifacts.debian import Mirror, host_mirror
from lab.errors import LabError

OS_RELEASE = 'ID=debian\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n'

ONE_LINE = """\
# deb http://commented.test/debian bookworm main
deb-src http://source.test/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://mirror.test/debian bookworm main contrib
deb http://mirror.test/debian-security bookworm-security main
deb http://elsewhere.test/tools stable-tools main
"""

STANZAS = """\
Types: deb deb-src
# an older URIs: http://snapshot.test
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.test/debian
Suites: bookworm
Components: main
"""


def machine(place: Path, files: dict[str, str], os_release: str = OS_RELEASE) -> Mirror | None:
    apt = place / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    for name, text in files.items():
        (apt / name).write_text(text)
    (place / "os-release").write_text(os_release)
    return host_mirror(apt, place / "os-release")


EXPECTED = Mirror("http://mirror.test/debian", "http://mirror.test/debian-security")


@pytest.mark.parametrize(
    "files",
    [
        {"sources.list": ONE_LINE},
        {"sources.list.d/debian.sources": STANZAS},
        {"sources.list.d/a.list": ONE_LINE.replace("bookworm", "stable")},
    ],
)
def test_both_formats_of_apt_sources_are_read(files: dict[str, str], tmp_path: Path) -> None:
    assert machine(tmp_path, files) == EXPECTED


def test_other_releases_come_from_the_same_mirror() -> None:
    assert EXPECTED.lines("trixie") == [
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie-updates main",
        "deb http://mirror.test/debian-security trixie-security main",
    ]
    assert Mirror("http://m.test", "").lines("trixie")[-1].endswith("trixie-updates main")


def test_a_debian_without_a_source_for_its_release_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no apt source of this machine has Debian bookworm"):
        machine(tmp_path, {"sources.list": "deb http://mirror.test/debian trixie main\n"})


def test_another_system_leaves_the_mirror_to_mmdebstrap(tmp_path: Path) -> None:
    ubuntu = "ID=ubuntu\nVERSION_CODENAME=noble\n"
    assert machine(tmp_path, {"sources.list": ONE_LINE}, ubuntu) is None
