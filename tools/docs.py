"""Build the site: the runbooks in docs/, a page a role and a page a module.

python -m tools.docs build [--quiet]     into site/
python -m tools.docs lint-modules        check the modules' documentation
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tools import module_docs, role_readme
from tools.repository import COLLECTION, ROOT, tool_environment
from tools.role_specs import load_role, public_options, role_folders

STAGED = ROOT / "build" / "docs"


def _write(folder: Path, pages: dict[str, str]) -> list[dict[str, str]]:
    """Write pages (title -> Markdown) as files named after their last part; return their nav."""
    folder.mkdir(parents=True, exist_ok=True)
    for title, text in pages.items():
        (folder / f"{title.rpartition('.')[2]}.md").write_text(text, encoding="utf-8")
    names = [title.rpartition(".")[2] for title in pages]
    return [{name: f"{folder.relative_to(STAGED).as_posix()}/{name}.md"} for name in names]


def _role_pages() -> dict[str, str]:
    public = public_options()
    return {
        folder.name: role_readme.render(load_role(folder), public).replace(
            "../settings/README.md", "settings.md"
        )
        for folder in role_folders()
    }


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def stage() -> Path:
    """Put every page into build/docs and write the configuration that builds them; return its path.

    Raises:
        ValueError: a module's documentation cannot be read.
    """
    shutil.rmtree(STAGED, ignore_errors=True)
    shutil.copytree(ROOT / "docs", STAGED)
    runbooks = sorted((STAGED / "runbooks").glob("*.md"))
    documented = module_docs.read_docs(module_docs.module_names())
    modules = {name: module_docs.render(name, documented[name]) for name in sorted(documented)}
    nav: list[dict[str, object]] = [
        {"Start": "index.md"},
        {"Runbooks": [{_title(page): f"runbooks/{page.name}"} for page in runbooks]},
        {"Roles": _write(STAGED / "roles", _role_pages())},
        {"Modules": _write(STAGED / "modules", modules)},
    ]
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= {
        "docs_dir": str(STAGED),
        "site_dir": str(ROOT / "site"),
        "nav": [part for part in nav if all(part.values())],
    }
    path = STAGED.with_suffix(".yml")
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return path


def _run(*command: str) -> int:
    return subprocess.run(command, cwd=ROOT, env=tool_environment(), check=False).returncode


def build(*, quiet: bool) -> int:
    """Build the site; broken links and unlisted pages are failures. Returns mkdocs' exit code."""
    command = ["mkdocs", "build", "--clean", "--config-file", str(stage())]
    return _run(*command, *(["--quiet"] if quiet else []))


def lint_modules() -> int:
    """Check the modules' documentation against Ansible's schema; returns the linter's exit code."""
    options = ["--plugin-docs", "--skip-rstcheck", "--validate-collection-refs=self"]
    command = ["antsibull-docs", "lint-collection-docs", *options, str(COLLECTION)]
    return _run(*command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the tool that did the work, 1 where a page could not be made."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("verb", choices=["build", "lint-modules"])
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args(arguments)
    if options.verb == "lint-modules":
        return lint_modules()
    try:
        return build(quiet=options.quiet)
    except (ValueError, TypeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
