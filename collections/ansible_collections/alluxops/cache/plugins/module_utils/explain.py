"""Why a pod does not start, or does not serve: from its status, its events and its last log lines to cause and fix.

Pure functions; the caller brings the JSON and the log text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.known_causes import CAUSES

Json = dict[str, Any]

HOPELESS_RESTARTS = 3
"""A container that failed this often will not come up by waiting."""

IMAGE_REASONS = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"}
)
HOPELESS_REASONS = IMAGE_REASONS | {
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
EVENT_REASONS = frozenset(
    {
        "FailedMount",
        "FailedAttachVolume",
        "FailedScheduling",
        "FailedCreate",
        "FailedCreatePodSandBox",
        "Evicted",
    }
)


_NOISE = re.compile(r"^\s*(at [\w.$<>]+\(|\.\.\. \d+ more|Caused by: $|$)")
_TELLING = re.compile(r"(ERROR|FATAL|Exception|Error|Failed|failed|refuse|denied|smaller than)")


def known_cause(texts: Iterable[str]) -> tuple[str, str, str] | None:
    """(line, cause, fix) of the first known signature in the texts; None when none is known."""
    # Of one text the last line counts most; of several texts the first.
    lines = [line for text in texts for line in reversed(text.splitlines())]
    for known in CAUSES:
        pattern = re.compile(known.signature)
        for line in lines:
            found = pattern.search(line)
            if found:
                groups = {
                    key.rstrip("2"): value for key, value in found.groupdict().items() if value
                }
                return line.strip(), _filled(known.cause, groups), _filled(known.fix, groups)
    return None


def _filled(text: str, groups: Mapping[str, str]) -> str:
    """A sentence with its groups, which reads on where one of them did not match."""
    return text.format_map(_Blank(groups)).replace(" .", ".").replace("  ", " ")


class _Blank(dict[str, str]):
    """Groups of a signature; one that did not match stands as nothing."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass(frozen=True)
class Trouble:
    """Something that keeps a pod from serving.

    hopeless: waiting longer cannot help. reason: short, for a waiting line. container: whose log tells more, or empty.
    message: the API's own words. previous: the log of the container's previous run is the one that tells.
    """

    pod: str
    node: str
    reason: str
    message: str = ""
    container: str = ""
    hopeless: bool = False
    previous: bool = False


def pod_trouble(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Trouble | None:
    """What keeps this pod (API JSON) from being ready, worst first; None when nothing does, or it is only starting."""
    name = pod["metadata"]["name"]
    node = pod.get("spec", {}).get("nodeName", "")
    status = pod.get("status", {})
    containers = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    for state in containers:
        trouble = _container_trouble(name, node, state)
        if trouble:
            return trouble
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            # The scheduler tries again when nodes or volumes change, so this is hopeless only if it stays so.
            return Trouble(name, node, "not scheduled", str(condition.get("message", "")))
    of_pod = sorted(of_object(events, "Pod", name), key=event_time, reverse=True)
    # A pod whose containers were started has got its volumes and its network: the kubelet tried again, and succeeded.
    is_past = any("waiting" not in (state.get("state") or {"waiting": {}}) for state in containers)
    for event in of_pod:
        if event.get("reason") in EVENT_REASONS and not is_past:
            return Trouble(name, node, str(event["reason"]), str(event.get("message", "")))
    return _unready(name, node, status, of_pod)


def reason(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Why a pod (API JSON) that is not ready is not, in one line: its trouble, else what it is at."""
    trouble = pod_trouble(pod, events)
    if trouble is not None:
        return _one_line(trouble)
    status = pod.get("status", {})
    for state in [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]:
        waiting = state.get("state", {}).get("waiting") or {}
        if waiting.get("reason"):
            return f"{state['name']}: {waiting['reason']}"
    phase = str(status.get("phase", ""))
    return "it runs, and its probes have not passed yet" if phase == "Running" else phase


def set_reason(kind: str, name: str, events: Sequence[Mapping[str, Any]]) -> str:
    """Why a StatefulSet or DaemonSet makes no pods, in one line; empty when nothing is known."""
    trouble = set_trouble(kind, name, events)
    return _one_line(trouble) if trouble is not None else ""


def _one_line(trouble: Trouble) -> str:
    told = f"{trouble.reason}: {trouble.message}" if trouble.message else trouble.reason
    return " ".join(told.split())


def _unready(
    pod: str, node: str, status: Mapping[str, Any], of_pod: Sequence[Mapping[str, Any]]
) -> Trouble | None:
    """A container that runs and that its probe has called unhealthy: mostly it is only starting, so there is hope."""
    running = {
        str(state["name"])
        for state in status.get("containerStatuses") or []
        if not state.get("ready") and "running" in state.get("state", {})
    }
    for event in of_pod:
        found = re.search(r"\{(.+)\}", str(event.get("involvedObject", {}).get("fieldPath", "")))
        if event.get("reason") == "Unhealthy" and found and found.group(1) in running:
            container = found.group(1)
            message = str(event.get("message", ""))
            return Trouble(pod, node, f"{container} is not ready", message, container=container)
    return None


def _container_trouble(pod: str, node: str, state: Mapping[str, Any]) -> Trouble | None:
    container = str(state["name"])
    waiting = state.get("state", {}).get("waiting") or {}
    terminated = (
        state.get("state", {}).get("terminated")
        or state.get("lastState", {}).get("terminated")
        or {}
    )
    restarts = int(state.get("restartCount", 0))
    if waiting.get("reason") in HOPELESS_REASONS:
        return Trouble(
            pod,
            node,
            waiting["reason"],
            str(waiting.get("message", "")),
            container=container,
            hopeless=True,
        )
    failed = terminated and int(terminated.get("exitCode", 0)) != 0
    if failed and not state.get("ready"):
        reason = str(terminated.get("reason", "Error"))
        told = (
            f"{container} ended with {terminated.get('exitCode')} ({reason}), {restarts} restarts"
        )
        return Trouble(
            pod,
            node,
            "OOMKilled" if reason == "OOMKilled" else (waiting.get("reason") or "restarting"),
            f"{told}. {terminated.get('message', '')}".strip(),
            container=container,
            hopeless=restarts >= HOPELESS_RESTARTS,
            previous=bool(waiting) or "running" in state.get("state", {}),
        )
    return None


def set_trouble(kind: str, name: str, events: Sequence[Mapping[str, Any]]) -> Trouble | None:
    """Why a StatefulSet or DaemonSet makes no pods, from its events; None when nothing is known."""
    for event in sorted(of_object(events, kind, name), key=event_time, reverse=True):
        if event.get("reason") == "FailedCreate":
            message = str(event.get("message", ""))
            return Trouble(
                name, "", "FailedCreate", message, hopeless="violates PodSecurity" in message
            )
    return None


def of_object(events: Sequence[Mapping[str, Any]], kind: str, name: str) -> list[Mapping[str, Any]]:
    """The events of one object."""
    return [
        event
        for event in events
        if event.get("involvedObject", {}).get("kind") == kind
        and event.get("involvedObject", {}).get("name") == name
    ]


def event_time(event: Mapping[str, Any]) -> str:
    """When an event was last seen, ISO 8601; empty when it does not say."""
    return str(
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


def telling_lines(log: str, count: int = 3) -> list[str]:
    """The last lines of a log that say what went wrong, without stack frames; else simply the last ones."""
    lines = [line.rstrip() for line in log.splitlines() if not _NOISE.match(line)]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines)[-count:]


def failed(what: str, output: str, fix: str = "") -> tuple[str, str, str]:
    """(what, cause, fix) of an error about a command that failed with this output. fix: where that tells no cause."""
    told = "\n".join([what, *telling_lines(output)])
    known = known_cause([output])
    return (told, *known[1:]) if known else (told, "", fix)


def explain(
    trouble: Trouble, log: str, waited_s: float, namespace: str = ""
) -> tuple[str, str, str]:
    """(what, cause, fix) of an error about a pod. log: last lines of the container that has the trouble."""
    place = f" on node {trouble.node}" if trouble.node else ""
    what = f"{trouble.pod}{place} does not start: {trouble.reason} (waited {waited_s:.0f} s)."
    known = known_cause([log, trouble.message, trouble.reason])
    if known:
        line, cause, fix = known
        source = "Log" if line in log else "Kubernetes"
        return f"{what}\n{source}: {line}", cause, fix
    told = [f"\nKubernetes: {trouble.message}"] if trouble.message else []
    told += [f"\nLog: {line}" for line in telling_lines(log)]
    container = f" -c {trouble.container}" if trouble.container else ""
    previous = " --previous" if trouble.previous else ""
    kubectl = f"kubectl -n {namespace}" if namespace else "kubectl"
    look = f"`{kubectl} describe pod {trouble.pod}`"
    if trouble.container:
        look = f"`{kubectl} logs {trouble.pod}{container}{previous}` and {look}"
    return what + "".join(told), "", f"see {look}."
