"""An apt repository: the files that make apt use it, the version to take, and what apt's complaints mean.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

SUITE, COMPONENTS = "any", ("main",)
MADE_BY = "# Made by the alluxops role {role}; changes are overwritten.\n"
SCHEMES = ("http://", "https://", "file:/")
_DISABLED = re.compile(
    r"^Enabled:\s*(?:no|false|without|off|disable)\s*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class Purpose:
    """What a repository is for, in the words of those who set it, for files and errors.

    role: whose it is. name: of our files about it. repository, key_url, fingerprint: names of the settings. instead:
    what else can be done. keep: how an installation of the user's own is kept. versions: what to do where the version
    is missing.
    """

    role: str
    name: str
    repository: str
    key_url: str
    fingerprint: str
    instead: str
    keep: str = ""
    versions: str = ""


HELM = Purpose(
    role="helm",
    name="alluxops-helm",
    repository="helm_apt_repository",
    key_url="helm_apt_key_url",
    fingerprint="helm_apt_key_fingerprint",
    instead="use helm_install_method: binary",
    keep="set helm_install_method: present to keep it",
    versions="set helm_version to one of these (3.14 or newer), or use helm_install_method: binary with"
    " helm_binary_url and helm_binary_checksum.",
)
KUBERNETES = Purpose(
    role="bootstrap_workers",
    name="alluxops-kubernetes",
    repository="bootstrap_workers_apt_repository",
    key_url="bootstrap_workers_apt_key_url",
    fingerprint="bootstrap_workers_apt_key_fingerprint",
    instead="use bootstrap_workers_install_method: files",
    keep="install kubelet and kubeadm yourself and set bootstrap_workers_install_method: present",
    versions="set bootstrap_workers_apt_repository to one that has the cluster's version, or use"
    " bootstrap_workers_install_method: files.",
)
SYSTEM = Purpose(
    role="bootstrap_workers",
    name="",
    repository="the host's own sources in /etc/apt",
    key_url="where the keys of the host's sources come from",
    fingerprint="those keys",
    instead="install the packages by hand",
)
"""The repositories that the host has of its own."""


def own_sources(purpose: Purpose) -> Purpose:
    """The host's own repositories, where packages that a purpose's packages depend on come from."""
    return replace(SYSTEM, role=purpose.role, instead=purpose.instead)


@dataclass(frozen=True)
class Repository:
    """Where the packages lie: url without a slash at its end, suite, components (none for a flat repository)."""

    url: str
    suite: str
    components: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.url + "/", self.suite, *self.components))


def parse_repository(text: str, purpose: Purpose) -> Repository:
    """Read the setting: `URL`, or `URL SUITE COMPONENT...` where it is not laid out like Helm's own.

    Raises SettingsError naming what is wrong.
    """
    words = text.split()
    if words and words[0] in ("deb", "deb-src"):
        words = words[1:]
    if not words or not words[0].startswith(SCHEMES):
        raise SettingsError(
            f"{purpose.repository} is {text!r}.",
            "It must begin with http://, https:// or file:/.",
            f"write `URL`, or `URL SUITE COMPONENT`; the key goes to {purpose.key_url}.",
        )
    url, rest = words[0].rstrip("/"), words[1:]
    if not rest:
        return Repository(url, SUITE, COMPONENTS)
    if rest[0].endswith("/") != (len(rest) == 1):
        raise SettingsError(
            f"{purpose.repository} is {text!r}.",
            "A suite needs a component after it, and a flat repository (`./`) has none.",
            f"write `{words[0]} {SUITE} {' '.join(COMPONENTS)}` or `{words[0]} ./`.",
        )
    return Repository(url, rest[0], tuple(rest[1:]))


def render_source(repository: Repository, architecture: str, keyring: str, purpose: Purpose) -> str:
    """The deb822 sources file: this repository, signed by this keyring and no other."""
    lines = ["Types: deb", f"URIs: {repository.url}/", f"Suites: {repository.suite}"]
    if repository.components:
        lines.append(f"Components: {' '.join(repository.components)}")
    lines += [f"Architectures: {architecture}", f"Signed-By: {keyring}"]
    return MADE_BY.format(role=purpose.role) + "\n".join(lines) + "\n"


def render_pin(package: str, version: str, purpose: Purpose) -> str:
    """The preferences file that keeps a package at this Debian version, whatever else the repository gets."""
    head = MADE_BY.format(role=purpose.role)
    return f"{head}Package: {package}\nPin: version {version}\nPin-Priority: 1001\n"


def upstream_version(version: str) -> str:
    """The program's own version in a Debian version: 4.3.1 of 1:4.3.1-1+b2."""
    return version.rsplit("-", 1)[0].split(":", 1)[-1]


def choose_version(
    package: str, offered: Sequence[str], wanted: str, repository: Repository, purpose: Purpose
) -> str:
    """The Debian version to install: the newest packaging of the wanted version.

    offered: newest first, as apt lists them. wanted: 4.3.1, or a whole Debian version. Raises CacheError naming what
    the repository has instead.
    """
    for version in offered:
        if wanted.lstrip("v") in (version, upstream_version(version)):
            return version
    known = ", ".join(offered[:8]) + (f" and {len(offered) - 8} older" if len(offered) > 8 else "")
    raise CacheError(
        f"the repository {repository} has no {package} {wanted}.",
        f"It has {known}." if offered else f"It has no package `{package}` for this architecture.",
        purpose.versions,
    )


def parse_madison(text: str, package: str) -> list[str]:
    """A package's versions in the table that `apt-cache madison` prints, in its order, each once."""
    versions: dict[str, None] = {}
    for line in text.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) == 3 and columns[0] == package:
            versions.setdefault(columns[1], None)
    return list(versions)


def rival_sources(files: Mapping[str, str], repository: Repository, own: str) -> list[str]:
    """Other sources files that name the same repository.

    apt stops working altogether when two files give one repository different keys, so these must be known before ours
    is written. files: path -> text.
    """
    address = re.compile(re.escape(repository.url) + r"/?(\s|$)")
    return [
        path
        for path, text in sorted(files.items())
        if path != own and any(address.search(line) for line in _used_lines(path, text))
    ]


def _used_lines(path: str, text: str) -> list[str]:
    """The lines of a sources file that apt goes by: no comments, and no stanza that says `Enabled: no`.

    An upgrade of Ubuntu leaves other people's repositories so.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    if not path.endswith(".sources"):
        return lines
    stanzas = re.split(r"\n\s*\n", "\n".join(lines))
    used = [one for one in stanzas if not _DISABLED.search(one)]
    return [line for one in used for line in one.splitlines()]


# What apt prints, what it means, what to do, in a Purpose's words. The first that fits explains.
COMPLAINTS: tuple[tuple[str, str, str], ...] = (
    (
        r"BADSIG|[Bb]ad signature|invalid signature|has been manipulated",
        "The signature does not fit the repository's index: it was changed after it was signed.",
        "do not install from it: compare with another network, then tell the publisher.",
    ),
    (
        r"NO_PUBKEY|Missing key|public key is not available|no binding signature",
        "The repository is signed by another key than the one that is trusted.",
        "check {key_url} and {fingerprint} with the publisher.",
    ),
    (
        r"EXPKEYSIG|KEYEXPIRED|key (has |is )?expired",
        "The repository's key has expired.",
        "ask the publisher for the new key.",
    ),
    (
        r"REVKEYSIG",
        "The repository's key was revoked by its owner.",
        "do not use it; ask the publisher for the new key.",
    ),
    (
        r"Hash Sum mismatch|hash sum mismatch|unexpected size|File has unexpected",
        "A file is not the one that the signed index names: it was changed on the way or in the repository.",
        "do not install from it: compare with another network, then tell the publisher.",
    ),
    (
        r"is not signed|does not have a Release file|Clearsigned file isn't valid|NOSPLIT",
        "The repository has no valid signature, so nothing in it can be checked.",
        "check {repository}; apt must find dists/SUITE/InRelease (or ./InRelease) there.",
    ),
    (
        r"Release file .* is expired|Valid-Until",
        "The repository's index is outdated.",
        "check the host's clock, then ask the publisher.",
    ),
    (r"not valid yet", "The repository's index is from the future.", "set the host's clock."),
    (
        r"\b(40[134]|50[0-9])  ",
        "The repository's server refuses the request or has no such file.",
        "check {repository}, or {instead} while the repository is down.",
    ),
    (
        r"Could not resolve|failure resolving|onnect|No route to host|unreachable|File not found",
        "The host does not reach the repository.",
        "check the host's network and its apt proxy (/etc/apt/apt.conf.d), or {instead}.",
    ),
    (
        r"unmet dependencies|Depends:",
        "A package wants others that the host's sources do not have.",
        "run `apt-get update` on the host and look at what `apt-get install --simulate` says of it.",
    ),
    (r"No space left|enough free space", "The host's disk is full.", "free space on / and /var."),
)


def explain(what: str, output: str, purpose: Purpose) -> CacheError:
    """The error for a failed apt command: what failed, apt's own lines, and what they mean."""
    lines = [line.strip() for line in output.splitlines() if re.match(r"\s*(E|Err|W)[: ]", line)]
    said = "; ".join(dict.fromkeys(line[2:].strip() if line[1] == ":" else line for line in lines))[
        :600
    ]
    for pattern, cause, fix in COMPLAINTS:
        if re.search(pattern, output):
            told = f"{cause} apt says: {said or output.strip()[-300:]}"
            return CacheError(what, told, fix.format(**vars(purpose)))
    return CacheError(what, f"apt says: {said or output.strip()[-600:]}")


def is_locked(output: str) -> bool:
    """Whether apt failed only because another apt is at work."""
    return bool(
        re.search(
            r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock", output
        )
    )


def is_interrupted(output: str) -> bool:
    """Whether a killed dpkg left packages half configured."""
    return "dpkg was interrupted" in output
