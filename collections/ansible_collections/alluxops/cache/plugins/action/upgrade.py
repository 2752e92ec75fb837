"""Plan an upgrade or a rollback, back the metadata up before it, and explain where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from ansible.module_utils.common.yaml import yaml_load_all

from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    cluster,
    immutable,
    master_start,
    noted_backup,
    restore,
    rollback,
    upgrade,
    upgrade_told,
    versions,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import backups, charts, conversion_pod
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.marker_file import MarkerFile

COLLECTIONS: Final = {
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Service": ("/api/v1", "services"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
}
"""Where the API keeps the kinds that have fields which cannot be changed."""
NOBODY: Final = (
    "none: no master serves, so there is nobody to make one; the journals stay as they are"
)
NOTED: Final = (
    "{}, made by the run that did not end; no master serves, so there is nobody to make another"
)
UNSAVED: Final = (
    "none: no master serves, so there is nobody to make one; journals that hold metadata stop the run before they go,"
    " unless alluxio_journal_format is force and alluxio_confirm_format names the release"
)


class ActionModule(ApiAction):
    """alluxops.cache.upgrade."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """The step that is asked for."""
        steps = {
            "target": _target,
            "plan": self._plan,
            "backup": self._backup,
            "explain": _explain,
            "ended": self._end,
            "settled": self._settle,
        }
        return steps[options["state"]](kube, options)

    def _plan(self, kube: Kube, options: Options) -> Result:
        """What restarts in which order. Raises ManySettingsErrors for what cannot be done in place."""
        seen = _seen(kube, options)
        restores = rollback.restores(seen, options)
        faults = immutable.conflicts(seen.wanted, _live(kube, options["namespace"], seen.wanted))
        charts.raise_all([conflict.error() for conflict in faults])
        plan = _with_backup(kube, options, seen, upgrade.plan(seen, options, restores=restores))
        return {
            "changed": False,
            "changes": plan.changes,
            "restarts": plan.restarts,
            "leads": seen.cache.leader is not None,
            "image": versions.name_of(plan.image),
            "image_version": plan.after,
            "restores": restores,
            "formats_new": master_start.formats_new(seen.wanted),
            "version_changes": plan.version_changes,
            "hold_workers": plan.version_changes and options["may_hold_workers"],
            "summary": upgrade_told.lines(plan),
        }

    def _backup(self, kube: Kube, options: Options) -> Result:
        """A backup of the metadata, where a master serves that can make one."""
        namespace, release = options["namespace"], options["release"]
        if not self.check_mode:
            # The release starts masters next, and one of an interrupted conversion would write to the same journal.
            conversion_pod.remove(kube, namespace, release, Patience(options["wait_timeout_s"]))
        seen = objects.look(kube, namespace, release)
        if self.check_mode and seen.leader is not None:
            where = backups.plan(
                kube, namespace, release, to=options["backup_to"], kept=options["kept"]
            )
            return {"changed": True, "backup": {}, "where": where}
        if not self.check_mode:
            _note_goal(kube, options)
        if seen.leader is None:
            restores = options["restores"]
            noted = _noted(kube, namespace, release, restores=restores)
            if noted and not restores and not self.check_mode:
                _note(kube, namespace, release, noted, quiet=datetime.now(UTC).isoformat())
            where = _without_leader(noted, restores=restores)
            return {"changed": False, "backup": {"where": noted} if noted else {}, "where": where}
        made = backups.take(
            kube,
            namespace,
            release,
            to=options["backup_to"],
            kept=options["kept"],
            patience=Patience(options["wait_timeout_s"]),
        ).as_dict()
        _note(kube, namespace, release, str(made["where"]))
        return {"changed": True, "backup": made, "where": backup.summary(made)}

    def _end(self, kube: Kube, options: Options) -> Result:
        """Everything serves: what was backed up before says nothing of what comes now."""
        if not self.check_mode:
            notes = {**noted_backup.FORGOTTEN, restore.NOTE: None}
            _annotate(kube, options["namespace"], options["release"], notes)
        return {"changed": False}

    def _settle(self, kube: Kube, options: Options) -> Result:
        """It is proven that the cache serves: the next rollback chooses where to go anew."""
        if not self.check_mode:
            _annotate(kube, options["namespace"], options["release"], {upgrade.GOAL_NOTE: None})
        return {"changed": False}


def _seen(kube: Kube, options: Options) -> upgrade.Seen:
    """What a plan is made from. Raises SettingsError where there is no release."""
    namespace, release = options["namespace"], options["release"]
    rendered = options["rendered"] or {}
    if not rendered.get("current"):
        raise SettingsError(
            f"there is no release {namespace}/{release} that could change.",
            "",
            "`alluxops site` deploys it.",
        )
    found = objects.read_cluster(kube, namespace, release)
    goes_back = bool(options["revision"])
    return upgrade.Seen(
        current=_parsed(rendered["current"]),
        wanted=_parsed(rendered["wanted"]),
        cluster=found,
        cache=objects.look(kube, namespace, release),
        notes=_annotations(objects.masters_set(kube, namespace, release)),
        past=_revisions(kube, options) if goes_back else (),
        marked=_marker_version(kube, options, found) if goes_back else "",
    )


def _noted(kube: Kube, namespace: str, release: str, *, restores: bool) -> str:
    """Where the backup lies that an interrupted run has made; empty for none.

    restores: the journals are replaced next, so only one counts after which all masters were stopped for just that.
    """
    found, now = objects.masters_set(kube, namespace, release), datetime.now(UTC)
    if found is None:
        return ""
    if restores:
        return noted_backup.backup_before_format(found, now)
    masters = int(found["spec"].get("replicas") or 0)
    quiet = noted_backup.quiet_since(objects.raw_pods(kube, namespace, release), masters)
    return noted_backup.noted_backup(_annotations(found), now, quiet)


def _annotations(masters_set: Mapping[str, Any] | None) -> Mapping[str, str]:
    return ((masters_set or {}).get("metadata") or {}).get("annotations") or {}


def _note(
    kube: Kube, namespace: str, release: str, where: str, *, quiet: str | None = None
) -> None:
    notes = {noted_backup.BACKUP_NOTE: where, noted_backup.QUIET_NOTE: quiet}
    _annotate(kube, namespace, release, notes)


def _note_goal(kube: Kube, options: Options) -> None:
    """Note where a rollback goes, for the run that goes on with it; take that away where an upgrade begins."""
    namespace, release = options["namespace"], options["release"]
    masters_set = objects.masters_set(kube, namespace, release)
    goal = options["revision"]
    note = upgrade.goal_note(goal, _revisions(kube, options)) if goal else None
    # Where someone has deleted the StatefulSet, Helm makes it anew.
    if masters_set is not None and _annotations(masters_set).get(upgrade.GOAL_NOTE) != note:
        _annotate(kube, namespace, release, {upgrade.GOAL_NOTE: note})


def _annotate(kube: Kube, namespace: str, release: str, notes: Mapping[str, str | None]) -> None:
    kube.merge(
        objects.apps(namespace, "statefulsets", f"{release}-master"),
        {"metadata": {"annotations": dict(notes)}},
    )


def _target(kube: Kube, options: Options) -> Result:
    """The revision that a rollback goes to."""
    namespace, release = options["namespace"], options["release"]
    note = _annotations(objects.masters_set(kube, namespace, release)).get(upgrade.GOAL_NOTE, "")
    goal = upgrade.target(_revisions(kube, options), options["revision"], release, note)
    return {"changed": False, "revision": goal}


def _explain(kube: Kube, options: Options) -> Result:
    """Where a run stopped."""
    namespace, release = options["namespace"], options["release"]
    seen = objects.look(kube, namespace, release)
    try:
        goal = upgrade.target(_revisions(kube, options), 0, release)
    except SettingsError:
        goal = 0
    said = upgrade_told.state(
        seen.pods,
        after=options["version"],
        goal=goal,
        leader=seen.leader.pod if seen.leader else "",
        verb="rollback" if options["revision"] else "upgrade",
        backup=options["backup"],
    )
    return {"changed": False, "summary": said}


def _revisions(kube: Kube, options: Options) -> list[upgrade.Revision]:
    secrets = kube.list_objects(
        objects.core(options["namespace"], "secrets"),
        f"owner=helm,name={options['release']}",
        names_only=True,
    )
    return upgrade.revisions(secrets, options["release"])


def _without_leader(noted: str, *, restores: bool) -> str:
    """Where the backup is that nobody can make now, in words."""
    if noted:
        return NOTED.format(noted)
    return UNSAVED if restores else NOBODY


def _with_backup(
    kube: Kube, options: Options, seen: upgrade.Seen, plan: upgrade.Plan
) -> upgrade.Plan:
    """The plan, with where the backup goes that is made before anything changes.

    Raises SettingsError where it would not outlive the cache, or where one is needed that nobody can make.
    """
    namespace, release, restores = plan.namespace, plan.release, bool(plan.restore_from)
    if not plan.changes:
        return plan
    if seen.cache.leader is None:
        noted = _noted(kube, namespace, release, restores=restores)
        upgrade.check_backup(plan, noted, options["without_backup"])
        return replace(plan, backup_to=_without_leader(noted, restores=restores))
    kept = plan.version_changes or restores
    where = backups.plan(kube, namespace, release, to=options["backup_to"], kept=kept)
    return replace(plan, backup_to=where)


def _parsed(text: str) -> list[Json]:
    return [item for item in yaml_load_all(text) if isinstance(item, dict)]


def _live(
    kube: Kube, namespace: str, wanted: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], Json]:
    """The live objects among those rendered, of kinds with fields that cannot be changed."""
    found = {}
    for kind in sorted({str(item.get("kind")) for item in wanted} & set(COLLECTIONS)):
        base, collection = COLLECTIONS[kind]
        for item in kube.list_objects(f"{base}/namespaces/{namespace}/{collection}"):
            found[kind, str(item["metadata"]["name"])] = item
    return found


def _marker_version(kube: Kube, options: Options, found: Mapping[str, Any]) -> str:
    """The newest Alluxio that served from the journal, as its marker says; empty where no running master tells."""
    for pod in found["pods"]:
        if pod["role"] != cluster.MASTER_ROLE or not pod["ready"]:
            continue
        file = MarkerFile(kube, options["namespace"], pod["name"], options["journal_folder"])
        with suppress(CacheError):
            marker = file.read()
            return marker.version if marker else ""
    return ""
