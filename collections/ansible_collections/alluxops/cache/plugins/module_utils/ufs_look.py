"""The Job that lists a directory of the root under store before there is a cache to list it.

Alluxio lists an under store only through a master. So the Job runs one for a few seconds, in the release's own image
and with its credentials: alone, with a new journal that lies in the pod, knowing of no path and so touching none.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import own_pods, tolerations

Json = dict[str, Any]

TASK: Final = "ufs-look"
CONTAINER: Final = "look"
READER: Final = "read"
"""A container beside it, whose clients talk to the release itself and not to the Job's own master."""
LIFETIME_S: Final = 600
READING_LIFETIME_S: Final = 24 * 3600
"""Of a Job that files are read in; one that outlives its run is removed by the next run, or ends then."""
READER_HOST: Final = "alluxops-check"
"""What its clients call their host: none that a worker is on, as no worker's files can be read past the worker."""
FOLDER: Final = "/tmp/alluxops-look"  # noqa: S108 - in the pod, where nobody else is
FOLDER_LIMIT: Final = "256Mi"
"""Of the memory that FOLDER lies in: an empty journal, logs, and the names of what is listed."""
ROOT_UFS: Final = "alluxio.master.mount.table.root.ufs"
EMPTY_ROOT: Final = f"{FOLDER}/root"
"""A root for a master that is to mount other stores: a directory of the pod, and not the release's."""
_NOT_ITS_OWN: Final = (
    "alluxio.zookeeper.",
    "alluxio.master.journal.",
    "alluxio.master.embedded.",
    "alluxio.master.rpc.addresses",
    "alluxio.master.hostname",
    "alluxio.master.metastore",
    "alluxio.metrics.",
)
_OWN: Final = {
    "alluxio.master.hostname": "localhost",
    "alluxio.master.journal.type": "UFS",
    "alluxio.master.journal.folder": f"{FOLDER}/journal",
    "alluxio.master.journal.tailer.shutdown.quiet.wait.time": "10ms",
    "alluxio.master.metastore": "HEAP",
    "alluxio.master.update.check.enabled": "false",
    # It has no workers to wait for; until then it is in safe mode and lists nothing.
    "alluxio.master.worker.connect.wait.time": "10ms",
    "alluxio.user.file.metadata.sync.interval": "0",
}


_WORKER: Final = {
    "alluxio.worker.hostname": "localhost",
    "alluxio.worker.ramdisk.size": "64MB",
    "alluxio.worker.tieredstore.levels": "1",
    "alluxio.worker.tieredstore.level0.alias": "MEM",
    "alluxio.worker.tieredstore.level0.dirs.path": f"{FOLDER}/tier",
    "alluxio.worker.tieredstore.level0.dirs.quota": "64MB",
}
"""Of a worker that passes on what it reads from the stores, and keeps nothing."""


def job_name(release: str) -> str:
    """Name of the Job: always the same, so that the next run finds what a dead one left."""
    return f"{release}-ufs-look"


def java_options(values: Mapping[str, Any], root: str = "", *, reads: bool = False) -> str:
    """The release's properties for a master of its own, as ALLUXIO_JAVA_OPTS. root: another root than its.

    reads: for a worker too.
    """
    properties: dict[str, str] = {}
    for source in (values.get("properties"), (values.get("master") or {}).get("properties")):
        for key, value in (source or {}).items():
            if not str(key).startswith((*_NOT_ITS_OWN, *(("alluxio.worker.",) if reads else ()))):
                properties[str(key)] = str(value)
    own = {**_OWN, **({ROOT_UFS: root} if root else {}), **(_WORKER if reads else {})}
    return " ".join(f"-D{key}={value}" for key, value in {**properties, **own}.items())


MASTER_IN_BACKGROUND: Final = f"""
mkdir -p {FOLDER}/journal {EMPTY_ROOT}
cd {FOLDER}
if ! alluxio formatJournal > format.log 2>&1; then tail -n 20 format.log >&2; exit 1; fi
/entrypoint.sh master-only --no-format > /dev/null 2>&1 < /dev/null 3<&- &
master=$!
"""
"""Shell text that starts a master; what it logs may hold the options of mounts, and goes nowhere."""
END_MASTER: Final = 'kill "$master" 2> /dev/null'
WORKER_IN_BACKGROUND: Final = f"""
mkdir -p {FOLDER}/tier
/entrypoint.sh worker-only --no-format > /dev/null 2>&1 < /dev/null 3<&- &
worker=$!
"""
"""Shell text that starts a worker of that master."""
END_WORKER: Final = 'kill "$worker" 2> /dev/null'


def script(folder: str, *, deep: bool = False) -> str:
    """Shell text that lists a directory of the cache, and says how the master fared when it cannot."""
    listing = f"ls {'-R ' if deep else ''}{shlex.quote(folder)}"
    return f"""
set -eu
mkdir -p {FOLDER}/journal
cd {FOLDER}
if ! alluxio formatJournal > format.log 2>&1; then tail -n 20 format.log >&2; exit 1; fi
/entrypoint.sh master-only --no-format > master.log 2>&1 &
master=$!
# A client gives up after some seconds; a master that has yet to reach the store takes longer.
for attempt in 1 2 3 4 5 6 7 8; do
  code=0
  alluxio fs {listing} > listed 2>&1 || code=$?
  kill -0 "$master" 2> /dev/null || break
  grep -q -e 'Failed to connect to master' -e 'safe mode' listed || break
  sleep 1
done
cat listed
if [ "$code" != 0 ]; then tail -n 40 master.log >&2; fi
kill "$master" 2> /dev/null || true
exit "$code"
"""


def is_missing(text: str) -> bool:
    """Whether the listing says that there is no such directory."""
    return "does not exist" in text


def job(
    namespace: str, release: str, values: Mapping[str, Any], *, root: str = "", reads: bool = False
) -> Json:
    """The Job. Its pod waits to be told what to list, or to be deleted. root, reads: as in java_options().

    reads: with the container READER too.
    """
    image = own_pods.image_of(values)
    lifetime_s = READING_LIFETIME_S if reads else LIFETIME_S
    waits = ["/bin/sh", "-c", f"trap 'exit 0' TERM\nsleep {lifetime_s} & wait\n"]
    environment = {
        **((values.get("master") or {}).get("env") or {}),
        "ALLUXIO_JAVA_OPTS": java_options(values, root, reads=reads),
        "ALLUXIO_MASTER_JAVA_OPTS": "-Xmx256m -XX:+UseSerialGC",
        "ALLUXIO_USER_JAVA_OPTS": "-Xmx256m -XX:+UseSerialGC",
        "ALLUXIO_WORKER_JAVA_OPTS": "-Xmx256m -XX:MaxDirectMemorySize=128m -XX:+UseSerialGC",
        "ALLUXIO_CLIENT_HOSTNAME": "localhost",
        "ALLUXIO_MASTER_HOSTNAME": "localhost",
    }
    volumes, mounts = _volumes(values)
    container = {
        "name": CONTAINER,
        **image.runs(),
        "command": waits,
        "env": [{"name": name, "value": str(value)} for name, value in environment.items()],
        "volumeMounts": mounts,
        "securityContext": own_pods.NARROW,
        "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}},
    }
    reader = {
        "name": READER,
        **image.runs(),
        "command": waits,
        "envFrom": [{"configMapRef": {"name": f"{release}-config"}}],
        "env": [{"name": "ALLUXIO_CLIENT_HOSTNAME", "value": READER_HOST}],
        "securityContext": own_pods.NARROW,
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
    }
    pod = own_pods.spec(
        image.pull_secrets,
        grace_s=2,
        securityContext=image.security_context(),
        tolerations=tolerations.of(values, "master"),
        containers=[container, reader] if reads else [container],
        volumes=volumes,
    )
    for key in ("nodeSelector", "hostAliases"):
        if values.get(key):
            pod[key] = values[key]
    metadata = {
        "name": job_name(release),
        "namespace": namespace,
        "labels": own_pods.labels(release, TASK),
    }
    return own_pods.job(metadata, pod, lifetime_s=lifetime_s)


def _volumes(values: Mapping[str, Any]) -> tuple[list[Json], list[Json]]:
    """(volumes, mounts) of what the Job writes, and that a master of the release reaches its store with."""
    # A master journals the mounts of datasets with their credentials; in memory they never reach a disk.
    memory = {"medium": "Memory", "sizeLimit": FOLDER_LIMIT}
    volumes: list[Json] = [{"name": "look", "emptyDir": memory}]
    mounts: list[Json] = [{"name": "look", "mountPath": FOLDER}]
    for kind, source in (("secrets", "secret"), ("configmaps", "configMap")):
        for number, (name, path) in enumerate(
            ((values.get(kind) or {}).get("master") or {}).items()
        ):
            key = "secretName" if source == "secret" else "name"
            mode = {"defaultMode": 0o440} if source == "secret" else {}
            volumes.append({"name": f"{kind}-{number}", source: {key: name, **mode}})
            mounts.append(
                {"name": f"{kind}-{number}", "mountPath": f"/{kind}/{path}", "readOnly": True}
            )
    for number, mount in enumerate(values.get("mounts") or []):
        volumes.append(
            {"name": f"mount-{number}", "persistentVolumeClaim": {"claimName": mount["name"]}}
        )
        mounts.append({"name": f"mount-{number}", "mountPath": mount["path"], "readOnly": True})
    return volumes, mounts
