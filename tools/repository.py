"""The repository as git sees it: its files, and which of them a change touches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = ROOT / "collections" / "ansible_collections" / "alluxops" / "cache"


def git(*arguments: str) -> list[str]:
    """Run git in the repository and return its NUL- or line-separated answer as a list.

    Raises:
        subprocess.CalledProcessError: git refused; its message stands in `stderr`.
    """
    answer = subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [part for part in answer.replace("\0", "\n").splitlines() if part]


def tool_environment(**more: str) -> dict[str, str]:
    """The environment for the tools of .venv: they come first on PATH; `more` is set over it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, **more}


def files(*patterns: str) -> list[Path]:
    """Every file that is tracked, or new and not ignored, as absolute paths; links are left out."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
    paths = (ROOT / name for name in sorted(set(names)))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def relative(path: Path) -> str:
    """`path` as it is written in messages: from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def base_commit() -> str | None:
    """The commit that the present change starts from; None in a repository without commits.

    It is `ALLUXOPS_BASE`, else where the branch left origin's main, else where it left main.
    On main itself that is HEAD: the change is then what is not committed yet.
    """
    for candidate in (os.environ.get("ALLUXOPS_BASE"), "origin/main", "main", "HEAD"):
        if not candidate:
            continue
        try:
            return git("merge-base", "HEAD", candidate)[0]
        except subprocess.CalledProcessError:
            continue
    return None


def changed_files(base: str) -> set[str]:
    """Paths (from the root) that differ between `base` and the work tree, new files included."""
    differing = git("diff", "--name-only", "-z", base)
    new = git("ls-files", "-z", "--others", "--exclude-standard")
    return {*differing, *new}
