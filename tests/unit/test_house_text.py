"""What stands in tracked files: no machine's own paths or mirrors, versions in one place, no loose modes."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.versions import VERSIONS_FILE
from tools.repository import ROOT, files, git, relative

HOST = re.compile(r"^[a-z+]*:?//([^/:\s]+)")
# Written by tools; the changelog may name anything that was.
GENERATED = ("requirements.txt", "tools/uv-requirements.txt", "CHANGELOG.md", "changelogs/")


def _texts() -> Iterator[tuple[str, str]]:
    for path in files():
        try:
            yield relative(path), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout


def _mirrors() -> set[str]:
    """Hosts that this machine's package clients ask."""
    pip = "from pip._internal.models.index import PyPI as p; print(p.url, '//' + p.file_storage_domain)"
    said = [
        *_output("go", "env", "GOPROXY").split(","),
        *_output("python3", "-c", pip).split(),
        _output("npm", "config", "get", "registry"),
    ]
    for source in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]:
        if source.is_file():
            said += re.findall(r"[a-z+]+://\S+", source.read_text(encoding="utf-8"))
    return {match[1] for text in said if (match := HOST.match(text.strip()))}


def test_no_file_names_this_machine() -> None:
    places = {f"{ROOT}/"}
    if (home := Path.home()) != Path("/root"):  # the lab's nodes have a /root of their own
        places.add(f"{home}/")
    found = [(name, place) for name, text in _texts() for place in places if place in text]
    assert found == []


def test_no_file_names_a_package_mirror() -> None:
    mirrors = _mirrors()
    found = [(name, host) for name, text in _texts() for host in mirrors if host in text]
    assert found == []


def _versions() -> dict[str, str]:
    content = yaml.safe_load(VERSIONS_FILE.read_text(encoding="utf-8"))
    return {name: str(version) for name, version in content["settings_versions"].items()}


def _code_lines(text: str) -> Iterator[str]:
    """Lines without comments, so that prose may say which version something was seen on."""
    for line in text.splitlines():
        yield re.sub(r"(^|\s)#.*", "", line)


FACTS_OF_ONE_VERSION = {"lab/image/pom.py"}
"""It says what Maven Central lacks of a version, which is not a choice of that version."""


def test_a_version_stands_in_one_file() -> None:
    """Code and settings read the versions file; documentation, examples and tests may name versions."""
    versions = {version for version in _versions().values() if version.count(".") >= 2}
    pattern = re.compile(
        "|".join(rf"(?<![\d.]){re.escape(version)}(?![\d.])" for version in versions)
    )
    read = ("Makefile", ".ci", "lab", "molecule", "playbooks", "roles", "src", "tools", "*.toml")
    found = [
        f"{relative(path)}: {line.strip()}"
        for path in files(*read)
        if path.suffix != ".md"
        and not relative(path).startswith(GENERATED)
        and path.name != "argument_specs.yml"
        and relative(path) not in FACTS_OF_ONE_VERSION
        and path.resolve() != VERSIONS_FILE
        for line in _code_lines(path.read_text(encoding="utf-8", errors="replace"))
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["alluxio", "zookeeper"])
def test_the_chart_is_for_the_version_that_is_deployed(name: str) -> None:
    chart = yaml.safe_load((ROOT / f"charts/{name}/Chart.yaml").read_text(encoding="utf-8"))
    assert str(chart["appVersion"]) == _versions()[name]


def test_only_scripts_are_executable() -> None:
    modes = {line.split()[3]: line.split()[0] for line in git("ls-files", "--stage")}
    for path in files():
        name = relative(path)
        executable = (
            modes[name] == "100755" if name in modes else bool(path.stat().st_mode & stat.S_IXUSR)
        )
        if executable:
            assert path.read_bytes().startswith(b"#!"), f"{name} is executable but no script"


@pytest.mark.parametrize("pattern", [r"\b0?777\b", r"0\.0\.0\.0:19999", r"--address[= ]0\.0\.0\.0"])
def test_nothing_is_opened_to_everyone(pattern: str) -> None:
    product = ("roles/*", "playbooks/*", "src/*", "charts/*", "collections/*", "site.yml")
    found = [
        f"{relative(path)}: {line.strip()}"
        for path in files(*product)
        if path.suffix != ".md"
        for line in _code_lines(path.read_text(encoding="utf-8", errors="replace"))
        if re.search(pattern, line)
    ]
    assert found == []
