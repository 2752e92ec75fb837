"""Take the lease that says: one run at a time against a release."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import NamedTuple

from ansible_collections.alluxops.cache.plugins.module_utils import lease
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import detached
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import kubeconfig_path
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import (
    ApiError,
    Json,
    Kube,
)

TRIES = 4


class ActionModule(ApiAction):
    """present takes it, checked and noted only look, absent gives it back. A dead run holds nothing."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Raises SettingsError beside a living run. Taking a lease is no change."""
        me = lease.here(os.getppid())  # the worker's parent: ansible-playbook itself
        claim = _Claim(kube, options["namespace"], f"alluxops-{options['release']}", me)
        if options["state"] == "absent":
            claim.release(dry=self.check_mode)
            return {"changed": False, "holder": "", "held_by": ""}
        if options["state"] == "noted":
            return {"changed": False, "holder": me.text, "held_by": claim.look().held_by}
        looks_only = self.check_mode or options["state"] == "checked"
        if looks_only:
            claim.look_for_room()
            return {"changed": False, "holder": me.text, "held_by": ""}
        turn = claim.take()
        if turn:
            order = {"path": claim.path, "holder": asdict(me), "turn": turn}
            detached.start("lease_renewer", kubeconfig_path(options["kubeconfig"]), order)
        return {"changed": False, "holder": me.text, "held_by": ""}


class _Look(NamedTuple):
    """What to do about a Lease object. held_by: the living run that holds it, since when; empty where none does."""

    verdict: lease.Verdict
    found: Json | None
    held_by: str


class _Claim:
    """One Lease object and the process that wants it."""

    def __init__(self, kube: Kube, namespace: str, name: str, me: lease.Holder) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._me = me
        self._parent = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.path = f"{self._parent}/{name}"

    def look(self) -> _Look:
        """The lease as it is."""
        found = self._kube.get(self.path)
        verdict, holder = lease.judge(found, self._me, datetime.now(UTC))
        if verdict == "watch" and found is not None:
            time.sleep(lease.RENEW_S + 1)
            again = self._kube.get(self.path)
            was_renewed = again is not None and again["spec"].get("renewTime") != found["spec"].get(
                "renewTime"
            )
            verdict, found = ("held" if was_renewed else "take"), again
        since = lease.since(found or {}, datetime.now(UTC))
        held_by = ", ".join(filter(None, (holder, since))) if verdict == "held" else ""
        return _Look(verdict, found, held_by)

    def look_for_room(self) -> _Look:
        """The lease as it is. Raises SettingsError where a living run holds it."""
        looked = self.look()
        if looked.held_by:
            what = f"{self._namespace}/{self._name.removeprefix('alluxops-')}"
            raise SettingsError(
                f"another run is at work on {what}: {looked.held_by}.",
                "Two runs at once would undo each other's work.",
                f"wait for it to end. A run that died on another machine is forgotten after {lease.DURATION_S} s.",
            )
        return looked

    def take(self) -> str:
        """Take the lease, and return its lease.turn_of(); nothing if this run has it already.

        Raises SettingsError where another run has it.
        """
        for _ in range(TRIES):
            verdict, found, _ = self.look_for_room()
            if verdict == "mine":
                return ""
            wanted = lease.taken(found, self._name, self._namespace, self._me, datetime.now(UTC))
            try:
                if found is None:
                    taken = self._kube.create(self._parent, wanted)
                else:
                    taken = self._kube.replace(self.path, wanted)
            except ApiError as error:
                if error.status != 409:  # somebody was faster: look again
                    raise
            else:
                return lease.turn_of(taken)
        raise SettingsError(
            f"the lease {self._namespace}/{self._name} changes hands all the time.",
            "",
            "try again.",
        )

    def release(self, *, dry: bool) -> None:
        """Give the lease back, if it is this run's."""
        found = self._kube.get(self.path)
        if found is not None and lease.holder_of(found) == self._me and not dry:
            self._kube.replace(self.path, lease.released(found))
