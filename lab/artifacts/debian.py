"""Debian trees made by mmdebstrap from the mirror that this machine itself uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.artifacts.recipe import Build
from lab.errors import LabError

APT = Path("/etc/apt")
OS_RELEASE = Path("/etc/os-release")

PACKAGES = ("mmdebstrap", "debian-archive-keyring")
"""What this machine needs for it."""

SLIM = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
"""Files that nobody reads in a node or an image."""

SHRINK = 'rm -rf "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1"/usr/share/lintian'
"""A hook for images, in which nobody installs packages."""


@dataclass(frozen=True)
class Mirror:
    """Where this machine gets Debian from: the archive, and its security updates (may be empty)."""

    archive: str
    security: str

    def lines(self, suite: str) -> list[str]:
        """The one-line sources of a suite (`bookworm`)."""
        lines = [f"deb {self.archive} {name} main" for name in (suite, f"{suite}-updates")]
        if self.security:
            lines.append(f"deb {self.security} {suite}-security main")
        return lines


def make_tree(
    build: Build,
    place: Path,
    suite: str,
    include: Sequence[str],
    *,
    variant: str = "minbase",
    hooks: Iterable[str] = (),
) -> None:
    """Install `include` and what it needs into the new directory `place`, which then is a root.

    `hooks` are shell commands run at the end on this machine, the root as their $1. The tree keeps no
    package sources: nothing in it points outside.
    """
    excludes = [f"--dpkgopt=path-exclude={pattern}" for pattern in SLIM]
    options = [
        "--mode=root", "--format=directory", f"--variant={variant}",
        "--aptopt=Acquire::Languages none",
        # Java's maintainer scripts link manual pages and fail without the directory.
        '--essential-hook=mkdir -p "$1/usr/share/man/man1"',
        "--dpkgopt=force-unsafe-io",  # the tree is published whole or not at all: no need to sync each file
        *excludes,
        *(f"--customize-hook={hook}" for hook in hooks),
        '--customize-hook=rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
    ]  # fmt: skip
    mirror = host_mirror()
    sources = mirror.lines(suite) if mirror else []
    sources_file = build.scratch / f"{suite}.list"
    sources_file.write_text("".join(f"{line}\n" for line in sources), encoding="utf-8")
    build.step.update(f"Debian {suite}: downloading {len(include)} packages and what they need")
    argv: list[str | Path] = [
        "mmdebstrap",
        *options,
        f"--include={','.join(include)}",
        suite,
        place,
    ]
    build.run(
        [*argv, sources_file] if sources else argv,
        on_line=lambda line: build.step.update(f"Debian {suite}: {line.removeprefix('I: ')[:60]}"),
    )


def host_mirror(apt: Path = APT, os_release: Path = OS_RELEASE) -> Mirror | None:
    """The Debian mirror of this machine's apt sources; None when it is no Debian (mmdebstrap's default).

    Raises LabError on a Debian whose sources have no entry for its own release.
    """
    codename = _release(os_release)
    if codename is None:
        return None
    found: dict[str, str] = {}
    for uri, suites in _entries(apt):
        for suite in suites:
            found.setdefault(suite.rstrip("/"), uri)
    archive = found.get(codename) or found.get("stable")
    if archive is None:
        raise LabError(
            f"no apt source of this machine has Debian {codename}",
            cause=f"read {apt}/sources.list and {apt}/sources.list.d",
            fix=f"add the source of Debian {codename} that this machine was installed from",
        )
    return Mirror(archive, found.get(f"{codename}-security") or found.get("stable-security") or "")


def _release(os_release: Path) -> str | None:
    """The codename of this machine's Debian, or None on another system."""
    text = os_release.read_text(encoding="utf-8") if os_release.is_file() else ""
    values = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return values.get("VERSION_CODENAME") if values.get("ID") == "debian" else None


def _entries(apt: Path) -> Iterable[tuple[str, list[str]]]:
    """(URI, suites) of each enabled binary source, in both of apt's formats."""
    folder = apt / "sources.list.d"
    for path in [apt / "sources.list", *sorted(folder.glob("*.list"))]:
        if path.is_file():
            yield from _one_line_entries(path.read_text(encoding="utf-8"))
    for path in sorted(folder.glob("*.sources")):
        yield from _stanza_entries(path.read_text(encoding="utf-8"))


def _one_line_entries(text: str) -> Iterable[tuple[str, list[str]]]:
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)", line.strip())
        if found:
            yield found[1], [found[2]]


def _stanza_entries(text: str) -> Iterable[tuple[str, list[str]]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"^([A-Za-z-]+):\s*(.*)$", "\n".join(lines), re.MULTILINE))
        named = {name.lower(): value.split() for name, value in fields.items()}
        enabled = named.get("enabled", ["yes"]) != ["no"]
        if enabled and "deb" in named.get("types", []):
            for uri in named.get("uris", []):
                yield uri, named.get("suites", [])
