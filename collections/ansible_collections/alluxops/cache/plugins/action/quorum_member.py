"""Bring one master into the quorum of an embedded journal, out of it, or to lead it."""

from __future__ import annotations

from typing import Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.action.cache_wait import TroubleWatch
from ansible_collections.alluxops.cache.plugins.module_utils import quorum
from ansible_collections.alluxops.cache.plugins.module_utils.cluster import MASTER_ROLE
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters

RETRY_EVERY_S: Final = 2.0
FIRST: Final = 0
"""The master that always stays."""


class ActionModule(ApiAction):
    """alluxops.cache.quorum_member."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Do what the state asks."""
        masters = Masters(kube, options["namespace"], options["release"])
        patience = Patience(options["wait_timeout_s"])
        ordinal, state = options["ordinal"], options["state"]
        if self.check_mode:
            return {"changed": state != "present", "quorum": {}}
        if state == "present":
            return self._wait(kube, masters, ordinal, patience)
        if state == "leader":
            return self._lead(masters, ordinal, patience)
        stay = ordinal if options["masters"] is None else options["masters"]
        return self._remove(masters, ordinal, stay, patience)

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

    def _lead(self, masters: Masters, ordinal: int, patience: Patience) -> Result:
        """Move the leader. A transfer may fail when the member is a little behind, so it is tried until it is done."""
        found = before = masters.led(patience)
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
            found = masters.led(patience)
        return {"changed": before.leading != ordinal, "quorum": quorum.as_dict(found)}

    def _remove(self, masters: Masters, ordinal: int, stay: int, patience: Patience) -> Result:
        """Take the master out of both quorums, the job masters' first: they hold no state."""
        found = self._spared(masters, ordinal, stay, patience)
        if found.leading == ordinal:
            # The plan has moved the leader, but another election may have come between.
            self._lead(masters, FIRST, patience)
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
            found = self._spared(masters, ordinal, stay, patience)
        return {"changed": changed, "quorum": quorum.as_dict(found)}

    def _spared(
        self, masters: Masters, ordinal: int, stay: int, patience: Patience
    ) -> quorum.Quorum:
        """The quorum, once it can do without the master. The plan has seen that, but a member may have died since."""
        while True:
            found = masters.led(patience)
            awaited = quorum.hinders_leave(found, ordinal, stay)
            if not awaited:
                return found
            name = masters.pod(ordinal)
            if patience.is_over:
                raise CacheError(
                    f"{name} stays in the quorum: {quorum.silent(awaited)} after {patience.waited_s:.0f} s"
                    f" ({quorum.shown(found)}).",
                    "without it the cache would stop, or with the next loss.",
                    f"see `kubectl -n {masters.namespace} get pods -l role={MASTER_ROLE}` and their logs, bring"
                    f" {quorum.names(awaited)} back, and run again.",
                )
            who = f"{quorum.names(awaited)} to answer, before {name} leaves"
            patience.pause(f"{who} ({quorum.shown(found)})", RETRY_EVERY_S)

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
