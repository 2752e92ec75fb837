"""The journal survives what people do to it: restarts, upgrades by hand, lost markers, wrong volumes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.cache_under_test import NAMESPACE, Cache, Outcome
from tests.integration.lab_under_test import ROOT, RunningLab

pytestmark = pytest.mark.long

MASTER = "alluxio-master-0"
VOLUME = "/mnt/fuse3/alluxio/alluxio/journal"
MARKER = f"{VOLUME}/.alluxops.json"
RESTARTS = 10
SAFE_MODE_TRIES = 60


class Journal:
    """The journal of the single master of release `alluxio`: its volume on the node, and what the cache knows by it."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lab = cache.lab
        [claim] = [
            volume
            for volume in self.lab.objects("pv", "-l", "release=alluxio")
            if "journal" in volume["spec"]["claimRef"]["name"]
        ]
        terms = claim["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        self.node = str(terms[0]["matchExpressions"][0]["values"][0])

    def alluxio(self, *argv: str) -> str:
        """One `alluxio` command that must succeed, in the master's container, once a new master leaves safe mode."""
        container = ("-n", NAMESPACE, MASTER, "-c", "alluxio-master", "--")
        for _ in range(SAFE_MODE_TRIES):
            try:
                return self.lab.kubectl("exec", *container, "alluxio", *argv)
            except AssertionError as error:
                if "safe mode" not in str(error):
                    raise
            time.sleep(1)
        raise AssertionError(f"{MASTER} stays in safe mode")

    def make_tree(self) -> None:
        """Files, a mount, a pin and a TTL: what a formatted journal would lose."""
        through = "-Dalluxio.user.file.writetype.default=CACHE_THROUGH"
        where = ("-n", NAMESPACE, MASTER, "-c", "alluxio-master", "--")
        script = f"""
            set -e
            alluxio fs {through} mkdir /tree/deep/er
            alluxio fs {through} copyFromLocal /opt/alluxio/conf/log4j.properties /tree/file
            alluxio fs pin /tree/file
            alluxio fs setTtl --action free /tree/file 864000000
            alluxio fs mount --readonly /mounted /opt/alluxio/conf
        """
        self.lab.kubectl("exec", *where, "bash", "-c", script)

    def tree(self) -> str:
        """Every entry with its times, owner and mode, the pins, and the mounts."""
        # How much of a file the workers hold is theirs to know. The bucket may hold other tests' files.
        listed = "".join(self.alluxio("fs", "ls", "-R", top) for top in ("/tree", "/mounted"))
        entries = sorted(
            " ".join(line.split()) for line in re.sub(r"\d+%", "", listed).splitlines()
        )
        status = self.alluxio("fs", "stat", "/tree/file")
        kept = re.findall(r"\b(?:ttl|ttlAction|pinned|fileId)=[^,}]+", status)
        return "\n".join([*entries, *self.mounts(), *kept])

    def mounts(self) -> list[str]:
        """The mount table: `URI on PATH` of each."""
        found = re.findall(r"^(\S+)\s+on\s+(\S+)", self.alluxio("fs", "mount"), re.MULTILINE)
        return sorted(f"{uri} on {path}" for uri, path in found)

    def marker(self) -> dict[str, Any]:
        """The marker in the volume."""
        found: dict[str, Any] = json.loads(self.lab.on_node(self.node, f"cat {MARKER}"))
        return found

    def forget(self) -> None:
        """Make the claim forget the journal in its volume: what lies there counts as it is then."""
        claim = f"pvc/alluxio-journal-{MASTER}"
        self.lab.kubectl("annotate", "-n", NAMESPACE, claim, "alluxops.io/holds-journal-")

    def on_node(self, script: str) -> str:
        return self.lab.on_node(self.node, script)

    def take_down(self) -> None:
        """`helm uninstall`, which leaves claims and volumes; the journal's Jobs have the volume to themselves."""
        self.cache.uninstall()
        self.lab.kubectl("wait", "--for=delete", "-n", NAMESPACE, f"pod/{MASTER}", "--timeout=120s")

    def refused(self, **settings: Any) -> str:
        """What site says when it refuses, having changed nothing in the volume."""
        before = self.on_node(f"find {VOLUME} -type f -exec cksum {{}} + | sort")
        outcome = site(self.cache, **settings)
        assert outcome.code == 2, outcome.output
        assert "Fix: " in outcome.output
        assert self.on_node(f"find {VOLUME} -type f -exec cksum {{}} + | sort") == before
        jobs = self.lab.objects("jobs", "-n", NAMESPACE, "-l", "alluxops/task=journal")
        assert [job for job in jobs if "deletionTimestamp" not in job["metadata"]] == []
        return outcome.output


def site(cache: Cache, **settings: Any) -> Outcome:
    """`alluxops site` without the proofs, which other tests run."""
    return cache.verb("site", **{"verify_tests": False, **settings})


@pytest.fixture(scope="module")
def cache(lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    """A cache that was deployed by site just now."""
    cache = Cache(lab, tmp_path_factory.mktemp("journal"))
    remove(cache)
    outcome = site(cache)
    assert outcome.code == 0, outcome.output
    yield cache
    remove(cache)


def remove(cache: Cache) -> None:
    """Take the release and its data away, those in the bucket too."""
    cache.remove()
    lab = cache.lab
    for key in keys(lab):
        if key.startswith(("tree/", "alluxio_backups/alluxio/")):
            lab.s3().delete_object(Bucket="datasets", Key=key)


def keys(lab: RunningLab) -> list[str]:
    """What lies in the bucket."""
    found = lab.s3().list_objects_v2(Bucket="datasets").get("Contents", [])
    return [str(item["Key"]) for item in found]


def backups(lab: RunningLab) -> set[str]:
    """Keys of the release's backups in the bucket."""
    found = {key for key in keys(lab) if key.startswith("alluxio_backups/alluxio/")}
    return {key for key in found if key.endswith(".gz")}


def without_the_pins_time(tree: str) -> str:
    """A tree without the time of its pinned file: what Alluxio unpins and alluxops pins again was modified by both."""
    return re.sub(r"(?m)^(-\S+ .*) \d\d-\d\d-\d{4} [\d:]{12}(?= /tree/file$)", r"\1", tree)


@pytest.fixture(scope="module")
def journal(cache: Cache) -> Journal:
    found = Journal(cache)
    found.make_tree()
    return found


@pytest.fixture(scope="module")
def tree(journal: Journal) -> str:
    """The tree as it was made."""
    tree = journal.tree()
    assert "/tree/deep/er" in tree
    assert "pinned=true" in tree
    return tree


@pytest.fixture(scope="module")
def taken_down(journal: Journal, tree: str) -> Journal:
    """The same journal without a release on it."""
    del tree
    journal.take_down()
    return journal


def test_a_first_run_marks_the_journal(journal: Journal) -> None:
    marker = journal.marker()
    assert (marker["namespace"], marker["release"]) == (NAMESPACE, "alluxio")
    assert (marker["ordinal"], marker["journal_type"], marker["served"]) == (0, "UFS", True)
    assert re.fullmatch(r"\d+\.\d+\.\d+", marker["version"])
    assert "adopted_at" not in marker


def test_an_upgrade_by_hand_with_the_guides_run_format_and_ten_restarts_lose_nothing(
    journal: Journal, tree: str
) -> None:
    lab = journal.lab
    lab.run(
        *("helm", "upgrade", "alluxio", str(ROOT / "charts/alluxio"), "-n", NAMESPACE),
        *("--reuse-values", "--set", "journal.format.runFormat=true"),
    )
    rollout = ("rollout", "status", "statefulset/alluxio-master", "-n", NAMESPACE)
    lab.kubectl(*rollout, "--timeout=180s", timeout_s=200)
    pod = lab.objects("pods", "-n", NAMESPACE, "-l", "role=alluxio-master")[0]
    assert [item["name"] for item in pod["spec"]["initContainers"]] == ["journal-format"]
    for _ in range(RESTARTS):
        lab.kubectl("delete", "pod", "-n", NAMESPACE, MASTER)
        lab.kubectl("wait", "--for=create", "-n", NAMESPACE, f"pod/{MASTER}", "--timeout=60s")
        ready = ("wait", "--for=condition=Ready", "-n", NAMESPACE, f"pod/{MASTER}")
        lab.kubectl(*ready, "--timeout=180s", timeout_s=200)
    assert journal.tree() == tree


def test_an_upgrade_by_hand_to_three_masters_is_refused_by_the_chart(journal: Journal) -> None:
    said = journal.lab.run(
        *("helm", "upgrade", "alluxio", str(ROOT / "charts/alluxio"), "-n", NAMESPACE),
        *("--reuse-values", "--set", "master.count=3,journal.type=EMBEDDED"),
        check=False,
    )
    assert "master.count is 3 and 1 run" in said
    assert "journal.type is EMBEDDED and the running masters have a journal of type UFS" in said
    [masters] = journal.lab.objects("statefulsets", "-n", NAMESPACE, "-l", "role=alluxio-master")
    assert masters["spec"]["replicas"] == 1


def test_force_without_confirmation_is_refused(cache: Cache, tree: str) -> None:
    del tree
    outcome = site(cache, alluxio_journal_format="force")
    assert outcome.code == 2, outcome.output
    assert "alluxio_confirm_format" in outcome.output


def test_force_is_refused_where_no_master_can_take_a_backup(taken_down: Journal) -> None:
    said = taken_down.refused(alluxio_journal_format="force", alluxio_confirm_format="alluxio")
    assert "no master serves" in said
    assert "alluxio_confirm_purge=alluxio" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"release": "elsewhere"}, "release elsewhere", id="another release"),
        pytest.param({"version": "9.0.0"}, "alluxops rollback", id="a newer Alluxio"),
        pytest.param(
            {"restoring": "/x.gz", "served": False},
            "did not end",
            id="a restore that was interrupted",
        ),
    ],
)
def test_the_marker_is_heeded(taken_down: Journal, change: dict[str, Any], said: str) -> None:
    marker = taken_down.marker()
    taken_down.on_node(f"echo '{json.dumps({**marker, **change})}' > {MARKER}")
    assert said in taken_down.refused()
    taken_down.on_node(f"echo '{json.dumps(marker)}' > {MARKER}")


def test_the_older_of_two_types_of_journal_is_not_started_on(taken_down: Journal) -> None:
    marker = taken_down.marker()
    raft = f"{VOLUME}/raft/02511d47-d67c-49a3-9011-abb3109a44c1/current"
    taken_down.on_node(
        f"install -d -m 750 -o 1000 -g 1000 {VOLUME}/raft {raft.rpartition('/')[0]} {raft};"
        f" install -m 640 -o 1000 -g 1000 /dev/null {raft}/log_inprogress_0"
    )
    newer = json.dumps({**marker, "journal_type": "EMBEDDED"})
    taken_down.on_node(f"echo '{newer}' > {MARKER}")
    assert "holds its metadata as type EMBEDDED" in taken_down.refused()
    taken_down.on_node(f"rm -r {VOLUME}/raft; echo '{json.dumps(marker)}' > {MARKER}")


def test_never_and_a_journal_that_vanished_stop_the_run(taken_down: Journal) -> None:
    aside = f"{VOLUME}-aside"
    # The directory as node_storage makes it: a run that has to change it first does not end with 2.
    taken_down.on_node(f"mv {VOLUME} {aside} && install -d -m 2770 -o 1000 -g 1000 {VOLUME}")
    taken_down.forget()  # else it is refused for that, whatever the policy: tests/integration/test_journal_lost.py
    try:
        said = taken_down.refused(alluxio_journal_format="never")
        assert "alluxio_journal_format is never" in said
        taken_down.on_node(f"cp -p {aside}/.alluxops.json {VOLUME}/")
        assert "is gone" in taken_down.refused()
    finally:
        taken_down.on_node(f"rm -rf {VOLUME} && mv {aside} {VOLUME}")


def test_a_journal_without_a_marker_is_adopted_with_all_it_holds(
    taken_down: Journal, tree: str
) -> None:
    taken_down.forget()
    taken_down.on_node(f"rm {MARKER}")
    outcome = site(taken_down.cache)
    assert outcome.code == 0, outcome.output
    assert taken_down.tree() == tree
    marker = taken_down.marker()
    assert marker["adopted_at"]
    assert "formatted_at" not in marker


def test_force_takes_a_backup_first_that_brings_everything_back(
    journal: Journal, tree: str
) -> None:
    serving = site(journal.cache)
    assert serving.code == 0, serving.output
    before = backups(journal.lab)
    outcome = site(journal.cache, alluxio_journal_format="force", alluxio_confirm_format="alluxio")
    assert outcome.code == 0, outcome.output
    assert [mount.partition(" on ")[2] for mount in journal.mounts()] == ["/"]
    assert journal.marker()["formatted_at"]
    (made,) = backups(journal.lab) - before

    journal.cache.remove()  # nothing is restored over a journal that holds something
    given = {"restore_from": f"s3://datasets/{made}", "alluxio_confirm_restore": "alluxio"}
    journal.cache.apply("restore", verify_tests=False, **given)
    assert without_the_pins_time(journal.tree()) == without_the_pins_time(tree)
