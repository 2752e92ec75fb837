"""Fail when a change to what users get brings no changelog fragment."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tools.repository import base_commit, changed_files, git

SHIPPED = ("charts/", "collections/", "lab/", "playbooks/", "roles/", "src/", "site.yml")
FRAGMENTS = "changelogs/fragments/"


def missing_fragment(changed: Iterable[str]) -> list[str]:
    """The shipped files of a change that has no fragment; empty when all is well."""
    names = set(changed)
    if any(name.startswith(FRAGMENTS) for name in names):
        return []
    if "changelogs/changelog.yaml" in names:  # a release turns the fragments into this
        return []
    return sorted(
        name for name in names if name.startswith(SHIPPED) and not name.endswith("README.md")
    )


def main() -> int:
    """Exit code 1 with the fix on standard output when a fragment is missing."""
    base = base_commit()
    if base is None or base == git("rev-parse", "HEAD")[0]:
        return 0  # on main itself a change is seen whole only against where it came from
    shipped = missing_fragment(changed_files(base))
    if not shipped:
        return 0
    print(f"Error: {shipped[0]} and {len(shipped) - 1} more changed since {base}; no fragment.")
    print(f"Fix: say what users notice in {FRAGMENTS}NAME.yml (CONTRIBUTING.md shows one).")
    return 1


if __name__ == "__main__":
    sys.exit(main())
