"""`python -m alluxops`."""

from __future__ import annotations

from alluxops.cli import main

main()
