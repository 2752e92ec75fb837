"""The Jobs that look into journal volumes: started together, asked, and always removed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Self

from ansible_collections.alluxops.cache.plugins.module_utils import explain, journal, journal_job
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.volumes import phase
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end, clean_up
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ExecResult, Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods

CONTAINER: Final = "journal"
FORMAT_TIMEOUT_S: Final = 300
SCRIPT_TIMEOUT_S: Final = 60
ASK_TIMEOUT_S: Final = 120
TROUBLE_GRACE_S: Final = 20
PASSING_GRACE_S: Final = 90
"""Troubles of unknown cause often pass: a node may not see a claim that was just made for a while."""


class JournalJobs:
    """One Job per journal volume. Used as a context: leaving it removes the Jobs.

    nodes: by ordinal, where a master's pod has the volume already.
    """

    def __init__(
        self,
        kube: Kube,
        wanted: journal.Wanted,
        claims: Sequence[Mapping[str, Any]],
        values: Mapping[str, Any],
        nodes: Mapping[int, str] | None = None,
    ) -> None:
        self.kube = kube
        self.namespace = wanted.namespace
        self.release = wanted.release
        self.claims = {int(claim["ordinal"]): claim for claim in claims}
        self.values = values
        self.wanted = wanted
        self._own = OwnPods(
            kube, wanted.namespace, wanted.release, journal_job.TASK, "a look into journal volumes"
        )
        self._folder = journal.journal_folder(values)
        self._nodes = nodes or {}
        self._pods: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        removals = [partial(self._remove, claim) for claim in self.claims.values()]
        clean_up(removals, has_failed=error is not None)

    def _remove(self, claim: Mapping[str, Any]) -> None:
        self.kube.delete(
            objects.jobs(self.namespace, journal_job.job_name(claim["name"])),
            propagation="Background",
        )

    def clear(self, patience: Patience) -> None:
        """Remove the Jobs of an interrupted run, and wait until their pods let go of the volumes."""
        self._own.remove(patience)

    def start(self) -> None:
        """Start the Jobs, all at once."""
        for ordinal, claim in self.claims.items():
            # A shared journal is seen from another master's host by each Job, or sharing it would prove nothing.
            node = self._nodes.get(ordinal, "") or self._seen_from(claim)
            body = journal_job.job(self.wanted, claim, self.values, node)
            self.kube.create(objects.jobs(self.namespace), body)

    def _seen_from(self, claim: Mapping[str, Any]) -> str:
        """The node to look from; "" where the volume itself says where it can be had."""
        if claim.get("provisioned"):
            path = objects.core(self.namespace, "persistentvolumeclaims", str(claim["name"]))
            if phase(self.kube.get(path)) == "Bound":
                return ""
        return str(claim.get("seen_from") or "")

    def states(self, patience: Patience) -> list[journal.Journal]:
        """Wait until each Job has said what lies in its volume."""
        found: dict[int, journal.Journal] = {}
        while True:
            for ordinal, pod in self._job_pods().items():
                name = pod["metadata"]["name"]
                if ordinal in found or not _has_started(pod):
                    continue
                log = self.kube.pod_log(self.namespace, name, CONTAINER, lines=20)
                if journal.STATE_PREFIX in log or _has_ended(pod):
                    self._pods[ordinal] = name
                    found[ordinal] = journal.read_journal(log, self.claims[ordinal], self.wanted)
            missing = [ordinal for ordinal in self.claims if ordinal not in found]
            if not missing:
                return [found[ordinal] for ordinal in sorted(found)]
            self._check_trouble(patience, missing[0])
            patience.pause(f"a look into {len(missing)} journal volumes", 0.25)

    def look_again(self, ordinal: int) -> journal.Journal:
        """What lies in one volume by now."""
        done = self._run(ordinal, journal_job.LOOK)
        return journal.read_journal(done.stdout, self.claims[ordinal], self.wanted)

    def prove_shared(self) -> None:
        """See that all claims lead to one file system: what is written through one is read through the others.

        Raises SettingsError: masters that elect their leader through ZooKeeper need one journal.
        """
        writer, *readers = sorted(self.claims)
        nonce = uuid.uuid4().hex
        with at_the_end(partial(self._run, writer, journal_job.END_PROOF)):
            done = self._run(writer, journal_job.WRITE_PROOF, nonce)
            if done.returncode != 0:
                raise CacheError(
                    f"cannot write to the journal of master {writer}: {done.output.strip()}"
                )
            for ordinal in readers:
                done = self._run(ordinal, journal_job.READ_PROOF, nonce)
                if done.returncode != 0:
                    raise self._not_shared(writer, ordinal, done.stdout.strip())

    def _not_shared(self, writer: int, reader: int, found: str) -> SettingsError:
        first, second = self.claims[writer]["name"], self.claims[reader]["name"]
        instead = "nothing" if found in {"", "nothing"} else "another one"
        return SettingsError(
            f"the masters' journals are not one: a file was written through claim {first}, and through claim {second}"
            f" there is {instead}.",
            "with ZooKeeper the master that takes over reads what the other wrote; from a journal of its own it would"
            " serve other metadata.",
            "set alluxio_journal_shared_path to a directory that is one file system (NFS, CephFS, ...) on every host of"
            " cache_masters; `findmnt -T DIRECTORY` on each tells.",
        )

    def ask_zookeeper(self) -> None:
        """See that a server of the ensemble answers, before masters start that could elect nobody.

        Raises SettingsError, with what came back from each address.
        """
        properties = self.values.get("properties") or {}
        addresses = [
            address.strip()
            for address in str(properties.get("alluxio.zookeeper.address", "")).split(",")
            if address.strip()
        ]
        done = self._run(
            min(self.claims), journal_job.ASK_ZOOKEEPER, *addresses, timeout_s=ASK_TIMEOUT_S
        )
        if done.returncode != 0:
            raise SettingsError(
                f"no server of ZooKeeper answers from a pod in namespace {self.namespace}:\n{done.stdout.strip()}",
                "without an ensemble the masters elect no leader. Nothing was formatted and no master started.",
                "check alluxio_zookeeper_address, the ensemble (`srvr` on its port tells its mode), and that network"
                " policies let pods of this namespace pass.",
            )

    def format(self, ordinal: int, restoring: str = "") -> journal.Journal:
        """Format one journal, mark it and look again. Raises CacheError with what formatJournal said."""
        claim = str(self.claims[ordinal]["name"])
        marker = journal.new_marker(self.wanted, ordinal, datetime.now(UTC), restoring)
        done = self._run(
            ordinal,
            journal_job.FORMAT + journal_job.LOOK,
            marker.encoded(),
            timeout_s=FORMAT_TIMEOUT_S,
        )
        if done.returncode != 0:
            what = f"`alluxio formatJournal` for master {ordinal} (claim {claim}) failed with {done.returncode}:"
            raise CacheError(*explain.failed(what, done.output))
        after = journal.read_journal(done.stdout, self.claims[ordinal], self.wanted)
        if after.state != "formatted" or after.holds:
            raise CacheError(
                f"the journal of master {ordinal} (claim {claim}) is {after.state} after formatting: {after.detail}",
                fix="see journal.folder and the alluxio.master.journal.* properties in the values.",
            )
        return after

    def adopt(self, ordinal: int) -> journal.Journal:
        """Mark a journal that someone else formatted as ours, and look again."""
        return self.mark(ordinal, journal.adopted_marker(self.wanted, ordinal, datetime.now(UTC)))

    def mark(self, ordinal: int, marker: journal.Marker) -> journal.Journal:
        """Write the marker of one journal, and look again."""
        done = self._run(ordinal, journal_job.WRITE_MARKER + journal_job.LOOK, marker.encoded())
        if done.returncode != 0:
            raise CacheError(
                f"cannot write {journal.MARKER} into the journal of master {ordinal}: {done.output.strip()}"
            )
        return journal.read_journal(done.stdout, self.claims[ordinal], self.wanted)

    def _run(
        self, ordinal: int, script: str, *arguments: str, timeout_s: float = SCRIPT_TIMEOUT_S
    ) -> ExecResult:
        """Run a script in a Job's pod; its $1 is the journal's folder."""
        return self.kube.exec(
            self.namespace,
            self._pods[ordinal],
            CONTAINER,
            journal_job.script(script, self._folder, *arguments),
            timeout_s=timeout_s,
        )

    def _job_pods(self) -> dict[int, Json]:
        """The Jobs' pods by ordinal of their master."""
        by_job = {
            journal_job.job_name(claim["name"]): ordinal for ordinal, claim in self.claims.items()
        }
        pods = {}
        for pod in self._own.listed():
            job = (pod["metadata"].get("labels") or {}).get("batch.kubernetes.io/job-name")
            if job in by_job:
                pods[by_job[job]] = pod
        return pods

    def _check_trouble(self, patience: Patience, ordinal: int) -> None:
        """Give up, with the reason, when the limit is reached or when waiting longer cannot help."""
        if patience.waited_s < TROUBLE_GRACE_S and not patience.is_over:
            return
        pod = self._job_pods().get(ordinal)
        claim = self.claims[ordinal]["name"]
        events = self.kube.list_objects(objects.core(self.namespace, "events"))
        trouble = (
            explain.pod_trouble(pod, events)
            if pod
            else explain.set_trouble("Job", journal_job.job_name(claim), events)
        )
        if not patience.is_over and not _is_lasting(trouble, patience.waited_s):
            return
        if trouble is None:
            raise CacheError(
                f"the journal volume of master {ordinal} (claim {claim}) could not be looked into within"
                f" {patience.timeout_s:.0f} s.",
                fix=f"see `kubectl -n {self.namespace} describe job {journal_job.job_name(claim)}`.",
            )
        log = self.kube.pod_log(self.namespace, trouble.pod, CONTAINER, lines=30) if pod else ""
        raise CacheError(*explain.explain(trouble, log, patience.waited_s, self.namespace))


def _is_lasting(trouble: explain.Trouble | None, waited_s: float) -> bool:
    """Whether a trouble is one that waiting does not cure."""
    if trouble is None:
        return False
    known = trouble.hopeless or explain.known_cause([trouble.message]) is not None
    return known or waited_s >= PASSING_GRACE_S


def _has_started(pod: Json) -> bool:
    states = pod.get("status", {}).get("containerStatuses") or []
    return any("running" in item["state"] or "terminated" in item["state"] for item in states)


def _has_ended(pod: Json) -> bool:
    states = pod.get("status", {}).get("containerStatuses") or []
    return any("terminated" in item["state"] for item in states)
