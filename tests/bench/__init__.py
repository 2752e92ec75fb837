"""Ratio benches: two ways to the same end, in one run on one machine, so that the machine's speed falls out."""
