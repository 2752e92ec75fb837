"""Restore a backup of the metadata: what is special about it, beside formatting journals and deploying the release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    backup,
    backup_age,
    backup_place,
    census,
    cluster,
    health,
    journal,
    journal_plan,
    node_report,
    restore,
    versions,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Settings
from ansible_collections.alluxops.cache.plugins.plugin_utils import census as censuses
from ansible_collections.alluxops.cache.plugins.plugin_utils import helm_records, restores, ufs_look
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import (
    ApiAction,
    Options,
    Patience,
    Result,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.journal_jobs import (
    CONTAINER,
    JournalJobs,
)
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.pod_files import PodFiles
from ansible_collections.alluxops.cache.plugins.plugin_utils.stopped_masters import StoppedMasters

LOG_LINES: Final = 20000
LEADER_COMES_WITHIN_S: Final = 60
"""A master that has restored the backup serves soon after."""
NEWEST: Final = "the newest backup"


class ActionModule(ApiAction):
    """alluxops.cache.restore."""

    REFUSES_UNREACHABLE = True

    def act(self, kube: Kube, options: Options) -> Result:
        """One of the steps."""
        step = {
            "checked": self._check,
            "chosen": self._choose,
            "placed": self._place,
            "started": self._start,
            "finished": self._finish,
            "restarted": self._restart,
            "noted": self._note,
            "settled": self._settle,
        }[options["state"]]
        return step(kube, options)

    def _check(self, kube: Kube, options: Options) -> Result:
        """What can be refused before anything changes; reads only."""
        settings = Settings.from_dict(options["settings"])
        replaces = options["revision"] > 0
        # Before the confirmation: one who has not said which backup cannot mean it yet.
        source = backup.source(options["source"], settings.root_ufs)
        restore.confirm(settings.release, options["confirm"], replaces=replaces)
        entries = None
        if source.kind == "controller":
            file = Path(source.value).expanduser().absolute()
            source = backup.Source("controller", str(file))
            entries = _counted(file)
        elif settings.root_ufs == "ephemeral":
            raise SettingsError(
                "restore_from names a backup in the root under store while alluxio_root_ufs is ephemeral.",
                "That store lies in the pods: there is nothing in it before they run.",
                "give the path of a file on this machine.",
            )
        folder = journal.journal_folder(options["values"] or settings.values)
        seen = _look(kube, settings)
        plan = restore.plan(source, seen, settings.release, folder, replaces=replaces)
        if not replaces and not plan.is_finished:
            _refuse_kept(kube, options, settings, plan.uri or source.value or NEWEST)
        doubts: list[str] = []
        if replaces and source.kind != "latest":
            eras, tag = _eras(kube, options)
            backup_age.check(source.value, eras, tag)
            doubts = backup_age.doubts(source.value, eras)
        return {
            "changed": False,
            "kind": source.kind,
            "value": source.value,
            "uri": plan.uri,
            "is_finished": plan.is_finished,
            "is_settling": plan.is_settling,
            "entries": entries,
            "warnings": doubts,
        }

    def _choose(self, kube: Kube, options: Options) -> Result:
        """See that the backup is in the under store and whole; which one is the newest."""
        plan = options["plan"]
        source, uri = backup.Source(plan["kind"], plan["value"]), str(plan["uri"])
        if source.kind == "controller" or plan["is_finished"]:
            return {"changed": False, "uri": uri}
        settings = Settings.from_dict(options["settings"])
        root = settings.root_ufs
        place = backup_place.Place(settings.namespace, settings.release, objects.cluster_uid(kube))
        if self.check_mode:
            # Which one that is takes a look into the store. The chart is rendered with this, so it has no blanks.
            name = source.value or "newest"
            return {
                "changed": False,
                "uri": uri or backup_place.uri_in_ufs(root, place.in_cache, name),
            }
        shown = backup.folder_of(uri, root) if uri else place.shared
        files = ufs_look.files_in(
            kube,
            settings.namespace,
            settings.release,
            options["values"],
            shown,
            Patience(options["wait_timeout_s"]),
            deep=not uri,
        )
        where = f"{shown} of {root}"
        eras, tag = _eras(kube, options) if options["revision"] else ([], "")
        if options["revision"]:
            files = backup_age.readable(files, eras, tag)
            where += f" that revision {options['revision']} can read"
        if uri:
            chosen = backup.choose(files, backup.Source("ufs", uri), where)
        else:
            going_back = bool(options["revision"])
            chosen = backup_place.pick(files, source, place, root, where, going_back=going_back)
            uri = backup_place.uri_in_ufs(root, chosen.folder, chosen.name)
        doubtful = options["revision"] and source.kind == "latest"
        doubts = backup_age.doubts(chosen.name, eras) if doubtful else []
        return {
            "changed": False,
            "uri": uri,
            "size_bytes": chosen.size_bytes,
            "warnings": doubts,
        }

    def _place(self, kube: Kube, options: Options) -> Result:
        """Put a file of the controller into each journal volume, while no master runs."""
        plan = options["plan"]
        claims = [claim for claim in options["claims"] if claim["kind"] == "journal"]
        if not claims:
            raise SettingsError(
                "the masters' journals lie in no volume of their own.",
                "A file of this machine has to be put beside the journal, for the master to read it.",
                "copy the backup into the root under store and give its address in restore_from.",
            )
        source, uri = Path(plan["value"]), str(plan["uri"])
        diff = "".join(f"{claim['name']}: {uri}\n" for claim in claims)
        if not self.check_mode:
            _put(kube, options, claims, source, uri)
        return {"changed": True, "diff": {"before": "", "after": diff}, "claims": len(claims)}

    def _start(self, kube: Kube, options: Options) -> Result:
        """See that the masters are no longer stopped."""
        if self.check_mode:
            return {"changed": False}
        masters = StoppedMasters(kube, options["namespace"], options["release"])
        return {"changed": masters.let_go(options["masters"])}

    def _finish(self, kube: Kube, options: Options) -> Result:
        """See that a master restored all of it, take away what was put beside the journals, count."""
        if self.check_mode:
            return {"changed": False, "census": None, "summary": "", "lines": []}
        namespace, release = options["namespace"], options["release"]
        uri = str(options["uri"])
        seen = objects.look(kube, namespace, release)
        logs = _logs(kube, namespace, seen)
        restored = restore.restored_entries(logs)
        # An earlier run may have written that down, and the log be gone.
        found = restores.read(kube, namespace, release, seen.pods)
        is_noted = not found.pending and restores.noted(kube, namespace, release) == uri
        if restored is None and not found.has_ended and not is_noted:
            raise CacheError(
                f"{uri} was not restored whole into {namespace}/{release}.",
                restore.why_not_restored(logs),
                "run the same restore again: it begins with new journals.",
            )
        if seen.leader is None:
            raise CacheError(
                f"{uri} was restored whole into {namespace}/{release}, and no master serves now.",
                fix="see `alluxops status`; once one serves, run this again, and it ends what is left.",
            )
        restore.check_whole(restored, options["entries"], uri, release)
        if uri.startswith(journal.journal_folder(options["values"]).rstrip("/") + "/"):
            for pod in seen.of_role(cluster.MASTER_ROLE):
                _files(kube, namespace, str(pod["name"])).remove(uri)
        counted = censuses.read(kube, namespace, seen.leader.pod)
        name = PurePosixPath(uri).name
        how_many = "" if restored is None else f", {restored} entries"
        return {
            "changed": False,
            "entries": restored,
            "census": counted.as_dict(),
            "summary": f"{name} of {backup.taken_at(name)}{how_many}: {census.lines(counted)[0]}",
            "lines": census.lines(counted),
        }

    def _restart(self, kube: Kube, options: Options) -> Result:
        """Restart the masters together, whichever of them has restored the backup.

        Until its next start that one takes all that it knows for outdated: the first that asks for a path, whatever the
        client's interval of synchronization, has it read again from the under store. A directory that lies there gets
        its owner and mode from there then, and an object store knows none; what does not lie there is forgotten.
        Whether it has started since, a log that cannot be read does not tell: a start too many costs seconds.
        """
        namespace, release = options["namespace"], options["release"]
        seen = objects.look(kube, namespace, release)
        masters = {str(pod["uid"]): str(pod["name"]) for pod in seen.of_role(cluster.MASTER_ROLE)}
        if self.check_mode:
            return {"changed": False, "restarted": []}
        for name in masters.values():
            kube.delete(objects.core(namespace, "pods", name), propagation="Background")
        patience = Patience(options["wait_timeout_s"])
        while masters.keys() & {
            pod["metadata"]["uid"] for pod in objects.raw_pods(kube, namespace, release)
        }:
            if patience.is_over:
                raise CacheError(
                    f"the masters of {namespace}/{release} do not restart.",
                    fix=f"see `kubectl -n {namespace} get pods -l role={cluster.MASTER_ROLE}`, and run again.",
                )
            patience.pause("the masters to restart", 1)
        return {"changed": True, "restarted": sorted(masters.values())}

    def _note(self, kube: Kube, options: Options) -> Result:
        """Note what was restored: next, the configuration ceases to tell of it."""
        if not self.check_mode:
            restores.note(kube, options["namespace"], options["release"], options["uri"])
        return {"changed": False}

    def _settle(self, kube: Kube, options: Options) -> Result:
        """It is proven that the cache serves: nothing of a restore is left to be done."""
        if not self.check_mode:
            restores.note(kube, options["namespace"], options["release"], None)
        return {"changed": False}


def _counted(file: Path) -> int:
    """How many entries a backup on the controller holds. Raises SettingsError where it is missing, torn or none."""
    fix = "correct restore_from; `alluxops backup -e backup_to=DIRECTORY` makes such a file."
    try:
        with file.open("rb") as opened:
            return restore.count_entries(opened)
    except OSError as error:
        raise SettingsError(
            f"the backup {file} cannot be read.", f"{error.strerror or error}.", fix
        ) from error
    except ValueError as error:
        raise SettingsError(f"the backup {file} cannot be restored: {error}.", "", fix) from error


def _refuse_kept(kube: Kube, options: Options, settings: Settings, backup_uri: str) -> None:
    """Refuse metadata that lie on the masters' hosts, as the journals' own look does once they have volumes.

    A restore that did not end is left to that look: only there is it known whether it is the same one.
    """
    wanted = journal.Wanted.from_values(
        settings.namespace,
        settings.release,
        options["values"] or settings.values,
        cluster=objects.cluster_uid(kube),
    )
    masters = {node.host: node.name for node in settings.cache_masters}
    folder = f"{settings.storage_path}/journal"
    found = node_report.kept(options["hosts"], masters, options["claims"], folder, wanted)
    begun = [item for item in found if item.marker and item.marker.restoring]
    request = journal_plan.Request(
        wanted,
        len(found),
        policy=options["policy"],
        confirmed=options["confirm_format"] == settings.release,
        restoring=backup_uri,
        backed_up=StoppedMasters(kube, settings.namespace, settings.release).backup_uri,
    )
    journal_plan.plan_format([item for item in found if item not in begun], request)


def _eras(kube: Kube, options: Options) -> tuple[list[backup_age.Era], str]:
    """(which Alluxio the release was given when, the one that the revision gone back to runs)."""
    eras = helm_records.eras(kube, options["namespace"], options["release"])
    tag = next((era.tag for era in eras if era.revision == options["revision"]), "")
    return eras, tag if versions.numbers(tag) else options["rollback_version"] or tag


def _look(kube: Kube, settings: Settings) -> restore.Seen:
    """What the cluster shows of the release."""
    namespace, release = settings.namespace, settings.release
    seen = objects.look(kube, namespace, release)
    found = restores.read(kube, namespace, release, seen.pods)
    pending = found.pending or found.goes_on
    serving = seen.leader.pod if seen.leader else ""
    noted = restores.noted(kube, namespace, release)
    restored = restore.restored_entries(_logs(kube, namespace, seen)) if pending else None
    patience = Patience(LEADER_COMES_WITHIN_S)
    while (noted or restored is not None) and not serving and not patience.is_over:
        patience.pause("a master to serve what was restored", 2)
        seen = objects.look(kube, namespace, release)
        serving = seen.leader.pod if seen.leader else ""
    return restore.Seen(serving, pending, restored, has_ended=found.has_ended, noted=noted)


def _logs(kube: Kube, namespace: str, seen: health.Seen) -> list[str]:
    """The masters' logs, of containers that ended before too; the leader's last."""
    leader = seen.leader.pod if seen.leader else ""
    names = [str(pod["name"]) for pod in seen.of_role(cluster.MASTER_ROLE)]
    return [
        kube.pod_log(
            namespace, name, objects.MASTER_CONTAINER, lines=LOG_LINES, previous=is_previous
        )
        for name in sorted(names, key=lambda name: name == leader)
        for is_previous in (True, False)
    ]


def _files(kube: Kube, namespace: str, pod: str) -> PodFiles:
    return PodFiles(kube, namespace, pod, objects.MASTER_CONTAINER)


class _Jobs(JournalJobs):
    """The Jobs that have the journal volumes, as places to put a file into."""

    def put(self, ordinal: int, source: Path, path: str, patience: Patience) -> None:
        """Put a file into one volume."""
        claim = self.claims[ordinal]["name"]

        def say(text: str) -> None:
            patience.pause(f"{source.name} in the journal volume {claim}: {text}", 0)

        PodFiles(self.kube, self.namespace, self._pods[ordinal], CONTAINER, say).place(source, path)


def _put(
    kube: Kube, options: Options, claims: Sequence[Mapping[str, Any]], source: Path, path: str
) -> None:
    """Put a file into each of the volumes; into one, where all claims lead to the same."""
    values: Json = options["values"]
    claims = claims[:1] if journal.is_shared(values) else claims
    patience = Patience(options["wait_timeout_s"])
    wanted = journal.Wanted.from_values(
        options["namespace"], options["release"], values, cluster=objects.cluster_uid(kube)
    )
    with _Jobs(kube, wanted, claims, values) as jobs:
        jobs.clear(patience)
        jobs.start()
        jobs.states(patience)
        for claim in claims:
            jobs.put(int(claim["ordinal"]), source, path, patience)
