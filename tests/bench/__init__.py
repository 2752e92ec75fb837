"""Ratio benches: two ways to the same end, in one run on one machine, so that the machine's speed falls out."""

import sys
from pathlib import Path

# Where the collection is found that topics take names from: pytest has it in its settings, `python -m` has not.
sys.path.append(str(Path(__file__).parents[2] / "collections"))
