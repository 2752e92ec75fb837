"""Turning a single master's journal into one of another type: the pod that does it alone, and its commands. Pure.

The masters are stopped, and one pod of the master's own template starts the master where nobody reaches it: its name
resolves to the pod itself, and no Service selects it. So nothing is written between the backup and its restore.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import backup, journal, own_pods
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError

Json = dict[str, Any]

TASK: Final = "journal-conversion"
MASTER: Final = "alluxio-master"
MARGIN_S: Final = 600
"""How long all takes that is neither a start of the master nor a backup."""
RAFT: Final = "raft"
"""Directory of an embedded journal in the journal's folder; a UFS journal has one for each of its parts."""
LOG: Final = "/tmp/master.log"  # noqa: S108 - in a pod of ours
PID: Final = "/tmp/master.pid"  # noqa: S108 - in a pod of ours
QUIET: Final = {
    # There is no job master: each attempt to have a file persisted would keep the journal locked for 2 min, and the
    # backup waiting.
    "alluxio.user.rpc.retry.max.duration": "5sec",
    "alluxio.master.persistence.scheduler.interval": "1hour",
    "alluxio.master.persistence.checker.interval": "1hour",
    # A path whose TTL runs out before the last count would look lost. Alluxio keeps TTLs in buckets as long as this
    # interval and acts on a bucket once that has passed: the first one ends in 2069. The masters act on them later.
    "alluxio.master.ttl.checker.interval": "36500day",
}
_PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle")
_KEPT_OF_POD: Final = (
    "automountServiceAccountToken",
    "dnsPolicy",
    "enableServiceLinks",
    "imagePullSecrets",
    "nodeSelector",
    "priorityClassName",
    "securityContext",
    "serviceAccountName",
    "tolerations",
    "volumes",
)


def pod_name(release: str) -> str:
    """Name of the pod: always the same, so that the next run finds it."""
    return f"{release}-journal-conversion"


def type_in_use(marker: journal.Marker | None, wanted: journal.Wanted) -> journal.JournalType:
    """Of which type the journal is that masters served from last: the marker's, else the one that the release names.

    wanted: the release, with its type. A release may name the older one: where a run was killed between the conversion
    and the upgrade of the release, or where the release was put back. Raises SettingsError where the volume is not to
    be touched.
    """
    if marker is None:
        return wanted.journal_type
    if not wanted.owns(marker, 0):
        raise SettingsError(
            f"the journal volume of master 0 belongs to master {marker.ordinal} of release {marker.release} in"
            f" namespace {marker.namespace or '?'}, says its marker.",
            "Two that use one journal destroy it.",
            f"see that nothing else runs on it, remove {journal.MARKER} from it, and run again.",
        )
    if marker.restoring:
        raise SettingsError(
            f"a restore of {marker.restoring} into the journal did not end.",
            "It may hold a part of the backup only.",
            "run that restore again.",
        )
    return "EMBEDDED" if (marker.journal_type or wanted.journal_type) == "EMBEDDED" else "UFS"


def lifetime_s(start_s: float, backup_s: float) -> int:
    """How long the pod may live: three starts, a backup written and read. One that a dead run left ends at last."""
    return int(3 * start_s + 2 * backup_s) + MARGIN_S


def pod(masters_set: Mapping[str, Any], release: str, lifetime_s: int) -> Json:
    """The pod that has all that master 0 has, and starts nothing by itself."""
    spec = masters_set["spec"]["template"]["spec"]
    name = f"{masters_set['metadata']['name']}-0"
    container = next(item for item in spec["containers"] if item["name"] == MASTER)
    container = {key: value for key, value in container.items() if key not in _PROBES}
    container["command"] = ["/bin/bash", "-c"]
    container["args"] = [f"trap 'exit 0' TERM\nsleep {lifetime_s} & wait"]
    container["env"] = [
        {"name": item["name"], "value": name} if item["name"] == "ALLUXIO_MASTER_HOSTNAME" else item
        for item in container.get("env") or []
    ]
    kept = {key: spec[key] for key in _KEPT_OF_POD if key in spec}
    claims = masters_set["spec"].get("volumeClaimTemplates") or []
    volumes = [
        {
            "name": claim["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}"},
        }
        for claim in claims
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(release),
            "namespace": masters_set["metadata"]["namespace"],
            "labels": own_pods.labels(release, TASK),
        },
        "spec": {
            **kept,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": lifetime_s,
            "terminationGracePeriodSeconds": 5,
            # Master 0 is this pod, and nobody else: clients ask the Services, which do not select it.
            "hostAliases": [
                *(spec.get("hostAliases") or []),
                {"ip": "127.0.0.1", "hostnames": [name]},
            ],
            "containers": [container],
            "volumes": [*(kept.get("volumes") or []), *volumes],
        },
    }


def properties(journal_type: str, release: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What makes a lone master keep a journal of this type, whatever the release's settings say."""
    found = {"alluxio.master.journal.type": journal_type, **QUIET}
    if journal_type == "EMBEDDED":
        port = ((values.get("master") or {}).get("ports") or {}).get("embedded", 19200)
        found["alluxio.master.embedded.journal.addresses"] = f"{release}-master-0:{port}"
        found["alluxio.master.embedded.journal.port"] = str(port)
    return found


def _environment(given: Mapping[str, str]) -> str:
    """Shell text: the properties, after the role's own, where the last one wins; for servers and commands alike."""
    options = " ".join(f"-D{key}={value}" for key, value in given.items())
    lines = [
        f'export {name}="${{{name}:-}} "{shlex.quote(options)}'
        for name in ("ALLUXIO_JAVA_OPTS", "ALLUXIO_MASTER_JAVA_OPTS", "ALLUXIO_USER_JAVA_OPTS")
    ]
    return "\n".join(lines) + "\n"


def start(given: Mapping[str, str]) -> str:
    """Shell text that starts the master in the background."""
    return (
        f"set -eu\n{_environment(given)}"
        f"nohup /entrypoint.sh master-only --no-format > {LOG} 2>&1 < /dev/null &\necho $! > {PID}\n"
    )


# `|| true`: one that has ended by itself is not there to be told; the next line sees to it.
STOP: Final = (
    f'pid=$(cat {PID}) && kill "$pid" 2>/dev/null || true\n'
    'for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || exit 0; sleep 0.1; done\n'
    'kill -9 "$pid"; exit 1\n'
)
"""Shell text that stops it, and fails where it had to be killed."""

IS_ALIVE: Final = f'kill -0 "$(cat {PID})" 2>/dev/null'
LAST_WORDS: Final = f"tail -n 40 {LOG}"


def take_backup(given: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Shell text that backs the running master up into its journal's volume."""
    folder = shlex.quote(backup.folder_in_journal(journal.journal_folder(values)))
    return (
        f"set -eu\numask 077\nmkdir -p {folder}\n{_environment(given)}"
        f"alluxio fsadmin backup {folder} --local --allow-leader\n"
    )


def empty_journal(journal_type: str, given: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Shell text that leaves an empty journal of this type beside the one of the other type.

    Not `formatJournal` for an embedded one: that empties the whole folder, with the other journal and the backup in it.
    """
    if journal_type == "EMBEDDED":
        return f"rm -rf {shlex.quote(journal.journal_folder(values))}/{RAFT}\n"
    return f"set -eu\numask 027\n{_environment(given)}alluxio formatJournal\n"
