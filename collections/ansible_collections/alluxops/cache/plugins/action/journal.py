"""Read the journals of a release and format them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import (
    claims,
    cluster,
    journal,
    journal_told,
    proven,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.journal_plan import (
    Plan,
    Request,
    plan_format,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups, conversion_pod
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
    as_yaml,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import JournalJobs
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_notes import JournalNotes
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.quorum import Masters
from ansible_collections.alluxops.cache.plugins.plugin_utils.stopped_masters import StoppedMasters


class ActionModule(ApiAction):
    """alluxops.cache.journal."""

    def act(self, kube: Kube, options: Options) -> Result:
        """Look where it is needed, decide, format, leave nothing running."""
        guard = _Guard(kube, options)
        for fault in claims.in_no_volume(
            options["claims"],
            options["values"],
            policy=options["policy"],
            restores=bool(options["restoring"]),
        ):
            raise fault
        if not self.check_mode:
            # Masters may start after this, and one of an interrupted conversion would write to the same journal.
            patience = Patience(options["wait_timeout_s"])
            conversion_pod.remove(kube, guard.namespace, guard.release, patience)
            guard.masters.forget_stale_notes()
        if not guard.looked_at and not guard.masters.stopped_by_us:
            return {"changed": False, "journals": [], "serving": guard.serving}
        if self.check_mode:
            return {**guard.predict(), "journals": [], "serving": guard.serving}
        return {**guard.run(), "serving": guard.serving}


class _Guard:
    """One pass over the journals of one release."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self.kube = kube
        self.options = options
        self.namespace, self.release = options["namespace"], options["release"]
        self.wanted = journal.Wanted.from_values(
            self.namespace, self.release, options["values"], cluster=objects.cluster_uid(kube)
        )
        self.masters = StoppedMasters(kube, self.namespace, self.release)
        self.pods = {
            cluster.ordinal_of(pod["name"]): pod
            for pod in map(cluster.pod_facts, objects.raw_pods(kube, self.namespace, self.release))
            if pod["role"] == cluster.MASTER_ROLE
        }
        self.all_claims = [claim for claim in options["claims"] if claim["kind"] == "journal"]
        self.claims = [
            claim
            for claim in self.all_claims
            if not options["ordinals"] or claim["ordinal"] in options["ordinals"]
        ]
        self.serving = any(cluster.is_ready(pod) for pod in self.pods.values())
        if options["restoring"] and not self.serving:
            # One that serves beside a container that does not is written to as well.
            pods = list(self.pods.values())
            self.serving = objects.find_leader(kube, self.namespace, pods) is not None
        self.notes = JournalNotes(kube, self.namespace)
        self.forced = options["policy"] == "force"
        self.on_purpose = bool(self.forced or options["stale"] or options["restoring"])
        self.looked_at = self._to_look_at()

    def _to_look_at(self) -> list[Json]:
        """The claims that a Job looks into: a master that is ready has told that its journal is formatted."""
        options = self.options
        if self.on_purpose or options["read"] or not self.serving:
            return self.claims
        if self.wanted.shared:
            return []
        if options["ordinals"]:
            return [claim for claim in self.claims if not self._is_ready(claim)]
        # A lost volume that was replaced by an empty one: its master fails while the others serve. Or one on another
        # host than before, where an old copy may lie.
        return [claim for claim in self.claims if self._fails(claim) or self._is_unknown(claim)]

    def _is_ready(self, claim: Mapping[str, Any]) -> bool:
        pod = self.pods.get(int(claim["ordinal"]))
        return pod is not None and cluster.is_ready(pod)

    def _fails(self, claim: Mapping[str, Any]) -> bool:
        pod = self.pods.get(int(claim["ordinal"]))
        return pod is not None and not cluster.is_ready(pod) and pod["restarts"] > 0

    def _is_unknown(self, claim: Mapping[str, Any]) -> bool:
        """Whether nothing tells what lies there: no master that is ready, and no note."""
        return not self._is_ready(claim) and not self.notes.of(str(claim["name"]))

    @property
    def _request(self) -> Request:
        options = self.options
        return Request(
            self.wanted,
            masters=len(self.all_claims),
            policy=options["policy"],
            confirmed=options["confirm"] == self.release,
            stale=options["stale"],
            restoring=options["restoring"],
            backed_up=self.backed_up,
            serving=self.serving,
            leads=self._leads(),
            has_served=self._has_served(),
            now=datetime.now(UTC),
        )

    def _leads(self) -> bool:
        """Whether a master leads. One whose container is ready may be a member of a quorum that elects nobody."""
        pods = list(self.pods.values())
        return self.serving and objects.find_leader(self.kube, self.namespace, pods) is not None

    def _has_served(self) -> bool:
        """Whether Helm remembers a revision that was proven. Where a master serves, nobody has to ask."""
        if self.serving:
            return True
        chosen = f"owner=helm,name={self.release}"
        secrets = objects.core(self.namespace, "secrets")
        records = self.kube.list_objects(secrets, chosen, names_only=True)
        return proven.any_marked(records, self.release)

    @property
    def backed_up(self) -> str:
        """Where the metadata was backed up before they are replaced, by this run or one that was interrupted."""
        return str(self.options["backed_up"] or self.noted)

    @property
    def noted(self) -> str:
        """The backup of a run that was interrupted. What serves has come to know more than that."""
        return "" if self.serving else self.masters.backup_uri

    def run(self) -> Result:
        """Look, decide, format."""
        patience = Patience(self.options["wait_timeout_s"])
        nodes = {ordinal: pod["node"] for ordinal, pod in self.pods.items()}
        backup, notes, earlier = None, self.notes, self.noted
        with JournalJobs(
            self.kube,
            self.wanted,
            self.looked_at or self.claims,
            self.options["values"],
            nodes,
        ) as jobs:
            jobs.clear(patience)
            jobs.start()
            before = [replace(item, noted=notes.of(item.claim)) for item in jobs.states(patience)]
            if self.wanted.shared:
                jobs.ask_zookeeper()
                jobs.prove_shared()
                before = before[:1]
            read = [self._as_told(item) for item in before]
            plan = plan_format([*read, *self._in_use(before)], self._request)
            if plan.format:
                backup = self._prepare(plan, before, patience)
                self._look_again(jobs, plan, before)
            for item in before:
                if item.ordinal in plan.format and self.on_purpose:  # also if this run dies
                    notes.forget(item.claim)
                elif item.ordinal in plan.format or item.ordinal in plan.adopt:
                    notes.loosen(item.claim)  # a lost one still counts as lost, should this run die
            after = [self._treated(jobs, plan, item) for item in before]
        # Before a master can start: should this run die, nothing else would tell that there was one.
        noted = [
            item.claim for item in after if item.is_formatted and notes.put(item.claim, item.marker)
        ]
        if plan.format:
            self._let_them_see(plan)
        if self.masters.stopped_by_us and not self.options["restoring"]:
            self.masters.start()
        return {
            "changed": before != after or bool(plan.format) or bool(noted),
            "why": plan.why,
            "backup": backup,
            "told": journal_told.backed_up(backup, earlier) if plan.needs_backup else [],
            "diff": {
                "before": as_yaml(journal_told.shown(before)),
                "after": as_yaml(journal_told.shown(after)),
            },
            "journals": [_facts(item, plan) for item in after],
        }

    def _as_told(self, item: journal.Journal) -> journal.Journal:
        """A journal without what an earlier run was to start on it, where the release is there to tell what served.

        Preflight has asked that: what its masters' image is, and whether one with another has started.
        """
        if item.marker is None or not self.masters.exist:
            return item
        return replace(item, marker=replace(item.marker, next_version=""))

    def _in_use(self, read: Sequence[journal.Journal]) -> list[journal.Journal]:
        """The journals of the masters that serve, which no Job has to look into."""
        known = {item.ordinal for item in read}
        if not self.serving or self.wanted.shared or self.options["ordinals"]:
            return []
        kind = self.wanted.journal_type
        return [
            journal.Journal(
                claim["ordinal"], claim["name"], "formatted", None, (kind,), (kind,), "", "", kind
            )
            for claim in self.claims
            if claim["ordinal"] not in known
        ]

    def _prepare(
        self, plan: Plan, before: Sequence[journal.Journal], patience: Patience
    ) -> Json | None:
        """Take the backup where metadata would go, and see that no master writes to what is formatted."""
        backup = None
        if plan.needs_backup and not self.noted:
            backup = self._back_up(before)
        if self.options["stale"]:
            self._refuse_members(plan.format, patience)
        elif not self._beside_others(plan):
            self.masters.stop(
                Patience(patience.timeout_s),
                backup_uri=journal_told.where(backup) or self.backed_up,
                come_back=not self.options["restoring"] or bool(self.backed_up),
            )
        return backup

    def _look_again(self, jobs: JournalJobs, plan: Plan, before: Sequence[journal.Journal]) -> None:
        """See that what was empty still is, or is backed up: a master may have come up between the look and the stop.

        Raises CacheError, with the masters as they were.
        """
        if not self.masters.exist or plan.needs_backup:
            return
        for item in before:
            if item.ordinal not in plan.format or item.records:
                continue
            if jobs.look_again(item.ordinal).records:
                if not self.masters.is_as_found:
                    self.masters.start()
                raise CacheError(
                    f"master {item.ordinal} has written to its journal since this run found it empty.",
                    "a master came up meanwhile; nothing was formatted.",
                    "run again.",
                )

    def _refuse_members(self, ordinals: Sequence[int], patience: Patience) -> None:
        """Raise SettingsError where a copy is not stale: its master runs, or has a vote in the quorum that serves."""
        running = [ordinal for ordinal in ordinals if ordinal in self.pods]
        members = Masters(self.kube, self.namespace, self.release).led(patience).ordinals
        voting = [ordinal for ordinal in ordinals if ordinal in members]
        for ordinal in [*running, *voting][:1]:
            what = "runs" if running else "is a member of the quorum"
            raise SettingsError(
                f"{self.release}-master-{ordinal} {what}: its journal is not formatted as a stale copy.",
                "a member that forgets what it has voted for can make the others lose what they agreed on.",
                "run `alluxops scale-masters` again: its plan begins with what runs now.",
            )

    def _beside_others(self, plan: Plan) -> bool:
        """Whether only journals of masters that do not serve are formatted, while the others go on."""
        if self.forced or self.options["restoring"]:
            return False
        ready = {ordinal for ordinal, pod in self.pods.items() if cluster.is_ready(pod)}
        some = self.serving or bool(self.options["ordinals"])
        return some and not ready.intersection(plan.format)

    def _back_up(self, before: Sequence[journal.Journal]) -> Json:
        """A backup through the leader. Raises SettingsError, with what to do instead, where none can be taken."""
        held = ", ".join(str(item.ordinal) for item in before if item.records)
        what = f"the journals of {self.release} hold metadata (masters {held}), and no backup of them can be taken"
        instead = (
            f"or, to lose them on purpose, run `alluxops uninstall -e alluxio_confirm_purge={self.release}` and deploy"
            " again."
        )
        if not self.serving:
            raise SettingsError(
                f"{what}: no master serves.",
                "formatting with alluxio_journal_format: force takes a backup first, through the leader.",
                "start the masters (alluxio_journal_format: if_empty) and run again with force;"
                f" {instead}",
            )
        try:
            made = backups.take(
                self.kube,
                self.namespace,
                self.release,
                to=self.options["backup_to"],
                # The way back: nothing else has what goes, and what serves may be a part of what is being restored.
                kept=True,
                patience=Patience(self.options["wait_timeout_s"]),
            )
        except CacheError as error:
            raise SettingsError(
                f"{what}: {error.what}", error.cause, f"{error.fix or 'see the message'} {instead}"
            ) from error
        return asdict(made)

    def _treated(self, jobs: JournalJobs, plan: Plan, item: journal.Journal) -> journal.Journal:
        if item.ordinal in plan.format:
            return jobs.format(item.ordinal, self.options["restoring"])
        if item.ordinal in plan.adopt:
            return jobs.adopt(item.ordinal)
        if item.marker is None or not item.is_formatted or item.marker.left_at:
            return item
        # Before a newer Alluxio starts on it: should this run die once that has written, an older one is refused.
        marker = journal.about_to_start(item.marker, self.wanted.version)
        return item if marker == item.marker else jobs.mark(item.ordinal, marker)

    def _let_them_see(self, plan: Plan) -> None:
        """Make the pods anew that failed on a journal that is formatted now, rather than wait for their next try."""
        for ordinal in plan.format:
            pod = self.pods.get(ordinal)
            if pod is not None and not self.masters.stopped_by_us and not cluster.is_ready(pod):
                self.kube.delete(objects.core(self.namespace, "pods", pod["name"]))

    def predict(self) -> Result:
        """What a run would do, as far as that can be told without a Job."""
        collection = objects.core(self.namespace, "persistentvolumeclaims")
        bound = {
            claim["metadata"]["name"]: claim.get("status", {}).get("phase") == "Bound"
            for claim in self.kube.list_objects(collection)
        }
        new = [claim for claim in self.looked_at if not bound.get(claim["name"])]
        lines = [f"{claim['name']}: formatted unless it holds a journal\n" for claim in new]
        if self.on_purpose:
            lines = [f"{claim['name']}: formatted\n" for claim in self.looked_at]
        told = []
        if self.looked_at and self.forced and self.serving and not self.options["restoring"]:
            to = self.options["backup_to"]
            where = backups.plan(self.kube, self.namespace, self.release, to=to, kept=True)
            lines = [f"{claim['name']}: backed up, then formatted\n" for claim in self.looked_at]
            told = journal_told.would_go(where, 1 if self.wanted.shared else len(self.looked_at))
        would = bool(lines) and self.options["policy"] != "never"
        diff = {"before": "", "after": "".join(lines if would else ())}
        return {"changed": would, "told": told, "diff": diff}


def _facts(item: journal.Journal, plan: Plan) -> Json:
    return {
        "ordinal": item.ordinal,
        "claim": item.claim,
        "state": item.state,
        "types": list(item.types),
        "holds": list(item.records),
        "marker": None if item.marker is None else asdict(item.marker),
        "formatted_at": None if item.marker is None else item.marker.formatted_at,
        "formatted_now": item.ordinal in plan.format,
        "adopted_now": item.ordinal in plan.adopt,
    }
