"""Bring one master into the quorum of an embedded journal, out of it, or to lead it."""

from __future__ import annotations

from typing import Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.action.cache_wait import TroubleWatch
from ansible_collections.alluxops.cache.plugins.module_utils import quorum
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import MASTER_ROLE
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import JournalJobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

RETRY_EVERY_S: Final = 2.0


class ActionModule(ApiAction):
    """alluxops.cache.quorum_member."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Do what the state asks."""
        masters = Masters(kube, options["namespace"], options["release"])
        patience = Patience(options["wait_timeout_s"])
        ordinal, state = options["ordinal"], options["state"]
        if self.check_mode:
            return {"changed": state != "present", "quorum": {}}
        if state == "formatted":
            return self._format(kube, masters, options, patience)
        if state == "present":
            return self._wait(kube, masters, ordinal, patience)
        if state == "leader":
            return self._lead(masters, ordinal, patience)
        return self._remove(masters, ordinal, patience)

    def _wait(self, kube: Kube, masters: Masters, ordinal: int, patience: Patience) -> Result:
        """Wait until it takes part, or say why it does not."""
        watch = TroubleWatch(kube, masters.namespace, masters.release)
        while True:
            raw = [
                pod
                for pod in objects.raw_pods(kube, masters.namespace, masters.release)
                if pod["metadata"]["labels"].get("role") == MASTER_ROLE
            ]
            seen = objects.look(kube, masters.namespace, masters.release, raw)
            missing, found = masters.awaited(ordinal, seen)
            if not missing and found is not None:
                return {"changed": False, "quorum": quorum.as_dict(found)}
            watch.check(raw, seen, patience)
            if patience.is_over:
                raise watch.timeout([missing], patience)
            patience.pause(missing + watch.last_reason, 1.0)

    def _format(self, kube: Kube, masters: Masters, options: Options, patience: Patience) -> Result:
        """Empty the journal volume of a master that has no part in the quorum, for it to join with."""
        ordinal = options["ordinal"]
        seen = masters.look()
        found = _read(masters, patience)
        name = masters.pod(ordinal)
        if ordinal in found.ordinals or any(pod["name"] == name for pod in seen.pods):
            raise SettingsError(
                f"{name} is a member of the quorum, or runs: its journal is not formatted.",
                "A member that forgets what it has voted for can make the others lose what they agreed on.",
                "run `alluxops scale-masters` again: its plan begins with what runs now.",
            )
        claims = [
            claim
            for claim in options["claims"]
            if claim["kind"] == "journal" and claim["ordinal"] == ordinal
        ]
        if not claims:
            return {"changed": False, "quorum": quorum.as_dict(found)}
        with JournalJobs(
            kube, options["namespace"], options["release"], claims, options["values"]
        ) as jobs:
            jobs.clear(patience)
            jobs.start()
            before = jobs.states(patience)[0]
            if before.state in {"absent", "foreign", "other", "unreadable"}:
                raise CacheError(
                    f"the journal volume of {name} (claim {before.claim}) is {before.state}: {before.detail}.",
                    fix="see the volume's directory on its node; it holds nothing but a master's journal.",
                )
            after = jobs.format(ordinal)
        was = "empty" if before.state == "empty" else "a stale copy"
        return {
            "changed": True,
            "quorum": quorum.as_dict(found),
            "diff": {"before": f"{before.claim}: {was}\n", "after": f"{after.claim}: formatted\n"},
        }

    def _lead(self, masters: Masters, ordinal: int, patience: Patience) -> Result:
        """Move the leader. A transfer may fail when the member is a little behind, so it is tried until it is done."""
        found = before = _read(masters, patience)
        while found.leading != ordinal:
            member = _member(found, ordinal)
            if member is None:
                raise CacheError(f"{masters.pod(ordinal)} is not in the quorum, so it cannot lead.")
            patience.pause(f"{masters.pod(ordinal)} to lead", 0)
            seen = masters.look()
            try:
                if seen.leader is not None:
                    masters.elect(member, seen.leader.pod)
            except CacheError as error:
                if patience.is_over:
                    raise
                Display().display(f"again: {error.cause or error.what}")
            found = _read(masters, patience)
        return {"changed": before.leading != ordinal, "quorum": quorum.as_dict(found)}

    def _remove(self, masters: Masters, ordinal: int, patience: Patience) -> Result:
        """Take the master out of both quorums, the job masters' first: they hold no state."""
        found = _read(masters, patience)
        if found.leading == ordinal:
            raise CacheError(
                f"{masters.pod(ordinal)} leads the quorum, so it is not removed.",
                fix="run `alluxops scale-masters` again: it moves the leader first.",
            )
        changed = self._remove_job_master(masters, ordinal)
        while (member := _member(found, ordinal)) is not None:
            seen = masters.look()
            if seen.leader is not None:
                try:
                    masters.remove(member, quorum.MASTER, seen.leader.pod)
                    changed = True
                except CacheError:
                    if patience.is_over:
                        raise
            patience.pause(f"{masters.pod(ordinal)} to leave the quorum", RETRY_EVERY_S)
            found = _read(masters, patience)
        return {"changed": changed, "quorum": quorum.as_dict(found)}

    def _remove_job_master(self, masters: Masters, ordinal: int) -> bool:
        """Take the job master out of its quorum, where that one has a leader to ask."""
        seen = masters.look()
        if seen.leader is None:
            return False
        try:
            jobs = masters.read(seen.leader.pod, quorum.JOB_MASTER)
            member = _member(jobs, ordinal)
            if member is not None:
                masters.remove(member, quorum.JOB_MASTER, seen.leader.pod)
        except CacheError as error:
            # Job masters keep nothing: they make a new quorum when the last of them is restarted.
            Display().display(
                f"the job masters' quorum stays as it is: {error.cause or error.what}"
            )
            return False
        return member is not None


def _member(found: quorum.Quorum, ordinal: int) -> quorum.Member | None:
    return next((member for member in found.members if member.ordinal == ordinal), None)


def _read(masters: Masters, patience: Patience) -> quorum.Quorum:
    """The quorum, waiting for a leader."""
    while True:
        found = masters.current()
        if found is not None:
            return found
        if patience.is_over:
            raise CacheError(
                f"no master of {masters.namespace}/{masters.release} leads after {patience.waited_s:.0f} s.",
                fix=f"see `kubectl -n {masters.namespace} get pods -l role=alluxio-master` and their logs; run again.",
            )
        patience.pause("a master to lead", 1.0)
