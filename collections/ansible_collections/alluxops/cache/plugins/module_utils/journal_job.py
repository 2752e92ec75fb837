"""The Job that looks into a journal volume and formats it, and the scripts that it and the masters' containers run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import host_shared, own_pods
from ansible_collections.alluxops.cache.plugins.module_utils.journal import (
    MARKER,
    UNFINISHED,
    Wanted,
    journal_folder,
)

Json = dict[str, Any]

TASK = "journal"
JOB_LIFETIME_S = 600
ASK_ROUNDS = 4


def java_options(values: Mapping[str, Any], release: str, ordinal: int) -> list[str]:
    """The -D options that make `alluxio formatJournal` format what the release's master of that number will read."""
    journal = values.get("journal") or {}
    kind = str(journal.get("type") or "UFS")
    host = f"{release}-master-{ordinal}"
    properties: dict[str, str] = {
        "alluxio.master.hostname": host,
        "alluxio.master.journal.type": kind,
        "alluxio.master.journal.folder": journal_folder(values),
    }
    for source in (values.get("properties"), (values.get("master") or {}).get("properties")):
        for key, value in (source or {}).items():
            # Only what says where and how the journal lies: the rest may name things a Job has not mounted.
            if key.startswith("alluxio.master.journal."):
                properties[key] = str(value)
    # A backup to start from is the masters' affair.
    properties.pop("alluxio.master.journal.init.from.backup", None)
    return [f"-D{key}={value}" for key, value in properties.items()]


# Runs in the release's image with nothing but a POSIX shell, find and base64. It prints one line of JSON, which
# journal.read_journal judges, and then waits to be told to format or to be deleted, so that looking and formatting cost
# one pod start.
LOOK = r"""
set -u
quote() { tr '\n\t' '  ' | tr -d '"\\\000-\037'; }
first() { find . "$@" -print 2>/dev/null | head -n 1 | quote; }
look() {
  if ! cd "$JOURNAL" 2>/dev/null; then
    echo 'journal-state {"error":"cannot enter the volume"}'
    return
  fi
  # A master that runs may remove a file meanwhile.
  # What a file system keeps for itself is root's, and no journal's.
  error=$(find . -mindepth 1 -path ./lost+found -prune -o -print 2>&1 >/dev/null |
    grep -v 'No such file' | head -n 3 | quote)
  [ -n "$error" ] || [ -w . ] || error="not writable by uid $(id -u)"
  unformatted=$(for folder in ./*/v1; do
    [ -d "$folder" ] || continue
    [ -n "$(find "$folder" -maxdepth 1 -name '_format_*')" ] || echo "$folder"
  done | head -n 1 | quote)
  raft=
  [ ! -d raft ] || raft=raft
  files=$(find . -mindepth 1 ! -type d ! -name '.alluxops*' ! -name UNFINISHED ! -path './lost+found*' \
    ! -path './.snapshot*' ! -path './raft/*' ! -path './*/v1/*' ! -path './alluxops-*/*' -print 2>/dev/null |
    head -n 5 | quote)
  # One that is there and tells nothing (another owner's, empty, a bad disk) is not one that is missing.
  marker=$([ ! -e MARKER ] || base64 MARKER 2>/dev/null | tr -d '\n')
  marker_error=
  [ ! -e MARKER ] || [ -n "$marker" ] || marker_error=yes
  printf 'journal-state {"error":"%s","marker":"%s","marker_error":"%s","unfinished":"%s"' "$error" \
    "$marker" "$marker_error" "$([ -e UNFINISHED ] && echo yes)"
  printf ',"UFS_formatted":"%s","UFS_unformatted":"%s","UFS_records":"%s"' \
    "$(first -path './*/v1/_format_*')" "$unformatted" \
    "$(first -type f '(' -path './*/v1/logs/*' -o -path './*/v1/checkpoints/*' ')')"
  printf ',"EMBEDDED_formatted":"%s","EMBEDDED_records":"%s","files":"%s"}\n' "$raft" \
    "$(first -type f '(' -path './raft/*/current/log*' -o -path './raft/*/sm/*' ')')" "$files"
}
look
""".replace("MARKER", MARKER).replace("UNFINISHED", UNFINISHED)

STAY = f"\ntrap 'exit 0' TERM\nsleep {JOB_LIFETIME_S} & wait\n"

# $1: the journal's folder. $2: the marker in base64. Whole or not at all, so that no reader sees half a marker.
WRITE_MARKER = r"""
set -eu
umask 027
printf %s "$2" | base64 -d > "$1/MARKER.new"
sync "$1/MARKER.new" 2>/dev/null || sync
mv -f "$1/MARKER.new" "$1/MARKER"
""".replace("MARKER", MARKER)

READ_MARKER = f'[ ! -f "$1/{MARKER}" ] || base64 < "$1/{MARKER}"'

IS_MARKED = f'[ ! -e "$1/{MARKER}" ] || echo yes'

# Formats for the type in use and leaves what the other type keeps beside it. `alluxio formatJournal` does so for UFS;
# for EMBEDDED it would empty the whole volume, a UFS journal included, while a new embedded journal is merely one
# without raft/.
FORMAT = (
    r"""
set -eu
umask 027
[ "$1" = "$JOURNAL" ]
touch "$JOURNAL/UNFINISHED"
rm -f "$JOURNAL/MARKER"
case $JOURNAL_TYPE in
  EMBEDDED) rm -rf "$JOURNAL/raft" ;;
  *) alluxio formatJournal ;;
esac
""".replace("MARKER", MARKER).replace("UNFINISHED", UNFINISHED)
    + WRITE_MARKER
    + f'rm -f "$JOURNAL/{UNFINISHED}"\n'
)

# A nonce written through one claim is read through the others where they are one file system. Names in a folder on NFS
# may be seen late, so the reader lists the folder and tries again.
PROOF = host_shared.PROOF
WRITE_PROOF = f'umask 027; printf %s "$2" > "$1/{PROOF}"; sync "$1/{PROOF}" 2>/dev/null || sync'
# `|| true`: what is not there yet is looked for again.
READ_PROOF = f"""
tries={host_shared.RETRIES}
while [ "$tries" -gt 0 ]; do
  ls -a "$1" >/dev/null
  found=$(cat "$1/{PROOF}" 2>/dev/null || true)
  [ "$found" != "$2" ] || exit 0
  tries=$((tries - 1))
  sleep 0.5
done
echo "${{found:-nothing}}"
exit 1
"""
END_PROOF = f'rm -f "$1/{PROOF}"'

# $2 and on: host:port of each server. Asked from a pod, as the cluster's names mean nothing on its nodes. One that has
# srvr switched off says so, and is there. An election may be under way, so they are asked again. Prints the last round.
ASK_ZOOKEEPER = f"""
shift
tries={ASK_ROUNDS}
while [ "$tries" -gt 0 ]; do
  tries=$((tries - 1))
  told=
  for address in "$@"; do
    said=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf srvr >&3 && cat <&3' bash \\
      "${{address%:*}}" "${{address##*:}}" 2>&1)
    case $said in *Mode:*|*whitelist*) exit 0 ;; esac
    told="$told$address: $(echo "${{said:-no answer within 3 s}}" | sed 's/^bash: line 1: //; s/^bash: connect: //; q')
"
  done
  [ "$tries" -eq 0 ] || sleep "${{ASK_PAUSE_S:-5}}"
done
printf %s "$told"
exit 1
"""


def script(text: str, *arguments: str) -> list[str]:
    """The command that runs a script with arguments."""
    return ["/bin/sh", "-c", text, "sh", *arguments]


def job_name(claim: str) -> str:
    """Name of the Job that looks into a claim's volume: always the same, so that the next run finds it."""
    return f"alluxops-{claim}"[:63].rstrip("-")


def job(
    wanted: Wanted, claim: Mapping[str, Any], values: Mapping[str, Any], node: str = ""
) -> Json:
    """The Job that looks into one journal volume, in the release's own image and as the master's own user.

    node: where a master's pod has the volume already; a volume that one node has at a time can be seen there only.
    """
    image = own_pods.image_of(values)
    folder = journal_folder(values)
    options = " ".join(java_options(values, wanted.release, int(claim["ordinal"])))
    container = {
        "name": "journal",
        **image.runs(),
        "command": ["/bin/sh", "-c", LOOK + STAY],
        "env": [
            {"name": "JOURNAL", "value": folder},
            {"name": "JOURNAL_TYPE", "value": wanted.journal_type},
            {"name": "ALLUXIO_JAVA_OPTS", "value": options},
        ],
        "volumeMounts": [{"name": "journal", "mountPath": folder}],
        "securityContext": own_pods.NARROW,
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }
    pod = own_pods.spec(
        image.pull_secrets,
        grace_s=2,
        # The volume decides the node; a taint there must not keep a short look out.
        tolerations=[{"operator": "Exists"}],
        securityContext=image.security_context(),
        containers=[container],
        volumes=[{"name": "journal", "persistentVolumeClaim": {"claimName": claim["name"]}}],
    )
    if node:
        pod["affinity"] = own_pods.on_nodes([node])
    metadata = {
        "name": job_name(claim["name"]),
        "namespace": wanted.namespace,
        "labels": own_pods.labels(wanted.release, TASK),
    }
    return own_pods.job(metadata, pod, lifetime_s=JOB_LIFETIME_S)
