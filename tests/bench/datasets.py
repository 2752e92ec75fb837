"""`datasets` against Alluxio's own commands: small files mounted, pinned and loaded; then a run with nothing to do."""

from __future__ import annotations

from tests.bench.by_hand import Lab
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import NO_WAY_BY_HAND, fresh, hand, in_master, run, seconds_of
from tests.integration.lab_under_test import RunningLab

BUCKET = "bench-datasets"
FILES = 500
SETS = [
    {"name": "bench", "path": "/bench-set", "ufs": f"s3://{BUCKET}/", "load": True, "pin": True}
]
_BY_HAND = (
    f"alluxio fs mount --readonly /bench-set s3://{BUCKET}/ && alluxio fs ls -R /bench-set > /dev/null"
    " && alluxio fs pin /bench-set && alluxio fs load /bench-set > /dev/null"
)
_UNMOUNT = "alluxio fs unmount /bench-set"


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Each round begins with nothing mounted. By hand nothing is checked before and nothing is read after."""
    client = RunningLab(options.lab).s3()
    if BUCKET not in [item["Name"] for item in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    for number in range(FILES):
        client.put_object(Bucket=BUCKET, Key=f"part/{number:04d}", Body=b"x" * 1024)
    fresh(lab)
    ours, theirs, idle = [], [], []
    for _ in range(options.rounds):
        theirs.append(hand(lab, "datasets", in_master(_BY_HAND)))
        lab.run(*in_master(_UNMOUNT))
        ours.append(seconds_of(lab, "datasets", alluxio_datasets=SETS))
        again = run(lab, "playbooks/datasets.yml", must_change=False, alluxio_datasets=SETS)
        idle.append(again.seconds)
        lab.run(*in_master(_UNMOUNT))
    return [
        Measure("datasets, 500 files", "s", tuple(ours), "alluxio fs", tuple(theirs)),
        Measure("datasets, no change", "s", tuple(idle), NO_WAY_BY_HAND),
    ]
