"""`check` of all content against `alluxio fs checksum`, one command a file, of which some are run; then `repair`."""

from __future__ import annotations

from typing import Any

from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, hand, in_master, run, seconds_of
from tests.integration.lab_under_test import RunningLab

BUCKET = "bench-check"
FILES = 10_000
BY_HAND = 50
"""Files that are read by hand; all of them would take hours."""
CHANGED = 100
"""Objects that are written anew beside the cache, for `repair`."""
SETS = [{"name": "check", "path": "/bench-check", "ufs": f"s3://{BUCKET}/", "load": True}]
ASKED: dict[str, Any] = {
    "alluxio_datasets": SETS,
    "check_paths": ["/bench-check"],
    "check_content": "all",
}
MENDED: dict[str, Any] = {
    "alluxio_datasets": SETS,
    "repair_paths": ["/bench-check"],
    "repair_content": "all",
}
_ONE = "for n in $(seq -f %05g 0 {last}); do alluxio fs checksum /bench-check/part/$n; done > /dev/null"


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Both in one run, over the same files, cached. Ours compares names, sizes and hashes too, from start to end."""
    client = RunningLab(options.lab).s3()
    if BUCKET not in [item["Name"] for item in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    for number in range(FILES):
        client.put_object(Bucket=BUCKET, Key=f"part/{number:05d}", Body=b"%d " % number * 128)
    fresh(lab)
    seconds_of(lab, "datasets", alluxio_datasets=SETS)
    ours, theirs, mended = [], [], []
    for turn in range(options.rounds):
        script = _ONE.format(last=BY_HAND - 1)
        theirs.append(hand(lab, f"checksum of {BY_HAND} files", in_master(script)))
        ours.append(run(lab, "playbooks/check.yml", must_change=False, **ASKED).seconds)
        for number in range(CHANGED):
            body = b"%d %d " % (turn, number) * 128
            client.put_object(Bucket=BUCKET, Key=f"part/{number:05d}", Body=body)
        mended.append(seconds_of(lab, "repair", **MENDED))
    whole = tuple(seconds * FILES / BY_HAND for seconds in theirs)
    return [
        Measure(
            f"check, content of {FILES} files",
            "s",
            tuple(ours),
            f"alluxio fs checksum, from {BY_HAND} files",
            whole,
            ratio_limit=0.01,
        ),
        Measure(f"repair, {CHANGED} of {FILES} files changed", "s", tuple(mended), NO_WAY_BY_HAND),
    ]
