"""What Helm knows of a release, and what to do about it. Pure functions over Helm's JSON and text.

Runs on kube_control: standard library only, Python 3.9.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RUN_LABEL = "alluxops.io/run"
"""Label of a revision's Secret: "HOST.TOKEN", on which host and by which user its Helm ran, and a token of that run.

Their lock tells whether the Helm still runs. Helm hands labels down from revision to revision, also to one
made by hand: a revision with the same token as the one before it is not ours.
"""

STEP_LABEL = "alluxops.io/step"
"""Label of a revision's Secret: which step of a run made it."""
WHOLE_STEP = "whole"
MASTERS_STEP = "masters"
"""An upgrade's first revision: the masters are taken on, the workers wait. Nothing goes back to it."""
RESTORE_STEP = "restore"
"""A rollback's first revision, where it restores a backup: the older Alluxio, told to start from it."""

_BUSY = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")
_GOOD = ("deployed", "superseded")
_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")
_SOURCE = re.compile(r"^# Source: .*\n", re.MULTILINE)
_KIND = re.compile(r"^kind: *[\"']?([A-Za-z0-9]+)", re.MULTILINE)
_NAME = re.compile(r"^metadata:(?:\n[ \t]+.*)*?\n {2}name: *[\"']?([^\s\"']+)", re.MULTILINE)
_NO_REPLICAS = re.compile(r"^ {2}replicas: *0 *$", re.MULTILINE)
_HEADLESS = re.compile(r"^ {2}clusterIP: *[\"']?None\b", re.MULTILINE)
_SERVERS = re.compile(r"StatefulSet .*-master$|DaemonSet .*-worker$")
_SECRET_VALUE = re.compile(r"^(\s+[^\s:#][^:]*:)\s*(\S.*)$")


@dataclass(frozen=True)
class Revision:
    """One entry of `helm history`."""

    number: int
    status: str
    chart: str = ""
    app_version: str = ""


@dataclass(frozen=True)
class Release:
    """A release as stored, or as Helm would store it. chart: "name-version"; config: the values given."""

    manifest: str
    hooks: str
    config: Mapping[str, Any]
    chart: str = ""
    app_version: str = ""


@dataclass(frozen=True)
class Decision:
    """What a run has to do. reasons: why, in words; empty for "none"."""

    action: str
    reasons: tuple[str, ...]


def revisions(history: Sequence[Mapping[str, Any]]) -> list[Revision]:
    """`helm history -o json` as revisions, oldest first."""
    found = [
        Revision(
            int(entry["revision"]),
            str(entry["status"]).lower(),
            str(entry.get("chart", "")),
            str(entry.get("app_version", "")),
        )
        for entry in history
    ]
    return sorted(found, key=lambda revision: revision.number)


def busy(history: Sequence[Revision]) -> list[Revision]:
    """Revisions that a Helm is working on, or was when it died."""
    return [revision for revision in history if revision.status in _BUSY]


def shown_busy(busy: Sequence[Revision]) -> list[dict[str, Any]]:
    """The same for a result: [{revision, status}]."""
    return [{"revision": one.number, "status": one.status} for one in busy]


def last_good(history: Sequence[Revision], before: int | None = None) -> int | None:
    """The revision to go back to: the newest that was deployed, older than `before`."""
    numbers = [
        one.number
        for one in history
        if one.status in _GOOD and (before is None or one.number < before)
    ]
    return max(numbers) if numbers else None


def stops_masters(found: Release, release: str) -> bool:
    """Whether a revision runs no master, as one does that a change of the journal's type began with.

    Its settings name the type that the journal had before.
    """
    text = documents(found.manifest).get(f"StatefulSet {release}-master", "")
    return bool(_NO_REPLICAS.search(text))


def is_dead(revision: Mapping[str, Any], before: Mapping[str, Any] | None, host: str) -> bool:
    """Whether the Helm that works on a revision must be dead, known while the lock on the release is ours.

    revision, before: the labels of its Secret and of the one before it. host: as in RUN_LABEL.
    """
    run = str(revision.get(RUN_LABEL) or "")
    return run.split(".", 1)[0] == host and run != (before or {}).get(RUN_LABEL)


def from_helm(found: Mapping[str, Any], revision: Revision | None = None) -> Release:
    """A Release from the JSON of `helm upgrade --dry-run`; or of `helm status`, with the revision to tell the chart."""
    metadata = (found.get("chart") or {}).get("metadata") or {}
    name = f"{metadata.get('name', '')}-{metadata.get('version', '')}"
    hooks = "\n".join(f"---\n{hook.get('manifest', '')}" for hook in found.get("hooks") or [])
    return Release(
        manifest=str(found.get("manifest", "")),
        hooks=hooks,
        config=found.get("config") or {},
        chart=revision.chart if revision is not None else name,
        app_version=revision.app_version
        if revision is not None
        else str(metadata.get("appVersion", "")),
    )


def documents(manifest: str) -> dict[str, str]:
    """The objects of a manifest: "Kind name" -> text, without the lines that say which template made them."""
    found: dict[str, str] = {}
    for text in re.split(r"^---[ \t]*$", manifest, flags=re.MULTILINE):
        body = _SOURCE.sub("", text).strip("\n")
        kind, name = _KIND.search(body), _NAME.search(body)
        if kind is None:
            continue
        key = f"{kind.group(1)} {name.group(1) if name else ''}".strip()
        found[key] = f"{found[key]}\n---\n{body}" if key in found else body
    return found


def decide(
    current: Release | None, status: str, wanted: Release, gone: Sequence[str] = ()
) -> Decision:
    """Whether a release has to be installed, upgraded, or left alone. gone: its objects that the cluster lacks."""
    if current is None:
        return Decision("install", ("there is no release",))
    reasons = []
    if status != "deployed":
        reasons.append(f"its last revision is {status}")
    if current.chart != wanted.chart or current.app_version != wanted.app_version:
        reasons.append(f"chart {current.chart} becomes {wanted.chart}")
    before, after = documents(current.manifest), documents(wanted.manifest)
    changed = sorted(key for key in {**before, **after} if before.get(key) != after.get(key))
    if changed:
        reasons.append("changed: " + ", ".join(changed))
    if documents(current.hooks) != documents(wanted.hooks):
        reasons.append("changed: hooks")
    if gone:
        reasons.append("gone from the cluster: " + ", ".join(gone))
    if not reasons and dict(current.config) != dict(wanted.config):
        reasons.append("the values given differ, without effect on any object")
    return Decision("upgrade" if reasons else "none", tuple(reasons))


def redacted(text: str, key: bytes) -> str:
    """An object's text; a Secret's values become marks that differ where the values do. key: random, one per run."""
    kind = _KIND.search(text)
    if kind is None or kind.group(1) != "Secret":
        return text
    lines, inside = [], False
    for line in text.splitlines():
        if line and not line[0].isspace():
            inside = line.startswith(("data:", "stringData:"))
        elif inside and line.strip():
            match = _SECRET_VALUE.match(line)
            mark = hashlib.blake2b(line.encode(), key=key, digest_size=4).hexdigest()
            lines.append(f"{match.group(1)} (hidden {mark})" if match else f"  (hidden {mark})")
            continue
        lines.append(line)
    return "\n".join(lines)


def diff(before: str, after: str, key: bytes) -> dict[str, str]:
    """Ansible's {before, after}: only the objects that differ, Secrets redacted."""
    old, new = documents(before), documents(after)
    changed = sorted(name for name in {**old, **new} if old.get(name) != new.get(name))
    return {side: _joined(found, changed, key) for side, found in (("before", old), ("after", new))}


def _joined(found: Mapping[str, str], names: Sequence[str], key: bytes) -> str:
    return "".join(f"---\n{redacted(found[name], key)}\n" for name in names if name in found)


def step_label(step: str, goal: int) -> str:
    """The value of STEP_LABEL. goal: the revision that a restore is on its way to, for the next run to know."""
    return f"{RESTORE_STEP}-{goal}" if step == RESTORE_STEP else step


def restore_goal(label: str) -> int:
    """The revision that a restore is on its way to, from STEP_LABEL's value; 0 for any other step."""
    step, _, goal = label.partition("-")
    return int(goal) if step == RESTORE_STEP and goal.isdigit() else 0


def install_only(found: Mapping[str, Any]) -> list[str]:
    """ConfigMaps that the chart made hooks of its installation: Helm changes them neither on upgrade nor on rollback.

    found: the JSON of `helm upgrade --dry-run` or `helm status`. Alluxio's own charts do so with all their settings.
    """
    return [
        str(hook.get("manifest", ""))
        for hook in found.get("hooks") or []
        if hook.get("kind") == "ConfigMap"
        and "pre-install" in (hook.get("events") or [])
        and not {"pre-upgrade", "post-upgrade"} & set(hook.get("events") or [])
    ]


def other_selectors(current: Release | None, wanted: Release) -> list[str]:
    """Workloads, as "Kind name", that would select their pods by other labels, which Kubernetes cannot change in place.

    Alluxio's own charts have the chart's version in the selectors of FUSE and proxy.
    """
    return sorted(
        key
        for key, before, after in _kept(current, wanted)
        if key.split()[0] in _WORKLOADS and _selector(before) != _selector(after)
    )


def other_addresses(current: Release | None, wanted: Release) -> list[str]:
    """Services, as "Service name", that would be headless and are not, or the other way round.

    Kubernetes refuses to take an address away; where one would be given, it leaves the Service headless without a word.
    """
    return sorted(
        key
        for key, before, after in _kept(current, wanted)
        if key.split()[0] == "Service"
        and bool(_HEADLESS.search(before)) != bool(_HEADLESS.search(after))
    )


def preparation(
    found: Mapping[str, Any],
    current: Release | None,
    wanted: Release,
    *,
    goal: int = 0,
    leaves: int = 0,
) -> dict[str, Any]:
    """What the controller does before Helm's turn: ConfigMaps to write, objects to delete, pins to note.

    found: as in install_only. goal, leaves: the revisions that a rollback goes to and leaves; the objects of both then
    go along, for the controller to judge: Helm's host may lack a YAML parser.
    """
    replace = other_selectors(current, wanted) + other_addresses(current, wanted)
    steps: dict[str, Any] = {"hooks": install_only(found), "replace": replace}
    steps["servers"] = changed_servers(current, wanted)
    both = {"goal": goal, "leaves": leaves, "objects": shown(wanted), "left": shown(current)}
    return {**steps, **both} if goal else steps


def changed_servers(current: Release | None, wanted: Release) -> list[str]:
    """The masters and workers, as "Kind name", that a change restarts, starts or stops: files may lose their pins."""
    if current is None:
        return []
    before, after = documents(current.manifest), documents(wanted.manifest)
    return sorted(key for key in before if _SERVERS.match(key) and before[key] != after.get(key))


def _kept(current: Release | None, wanted: Release) -> list[tuple[str, str, str]]:
    """The objects that are in both: (key, text before, text after)."""
    if current is None:
        return []
    before, after = documents(current.manifest), documents(wanted.manifest)
    return [(key, before[key], text) for key, text in after.items() if key in before]


def _selector(text: str) -> list[str]:
    """The lines of `spec.selector` of an object, in no order."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        if inside and line.startswith("   ") and line.strip():
            found.append(line.strip().replace('"', "").replace("'", ""))
        else:
            inside = line.rstrip() == "  selector:"
    return sorted(found)


def shown(release: Release | None) -> str:
    """All objects of a release but its Secrets, for what reads a result."""
    found = documents(whole(release))
    return "".join(f"---\n{text}\n" for key, text in found.items() if not key.startswith("Secret "))


def whole(release: Release | None) -> str:
    """All objects of a release, hooks too: some charts make their ConfigMap one."""
    return "" if release is None else f"{release.manifest}\n{release.hooks}"


def overrule(version: Sequence[int]) -> list[str]:
    """Flags with which a Helm of some version takes back fields that others have set since, as Helm 3 does by itself.

    Helm 4 refuses them as conflicts: the number of masters that a restore has stopped, or what someone has edited by
    hand. It can only overrule where the server applies, which it would not choose for a release that Helm 3 has made.
    """
    return ["--server-side=true", "--force-conflicts"] if version and version[0] >= 4 else []


def upgrade_command(
    release: str,
    chart: Sequence[str],
    *,
    values: str,
    timeout_s: int,
    label: str,
    overrule: Sequence[str] = (),
    step: str = WHOLE_STEP,
) -> list[str]:
    """Arguments of `helm upgrade --install`. timeout_s 0 renders only. overrule: what overrule() found for this Helm.

    Waiting and rolling back are left to the caller, who can say why pods do not start.
    """
    command = ["upgrade", "--install", release, *chart, "--values", values, "--reset-values"]
    if timeout_s == 0:
        return [*command, "--dry-run=server"]
    # On its way back to a revision, Helm must not forget it.
    most = "0" if restore_goal(step) else "10"
    return [
        *command,
        *("--timeout", f"{timeout_s}s", "--history-max", most),
        *overrule,
        *("--labels", f"{RUN_LABEL}={label},{STEP_LABEL}={step}"),
    ]


_EXPLANATIONS = (
    (
        ("Forbidden: updates to statefulset spec",),
        "Kubernetes cannot change this part of a StatefulSet in place, such as its volume claims.",
        "undo the change of journal size, storage class or access modes; the volumes that exist stay as they are.",
    ),
    (
        ("field is immutable",),
        "",
        "undo the change of that field, or remove the object first if losing it is meant.",
    ),
    (
        ("invalid ownership metadata", "cannot be imported into the current release"),
        "",
        "another release or person made that object; choose another alluxio_release, or remove the object.",
    ),
    (
        ("meet the specifications of the schema", "parse error", "execution error"),
        "",
        "correct the value named; it comes from alluxio_values or one of alluxio_values_files.",
    ),
    (
        ("unable to parse quantity", "quantities must match"),
        "",
        "write sizes as Kubernetes does, e.g. 1Gi or plain bytes.",
    ),
)


def explain(stderr: str) -> tuple[str, str]:
    """(cause, fix) for what Helm said; the cause is its own last words where nothing better is known."""
    words = last_words(stderr)
    for signs, cause, fix in _EXPLANATIONS:
        if any(sign in stderr for sign in signs):
            return cause or words, fix
    return words, ""


def last_words(stderr: str) -> str:
    """The error of a Helm run, without its warnings."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [
        line
        for line in lines
        if not line.upper().startswith(("WARNING", "W0", "I0")) and "level=WARN" not in line
    ]
    start = next(
        (number for number, line in enumerate(said) if line.startswith("Error:")),
        max(0, len(said) - 3),
    )
    return " ".join(said[start:]).replace("Error: ", "", 1) or "Helm gave no reason."
