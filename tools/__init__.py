"""What builds, checks and tests this repository; run from its root as `python -m tools.NAME`."""
