"""Stage and build the collection alluxops.cache: plugins, and the roles, playbooks and charts beside them.

    python -m tools.build_collection [--output FOLDER]      default build/

In the repository roles, playbooks and charts lie at the root, where people look for them; an installed
collection has them inside.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.repository import COLLECTION, ROOT, files, tool_environment

BESIDE = ("roles", "playbooks", "charts", "LICENSE")


def stage(folder: Path) -> Path:
    """Copy what belongs to the collection into an empty folder; returns it.

    Only files that git knows or would add are copied, so that no cache or secret slips in.
    """
    shutil.rmtree(folder, ignore_errors=True)
    inside = {path: path.relative_to(COLLECTION) for path in files(str(COLLECTION))}
    beside = {path: path.relative_to(ROOT) for path in files(*BESIDE)}
    for source, target in {**inside, **beside}.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / target)
    return folder


def build(output: Path) -> Path:
    """Build the archive into `output` and return its path.

    Raises:
        subprocess.CalledProcessError: ansible-galaxy refused; its message is on standard error.
    """
    output.mkdir(parents=True, exist_ok=True)
    staged = stage(output / "collection")
    command = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(output)]
    done = subprocess.run(
        [*command, str(staged)],
        cwd=ROOT,
        env=tool_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # "Created collection for alluxops.cache at /.../alluxops-cache-0.1.0.tar.gz"
    return Path(done.stdout.strip().rpartition(" at ")[2])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the archive's path; exit code 1 when it could not be built."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "build")
    try:
        print(build(parser.parse_args(arguments).output))
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main())
