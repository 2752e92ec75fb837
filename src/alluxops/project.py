"""Where the playbooks are: the repository that this package belongs to, or the installed collection.

The wrapper works from any directory, so nothing here looks at the current one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alluxops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLLECTION = "alluxops.cache"
DEFAULT_COLLECTION_PATHS = ("~/.ansible/collections", "/usr/share/ansible/collections")


@dataclass(frozen=True)
class Project:
    """The playbooks and how Ansible finds what they need.

    root is the repository's root, or the directory of the installed collection (.../alluxops/cache).
    """

    kind: Literal["repository", "collection"]
    root: Path

    def playbook(self, verb: str) -> str:
        """What ansible-playbook is given for a verb: a path, or the playbook's full name in the collection.

        Raises UsageError when there is no such playbook.
        """
        stem = verb.replace("-", "_")
        path = self.root / "playbooks" / f"{stem}.yml"
        if not path.is_file():
            raise UsageError(
                f"The playbook of `{verb}` is missing: {path}.",
                cause=f"This {self.kind} is incomplete or older than the alluxops command.",
                fix="Check out or install both from the same release.",
            )
        return str(path) if self.kind == "repository" else f"{COLLECTION}.{stem}"

    @property
    def ansible_cfg(self) -> Path | None:
        """The repository's ansible.cfg; an installed collection has none."""
        path = self.root / "ansible.cfg"
        return path if self.kind == "repository" and path.is_file() else None


def is_repository(root: Path) -> bool:
    """True where root holds the playbooks and the collection's sources."""
    collection = root / "collections" / "ansible_collections" / "alluxops" / "cache"
    return (root / "playbooks").is_dir() and collection.is_dir()


def collection_paths(environ: Mapping[str, str], site_packages: Iterable[Path]) -> list[Path]:
    """Where an installed alluxops.cache may lie: configured, else the defaults; then beside the ansible package."""
    configured = environ.get("ANSIBLE_COLLECTIONS_PATH", "")
    bases = configured.split(":") if configured else list(DEFAULT_COLLECTION_PATHS)
    found = [Path(base).expanduser() for base in bases if base]
    return [
        (base if base.name == "ansible_collections" else base / "ansible_collections")
        / "alluxops"
        / "cache"
        for base in [*found, *site_packages]
    ]


def find_project(
    package: Path, environ: Mapping[str, str], site_packages: Iterable[Path] = ()
) -> Project:
    """The project that the package directory belongs to: its own repository first, else the installed collection.

    Raises UsageError when there is neither.
    """
    for parent in package.resolve().parents:
        if is_repository(parent):
            return Project("repository", parent)
    candidates = collection_paths(environ, site_packages)
    for root in candidates:
        if (root / "playbooks").is_dir():
            return Project("collection", root)
    looked = ", ".join(str(root.parents[1]) for root in candidates)
    raise UsageError(
        f"The collection {COLLECTION} is not installed (looked in {looked}).",
        fix=f"Run `ansible-galaxy collection install {COLLECTION}`, or use the repository's .venv/bin/alluxops.",
    )
