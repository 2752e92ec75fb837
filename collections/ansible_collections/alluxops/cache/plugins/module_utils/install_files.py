"""Put what files of the controller bring in place on a host, whole or not at all.

Standard library only, Python 3.9.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    apt_commands,
    apt_source,
    helm_archive,
    host_files,
    kubernetes_node,
    package_files,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError

SETTING = package_files.SETTING
NOTE = "/usr/local/share/alluxops/kubernetes-files.json"
"""What came from which file: as long as that holds, the file is not needed again."""
PREFIX = ".alluxops-"
HELD = ("kubelet", "kubeadm")


class Files:
    """What the files bring, and what of it is there.

    module: the running AnsibleModule. offers: of package_files.look. cni_bin: where network plugins go.
    """

    def __init__(self, module: Any, offers: Sequence[Mapping[str, Any]], cni_bin: str) -> None:
        self.module = module
        self.cni_bin = cni_bin
        self.apt = apt_commands.Apt(module, apt_source.SYSTEM)
        self.noted: dict[str, dict[str, str]] = {}
        with contextlib.suppress(ValueError):
            self.noted = dict(json.loads(host_files.read_text(NOTE) or "{}"))
        self.todo = [offer for offer in offers if not self._is_done(offer)]
        self.unheld = self._unheld([offer for offer in offers if offer not in self.todo])
        programs = {
            name for offer in offers if offer["kind"] != "deb" for name in offer["programs"]
        }
        self.units = {
            path: text
            for name, units in kubernetes_node.UNITS.items()
            if name in programs
            for path, text in units.items()
            if host_files.read_text(path) != text
        }

    def wants(self) -> list[str]:
        """Checksums of the files that are needed here."""
        return [str(offer["checksum"]) for offer in self.todo]

    def brings(self, program: str) -> bool:
        """Whether a program is about to be replaced."""
        return any(program in offer["programs"] for offer in self.todo)

    def told(self) -> list[str]:
        """What is installed, in words."""
        told, plugins = [], 0
        for offer in self.todo:
            if offer["kind"] == "deb":
                told.append(f"package {offer['package']} {offer['version']} was installed")
                continue
            programs = [name for name in offer["programs"] if name in package_files.PROGRAMS]
            plugins += len(offer["programs"]) - len(programs)
            told += [f"{package_files.target(name)} was installed" for name in programs]
        if plugins:
            told.append(f"{plugins} network plugins were installed in {self.cni_bin}")
        told += [f"package {name} is held at its version" for name in self.unheld]
        return told + [f"{path} was written" for path in self.units]

    def diff(self) -> list[dict[str, str]]:
        """What changes."""
        pairs: dict[str, tuple[str, str]] = {}
        for offer in self.todo:
            if offer["kind"] == "deb":
                before = self.apt.installed(offer["package"]) or "absent"
                pairs[f"package {offer['package']}"] = (f"{before}\n", f"{offer['version']}\n")
                continue
            for name in offer["programs"]:
                path = package_files.target(name, self.cni_bin)
                there = helm_archive.sha256(path)
                before = f"sha256:{there}\n" if there else ""
                pairs[path] = (before, f"from {offer['file']}, sha256:{offer['checksum']}\n")
        if self.unheld:
            pairs["held packages"] = ("", f"{' '.join(self.unheld)}\n")
        for path, text in self.units.items():
            pairs[path] = (host_files.read_text(path) or "", text)
        return [
            {"before_header": name, "after_header": name, "before": before, "after": after}
            for name, (before, after) in pairs.items()
        ]

    def place(self, staged: Mapping[str, Mapping[str, str]]) -> None:
        """Put in place what was staged, and install packages."""
        debs = [offer for offer in self.todo if offer["kind"] == "deb"]
        if debs:
            self._install(debs)
        self._hold(self.unheld)
        noted = dict(self.noted)
        for checksum, found in staged.items():
            noted[checksum] = {}
            for name, path in found.items():
                target = package_files.target(name, self.cni_bin)
                noted[checksum][target] = helm_archive.sha256(path)
                os.replace(path, target)
        for path, text in self.units.items():
            host_files.write_bytes(path, text.encode())
        if staged:
            text = json.dumps(noted, indent=1, sort_keys=True) + "\n"
            host_files.write_bytes(NOTE, text.encode())

    def _is_done(self, offer: Mapping[str, Any]) -> bool:
        if offer["kind"] == "deb":
            return self.apt.installed(str(offer["package"])) == str(offer["version"])
        noted = self.noted.get(str(offer["checksum"])) or {}
        wanted = {package_files.target(name, self.cni_bin) for name in offer["programs"]}
        return set(noted) == wanted and all(
            helm_archive.sha256(path) == digest for path, digest in noted.items()
        )

    def _place(self, offer: Mapping[str, Any]) -> str:
        return str(self.module.params["places"][offer["checksum"]])

    def _refuse_other(self, offer: Mapping[str, Any]) -> None:
        found = helm_archive.sha256(self._place(offer))
        if found != offer["checksum"]:
            raise CacheError(
                f"{offer['file']} is not the file whose checksum {SETTING} has, after it was brought here.",
                f"Wanted sha256:{offer['checksum']}, found sha256:{found or 'nothing'}.",
                "see that the host's disk is not full, and run again.",
            )

    def _refuse_misnamed(self, offer: Mapping[str, Any]) -> None:
        """A package that is another than its name says."""
        show = ["dpkg-deb", "--showformat=${Package} ${Version}", "--show", self._place(offer)]
        found = self.apt.run(show, f"{offer['file']} is no package.").strip()
        if found != f"{offer['package']} {offer['version']}":
            raise SettingsError(
                f"{offer['file']} of {SETTING} is the package {found}.",
                "A file's name says what is in it.",
                "name it PACKAGE_VERSION_MACHINE.deb, as `apt-get download` does.",
            )

    @contextlib.contextmanager
    def staged(self) -> Iterator[dict[str, dict[str, str]]]:
        """The programs of the files beside where they go, by checksum and name.

        Raises CacheError for a file that is another than was said.
        """
        for offer in self.todo:
            self._refuse_other(offer)
            if offer["kind"] == "deb":
                self._refuse_misnamed(offer)
        plain = [offer for offer in self.todo if offer["kind"] != "deb"]
        staged: dict[str, dict[str, str]] = {}
        try:
            if plain:
                self._clear()
            for offer in plain:
                self._unpack(offer, staged.setdefault(str(offer["checksum"]), {}))
            yield staged
        finally:
            for path in (path for found in staged.values() for path in found.values()):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def _clear(self) -> None:
        """Have the folders that programs go to, without what a run that was killed left in them."""
        for folder in {package_files.BIN, self.cni_bin}:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            for left in glob.glob(f"{folder}/{PREFIX}*"):
                os.unlink(left)

    def _unpack(self, offer: Mapping[str, Any], found: dict[str, str]) -> None:
        """Stage the programs of a file. found: where, by name; filled as it goes."""
        for name, content in package_files.opened(self._place(offer), str(offer["file"])):
            folder = os.path.dirname(package_files.target(name, self.cni_bin))
            handle, path = tempfile.mkstemp(prefix=f"{PREFIX}{name}-", dir=folder)
            found[name] = path
            with os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
                os.fchmod(file.fileno(), 0o755)
                os.fsync(file.fileno())

    def _install(self, debs: Sequence[Mapping[str, Any]]) -> None:
        names = ", ".join(str(offer["file"]) for offer in debs)
        places = [self._place(offer) for offer in debs]
        # A file that was put in place before its package stays as it is.
        options = ["Dpkg::Options::=--force-confold"]
        self.apt.get(options, [*apt_commands.INSTALL, *places], f"{names} cannot be installed.")
        self._hold([str(offer["package"]) for offer in debs if offer["package"] in HELD])

    def _unheld(self, done: Sequence[Mapping[str, Any]]) -> list[str]:
        """Packages that are installed, and not held: a run was killed in between, or somebody has released them."""
        names = [str(offer["package"]) for offer in done if offer["package"] in HELD]
        if not names:
            return []
        held = self.apt.run(["apt-mark", "showhold"], "apt-mark does not answer.").split()
        return [name for name in names if name not in held]

    def _hold(self, names: Sequence[str]) -> None:
        if names:
            self.apt.run(["apt-mark", "hold", *names], "the packages cannot be held.")


def broken(name: str, said: str) -> SettingsError:
    """A program of the files that does not run on the host."""
    return SettingsError(
        f"the {name} of {SETTING} does not run here: {said}",
        fix="give one that was built for this machine and system.",
    )
