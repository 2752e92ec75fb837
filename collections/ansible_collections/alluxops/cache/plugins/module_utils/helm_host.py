"""Whether a way to install Helm can work on a host, and whether the Helm that is there will do.

Pure. Standard library only, Python 3.9.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

Snapd = Literal["absent", "silent", "answers"]

# What a machine is called by the kernel and by Helm's release archives.
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
OLDEST, NEWEST_MAJOR = (3, 14), 4
# Where each method puts Helm, most likely first. `present` takes the first that the host's PATH gives.
PLACES: Mapping[str, Sequence[str]] = {
    "apt": ("/usr/bin/helm",),
    "snap": ("/snap/bin/helm", "/var/lib/snapd/snap/bin/helm"),
    "binary": ("/usr/local/bin/helm",),
}
NO_ROOT_FIX = "set ansible_become: true for the hosts of kube_control, or log in as root."


@dataclass(frozen=True)
class Host:
    """What the choice depends on. os_like: ids of the family, as in os-release's ID and ID_LIKE."""

    os_name: str
    os_like: tuple[str, ...]
    machine: str
    has_apt: bool
    snapd: Snapd
    is_root: bool


def parse_os_release(text: str) -> dict[str, str]:
    """/etc/os-release as a map."""
    pairs = (
        line.split("=", 1)
        for line in text.splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {key.strip(): "".join(shlex.split(value)[:1]) for key, value in pairs}


def refuse_method(method: str, checksum: str, host: Host) -> None:
    """Raise SettingsError when helm_install_method cannot work on this host. checksum: helm_binary_checksum."""
    what = f"helm_install_method is {method}, and this host runs {host.os_name} ({host.machine})."
    if method != "present" and not host.is_root:
        raise SettingsError(f"helm_install_method is {method}, which needs root.", fix=NO_ROOT_FIX)
    if method == "apt" and not (host.has_apt and {"debian", "ubuntu"} & set(host.os_like)):
        raise SettingsError(
            what,
            "apt is there on Debian, Ubuntu and what is made from them.",
            "set helm_install_method: binary, or present.",
        )
    if method == "snap" and host.snapd == "absent":
        raise SettingsError(
            f"{what[:-1]} without snapd.",
            "Snaps are installed by snapd.",
            "install it (apt-get install snapd), or set helm_install_method: apt or binary.",
        )
    if method == "snap" and host.snapd == "silent":
        raise SettingsError(
            f"{what[:-1]}, whose snapd does not answer.",
            fix="run systemctl enable --now snapd.socket there, or set helm_install_method: binary.",
        )
    if method == "binary":
        normal_checksum(checksum)
        if host.machine not in ARCHITECTURES:
            raise SettingsError(
                what,
                "Helm has no archive for such machines.",
                "put a Helm there and set helm_install_method: present.",
            )


def normal_checksum(text: str) -> str:
    """The 64 hexadecimal digits of helm_binary_checksum. Raises SettingsError when they are not there."""
    digits = text.strip().lower()
    if digits.startswith("sha256:"):
        digits = digits[7:].strip()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise SettingsError(
            f"helm_binary_checksum is {text!r}.",
            "An archive is installed only when its SHA-256 is the one that you trust.",
            "write sha256: and the 64 digits that Helm's release page gives for this archive (not an address of them: "
            "who can change the archive can change that file too).",
        )
    return digits


def archive_url(version: str, machine: str) -> str:
    """Where Helm's own archive of a version lies."""
    return f"https://get.helm.sh/helm-v{version.lstrip('v')}-linux-{ARCHITECTURES[machine]}.tar.gz"


def parse_version(text: str) -> tuple[int, ...]:
    """(4, 3, 1) of `v4.3.1+g1234567`; empty when there is no version in it."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text.strip())
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()


def same_version(answer: str, wanted: str) -> bool:
    """Whether `helm version` and helm_version agree, in the parts that both name: a self-built Helm says only v4.3."""
    left, right = parse_version(answer), parse_version(wanted)
    length = min(len(left), len(right))
    return length >= 2 and left[:length] == right[:length]


def refuse_version(answer: str, path: str) -> None:
    """Raise CacheError when the releases of this collection cannot be made with such a Helm."""
    version = parse_version(answer)
    if not version or version[:2] < OLDEST or version[0] > NEWEST_MAJOR:
        raise CacheError(
            f"{path} is Helm {answer.strip() or 'of an unknown version'}.",
            f"Releases are made with Helm {OLDEST[0]}.{OLDEST[1]} or newer, up to Helm {NEWEST_MAJOR}.",
            "set helm_version to such a one, with helm_install_method: apt, snap or binary.",
        )


def refuse_other_version(answer: str, wanted: str, path: str) -> None:
    """Raise CacheError when an installed Helm is not the wanted one."""
    if not same_version(answer, wanted):
        raise CacheError(
            f"{path} is Helm {answer.strip()}, and helm_version is {wanted}.",
            fix="look at how it came there, or set helm_version to what it is.",
        )
