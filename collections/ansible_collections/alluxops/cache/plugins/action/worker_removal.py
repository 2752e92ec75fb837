"""Take workers out of a cache: plan it, copy what must not be lost, retire them, see that they are gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    bootstrap,
    cached_blocks,
    cluster,
    node_labels,
    node_marks,
    node_report,
    removal,
    removal_report,
    residue,
)
from ansible_collections.alluxops.cache.plugins.module_utils.cached_blocks import CachedFile
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import evictions, removals
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.removals import Removal

TRIES: Final = 4
LOOK_EVERY_S: Final = 2.0
QUIET_LOOKS: Final = 5
"""So many looks in a row, a second apart, must find a worker idle."""

# 3: not idle within the time, 10: its web port did not answer, which is reached by a pod's address alone. Both are
# said after the leader has taken the workers off its list, and looked at here once more.
DECOMMISSIONED: Final = frozenset({0, 3, 10})


class ActionModule(ApiAction):
    """alluxops.cache.worker_removal."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """Do what the state asks."""
        state = options["state"]
        if state == "asked":
            removal.refuse_unnamed(sorted(options["hosts"]), _wish(options))
            return {"changed": False}
        if state == "planned":
            return self._plan(kube, options)
        if state == "told":
            return _tell(options, is_dry=self.check_mode)
        acts = {
            "tiers": self._tiers,
            "copied": self._copy,
            "retired": self._retire,
            "gone": self._wait_gone,
            "cleaned": self._forget,
        }
        try:
            return acts[state](kube, options)
        except SettingsError as error:  # it was planned well, and things have changed since
            raise CacheError(error.what, error.cause, error.fix) from error

    def _plan(self, kube: Kube, options: Options) -> Result:
        look = Removal(kube, options)
        wish = _wish(options)
        drains = wish.drain or wish.leave
        settings = bootstrap.given(options["labels"], options["taints"])
        groups = (options["listed"], options["masters"])
        targets = look.targets(*groups, settings, with_pods=drains)
        targets = [
            replace(one, blocks_left=residue.blocks(options["found"].get(one.host) or {}))
            for one in targets
        ]
        against = [
            *_blind(options["looks"]),
            *look.against(targets, options["looks"], options["kubeconfig"], leave=wish.leave),
        ]
        serving = [one.node for one in look.staying(with_files=False)]
        removal.refuse(targets, serving, wish, against)
        if look.seen.leader is None:
            raise removals.no_leader(look.namespace, look.release)
        leaving, staying = (look.measured(workers) for workers in look.workers())
        plan = removal.plan(targets, leaving, staying, wish, look.seen.leader.version)
        fuse = objects.fuse_set(kube, look.namespace, look.release)
        return {
            # The steps say themselves what they change; in check mode there are none.
            "changed": self.check_mode and bool(plan.shown),
            **removal.as_dict(plan),
            "nodes": [target.node for target in targets],
            "node_of": {target.host: target.node for target in targets},
            "present": [target.node for target in targets if target.exists],
            "uncleaned": [
                one.node for one in targets if one.exists and (one.blocks_left or not one.is_done)
            ],
            "removed_before": [target.host for target in targets if target.is_done],
            "mount_points": residue.mount_points(fuse),
            "diff": {"before": "", "after": "".join(f"{line}\n" for line in plan.shown)},
        }

    def _tiers(self, kube: Kube, options: Options) -> Result:
        """Where workers keep blocks on their nodes, and which of it is not this release's alone."""
        space, release = options["namespace"], options["release"]
        config = kube.get(objects.core(space, "configmaps", f"{release}-config")) or {}
        workers = objects.workers_set(kube, space, release)
        own, unknown = residue.tiers(workers, config.get("data") or {})
        shared = []
        if own:
            pods = kube.list_objects("/api/v1/pods", f"role={cluster.WORKER_ROLE}")
            shared = residue.shared(own, evictions.other_workers(pods, space, release))
        tiers = [one for one in own if one not in shared]
        return {"changed": False, "tiers": tiers, "told": [*unknown, *shared]}

    def _forget(self, kube: Kube, options: Options) -> Result:
        """Take the note from the nodes that were seen to be clean, so that nobody relies on it any more."""
        key = node_labels.worker_key(options["namespace"], options["release"])
        clean = {
            name or host
            for host, name in options["hosts"].items()
            if removal_report.is_clean(options["results"].get(host) or {})
        }
        gone = []
        for item in kube.list_objects(objects.node()):
            name = str(item["metadata"]["name"])
            change = node_marks.cleaned(item, key) if name in clean else {}
            if change:
                gone.append(name)
                if not self.check_mode:
                    kube.merge(objects.node(name), change)
        lines = "".join(f"{name}: yet to be cleaned\n" for name in gone)
        return {"changed": bool(gone), "diff": {"before": lines, "after": ""}}

    def _copy(self, kube: Kube, options: Options) -> Result:
        if self.check_mode:
            return {"changed": False, "copied": []}
        copied = _copy_all(kube, options, Patience(options["wait_timeout_s"]))
        return {
            "changed": bool(copied),
            "copied": sorted(copied),
            "diff": {"before": "", "after": "".join(f"{path}\n" for path in sorted(copied))},
        }

    def _retire(self, kube: Kube, options: Options) -> Result:
        """Take them off the leader's list, wait until they are idle, and copy what was written meanwhile."""
        look = Removal(kube, options)
        if look.seen.leader is None:
            raise removals.no_leader(look.namespace, look.release)
        running = look.leaving(with_files=False)
        live = [worker for worker in running if worker.host]
        way = removal.method_of(look.seen.leader.version)
        changed = bool(live) and way != "stop"
        # A run before this one has retired them, and was stopped: it may not have waited.
        before = [worker for worker in running if not worker.host and look.answers(worker)]
        if not self.check_mode and not live and before and way == "decommission":
            patience = Patience(options["wait_timeout_s"])
            told = look.on_leader(f"alluxio getConf {removal.REFRESH}\n")
            patience.pause("clients to hear who serves", removal.refresh_s(told.stdout))
            _wait_idle(look, before, patience)
            _copy_all(kube, options, patience)
        if self.check_mode or not changed:
            return {"changed": changed, "retired": [], "method": way}
        hosts = [worker.host for worker in live]
        done = look.on_leader(removal.retiring(way, hosts))
        if done.returncode not in (DECOMMISSIONED if way == "decommission" else {0}):
            raise CacheError(
                f"{', '.join(worker.node for worker in live)} could not be taken out of service"
                f" ({way}): {removals.last_line(done)}",
                fix="see `alluxops status` and the leader's log; run it again.",
            )
        patience = Patience(options["wait_timeout_s"])
        _wait_idle(look, [*live, *before], patience)
        if way == "decommission":  # freed workers have nothing left to copy
            _copy_all(kube, options, patience)
        nodes = [worker.node for worker in live]
        return {
            "changed": True,
            "retired": nodes,
            "method": way,
            "diff": {"before": "".join(f"{node}: in service\n" for node in nodes), "after": ""},
        }

    def _wait_gone(self, kube: Kube, options: Options) -> Result:
        """Wait until the pods have ended and the leader counts the workers no more."""
        if self.check_mode:
            return {"changed": False}
        patience = Patience(options["wait_timeout_s"])
        while True:
            look = Removal(kube, options)
            pods = look.pods_left()
            live = look.still_counted()
            if not pods and not live:
                return {"changed": False}
            awaited = f"{', '.join(pods)} to end" if pods else f"the leader to forget {live[0]}"
            if patience.is_over:
                raise CacheError(
                    f"waited {patience.timeout_s:.0f} s for {awaited}.",
                    "A pod on a node that is down is not known to have ended." if pods else "",
                    "see `kubectl get pods -o wide`; where the node is gone for good, delete the pod by force"
                    " (`kubectl delete pod --force`), and run it again.",
                )
            patience.pause(awaited, LOOK_EVERY_S)


def _wish(options: Options) -> removal.Wish:
    return removal.Wish(
        namespace=options["namespace"],
        release=options["release"],
        limit=options["limit"],
        confirmed=options["confirm"],
        evicts=options["evicts"],
        loses=options["loses"],
        drain=options["drain"],
        leave=options["leave"],
    )


def _blind(looks: Mapping[str, Mapping[str, Any]]) -> list[SettingsError]:
    """Hosts that are there and could not be looked at. One that is not reached may go, and so may one with problems."""
    results = {host: node_report.judged(look) for host, look in looks.items()}
    return node_report.faults({host: one for host, one in results.items() if one["failed"]})


def _copy_all(kube: Kube, options: Options, patience: Patience) -> set[str]:
    """Copy until no block that must not be lost is only on a leaving worker; the paths that were copied."""
    copied: set[str] = set()
    before: set[int] = set()
    complaint, tries = "", 0
    while True:
        look = Removal(kube, options)
        leaving, staying = look.workers()
        taken = removal.copies(leaving, staying)
        if not taken:
            return copied
        files = [one for them in taken.values() for one in them]
        removal.refuse_stranded(files, leaving, look.namespace)
        tries = tries + 1 if before == _blocks(files) else 0
        before = _blocks(files)
        if tries >= TRIES or patience.is_over:
            raise _not_copied(files, complaint)
        complaint = ""
        for worker in staying:
            complaint = look.copy(worker, taken.get(worker.node, ())) or complaint
        copied |= {one.path for one in files}
        # What a read brings into a worker gets there a moment later.
        patience.pause(f"{cached_blocks.told(files)} to be on a worker that stays", LOOK_EVERY_S)


def _blocks(files: list[CachedFile]) -> set[int]:
    return {block for one in files for block in one.blocks}


def _not_copied(files: list[CachedFile], complaint: str) -> CacheError:
    shown = ", ".join(one.path for one in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return CacheError(
        f"{shown}{more} could not be copied to a worker that stays.",
        complaint or "A file that is still being written is copied once it is complete.",
        "remove or unpin what is not needed, or wait; run it again: it goes on with what is left.",
    )


def _wait_idle(look: Removal, live: list[removal.Worker], patience: Patience) -> None:
    """Wait until nothing is read from or written to the workers. One that never is idle is told."""
    quiet = 0
    while quiet < QUIET_LOOKS:
        busy = [worker.node for worker in live if not look.is_idle(worker.pod)]
        quiet = 0 if busy else quiet + 1
        if patience.is_over:
            raise CacheError(
                f"{', '.join(busy) or live[0].node} still serves after {patience.timeout_s:.0f} s.",
                "Clients read from it or write to it, and would see an error if it ended now.",
                "run it again when they have finished, or give them longer with alluxops_wait_timeout_s.",
            )
        if quiet < QUIET_LOOKS:
            patience.pause(f"{', '.join(busy)} to be idle" if busy else "quiet workers", 1.0)


def _tell(options: Options, *, is_dry: bool) -> Result:
    """The lines at the end."""
    hosts = [
        removal_report.Host(
            host=host,
            was_removed=host in options["removed_before"],
            left_cluster=options["leave"],
            node_kept=(options["hosts"][host] or host) in options["kept"],
            is_dry=is_dry,
            node_result=options["results"].get(host) or {},
            device_result=options["devices"].get(host) or {},
        )
        for host in sorted(options["hosts"])
    ]
    lines = removal.inventory_lines(options["listed"], list(options["hosts"]))
    return {
        "changed": False,
        "summary": removal_report.lines(options["release"], hosts),
        "lines": lines,
    }
