"""`python -m lab.artifacts NAME...` builds artifacts and prints where they are."""

from __future__ import annotations

import sys

from lab.artifacts import ensure
from lab.errors import LabError
from lab.progress import Reporter


def main(names: list[str]) -> int:
    """Build and print `NAME PATH` lines; 1 when something failed."""
    try:
        for name, path in ensure(names, Reporter()).items():
            print(f"{name} {path}")
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
