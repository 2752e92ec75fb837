"""The Jobs of a benchmark: a reader beside each worker, with a mount of its own where it reads through FUSE. Pure.

A mount of its own, and not the release's: each run begins with an empty page cache and an empty metadata cache, short
circuit is on or off by the arm, nothing is copied from one worker to another, and no `fuse.enabled` is needed. It has
the release's own options of FUSE.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import (
    benchmark_reader,
    benchmark_store,
    network_pods,
    own_pods,
    tolerations,
)

Json = dict[str, Any]

CONTAINER: Final = "read"
FUSE_CONTAINER: Final = "fuse"
FOLDER: Final = "/benchmark"
TASK_FILE: Final = "task.json"
SHARED: Final = "/shared"
MOUNT: Final = f"{SHARED}/mount"
DONE: Final = f"{SHARED}/done"
DOMAIN: Final = "/opt/domain"
TASK: Final = "benchmark"
READER_USER: Final = 1000
LIFETIME_S: Final = 6 * 3600
"""A Job that outlives its run is removed by the next run, or ends then."""
REMEMBERED_S: Final = 600
KEEPING_OPTIONS: Final = ("kernel_cache", "auto_cache")
KEEPING_PROPERTIES: Final = (
    "alluxio.user.client.cache.enabled",
    "alluxio.fuse.shared.caching.reader.enabled",
)

# Ends with the reader, or when told to. What is still mounted then would keep the node from clearing the pod away.
MOUNT_SCRIPT: Final = f"""
mkdir -p {MOUNT}
/entrypoint.sh fuse "--fuse-opts=$FUSE_OPTIONS" {MOUNT} / &
fuse=$!
is_mounted() {{ grep -q ' {MOUNT} fuse' /proc/self/mounts; }}
end() {{
  kill "$fuse" 2> /dev/null
  for try in $(seq 50); do is_mounted || break; sleep 0.1; done
  if is_mounted; then umount -l {MOUNT} || fusermount3 -u -z {MOUNT} || fusermount -u -z {MOUNT}; fi
}}
trap 'end; exit 0' TERM
while [ ! -e {DONE} ]; do
  kill -0 "$fuse" 2> /dev/null || {{ end; exit 1; }}
  sleep 0.2 & wait $!
done
end
exit 0
"""


@dataclass(frozen=True)
class Way:
    """How readers reach the files. domain: over the domain socket; user: whom the cache takes the mount for.

    properties, options: of the mount, beside and in place of the release's.
    """

    fuse: bool = False
    domain: bool = False
    user: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    options: str = ""


def name_of(release: str) -> str:
    """Of the Job and its ConfigMap: always the same, so that the next run finds what a dead one left."""
    return f"{release}-benchmark"


def config_map(namespace: str, release: str, task: Mapping[str, Any]) -> Json:
    """The program and what it is to do; nothing in it is secret."""
    texts = {f"{name.rpartition('.')[2]}.py": text for name, text in _program().items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name_of(release),
            "namespace": namespace,
            "labels": own_pods.labels(release, TASK),
        },
        "data": {**texts, TASK_FILE: json.dumps(task)},
    }


def _program() -> dict[str, str]:
    """The program's modules by their full names."""
    return {
        module.__name__: Path(str(module.__file__)).with_suffix(".py").read_text(encoding="utf-8")
        for module in (benchmark_reader, benchmark_store)
    }


def _program_volume(release: str) -> Json:
    """The ConfigMap, with each module where Python looks for one of its name."""
    items = [
        {"key": f"{name.rpartition('.')[2]}.py", "path": f"{name.replace('.', '/')}.py"}
        for name in _program()
    ]
    items.append({"key": TASK_FILE, "path": TASK_FILE})
    return {"name": "program", "configMap": {"name": name_of(release), "items": items}}


def job(
    namespace: str,
    release: str,
    values: Mapping[str, Any],
    *,
    image: str,
    nodes: Sequence[str],
    secret: str,
    way: Way,
) -> Json:
    """The Job: a pod on each of these nodes. secret: with the credentials of the store; empty where none is needed."""
    labels = own_pods.labels(release, TASK)
    containers = [_reader(values, image, secret, mounts=way.fuse)]
    volumes = [_program_volume(release)]
    if way.fuse:
        containers.append(_fuse(values, release, way))
        volumes.append({"name": "shared", "emptyDir": {}})
        if way.domain:
            volumes.append(_domain_volume(values, release))
    pod = own_pods.spec(
        own_pods.image_of(values).pull_secrets,
        grace_s=20,
        affinity=_spread(nodes, labels),
        tolerations=tolerations.of(values, "worker"),
        containers=containers,
        volumes=volumes,
    )
    if values.get("hostAliases"):
        pod["hostAliases"] = values["hostAliases"]
    return own_pods.job(
        {"name": name_of(release), "namespace": namespace, "labels": labels},
        pod,
        lifetime_s=LIFETIME_S,
        remembered_s=REMEMBERED_S,
        completionMode="Indexed",
        completions=len(nodes),
        parallelism=len(nodes),
    )


def _reader(values: Mapping[str, Any], image: str, secret: str, *, mounts: bool) -> Json:
    environment: list[Json] = [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "PYTHONPATH", "value": FOLDER},
        {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        # Newer clients would have the store compute checksums that no reader of data asks for.
        {"name": "AWS_REQUEST_CHECKSUM_CALCULATION", "value": "when_required"},
        {"name": "AWS_RESPONSE_CHECKSUM_VALIDATION", "value": "when_required"},
        *network_pods.credentials(secret),
    ]
    volume_mounts: list[Json] = [{"name": "program", "mountPath": FOLDER, "readOnly": True}]
    if mounts:
        environment.append({"name": "DONE_FILE", "value": DONE})
        shared = {"name": "shared", "mountPath": SHARED, "mountPropagation": "HostToContainer"}
        volume_mounts.append(shared)
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": str(values.get("imagePullPolicy") or "IfNotPresent"),
        "command": ["python3", "-m", benchmark_reader.__name__, f"{FOLDER}/{TASK_FILE}"],
        "env": environment,
        "volumeMounts": volume_mounts,
        "securityContext": {
            "runAsUser": READER_USER,
            "runAsGroup": READER_USER,
            **own_pods.NARROW,
        },
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}},
    }


def fuse_options(values: Mapping[str, Any], way: Way) -> str:
    """The Java options of the mount: the release's own, and then what makes the arm."""
    fuse = values.get("fuse") or {}
    properties = {
        "alluxio.user.hostname": "$(ALLUXIO_CLIENT_HOSTNAME)",
        "alluxio.worker.data.server.domain.socket.address": DOMAIN,
        "alluxio.worker.data.server.domain.socket.as.uuid": "true",
        **{str(name): str(value) for name, value in (fuse.get("properties") or {}).items()},
        **way.properties,
        # A worker that passed on another's blocks would keep copies, and the next run would find them there.
        "alluxio.user.file.passive.cache.enabled": "false",
        "alluxio.user.short.circuit.enabled": "true" if way.domain else "false",
        "alluxio.fuse.mount.point": MOUNT,
        "alluxio.fuse.mount.alluxio.path": "/",
    }
    if way.user:
        properties["alluxio.security.login.username"] = way.user
    given = fuse.get("jvmOptions") or []
    words = [given] if isinstance(given, str) else [str(word) for word in given]
    text = " ".join(words)
    if "-Xmx" not in text and "MaxRAM" not in text:
        words.append("-XX:MaxRAMPercentage=40")
    return " ".join([*(f"-D{name}={value}" for name, value in properties.items()), *words])


def _fuse(values: Mapping[str, Any], release: str, way: Way) -> Json:
    fuse = values.get("fuse") or {}
    image = own_pods.image_of(
        {
            **values,
            "image": fuse.get("image") or values.get("image", "alluxio/alluxio"),
            "imageTag": fuse.get("imageTag") or values.get("imageTag", ""),
        }
    )
    mounts: list[Json] = [
        {"name": "shared", "mountPath": SHARED, "mountPropagation": "Bidirectional"}
    ]
    if way.domain:
        mounts.append({"name": "domain", "mountPath": DOMAIN})
    return {
        "name": FUSE_CONTAINER,
        **image.runs(),
        "command": ["bash", "-c", MOUNT_SCRIPT],
        "envFrom": [{"configMapRef": {"name": f"{release}-config"}}],
        "env": [
            {
                "name": "ALLUXIO_CLIENT_HOSTNAME",
                "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}},
            },
            {"name": "ALLUXIO_FUSE_JAVA_OPTS", "value": fuse_options(values, way)},
            {"name": "FUSE_OPTIONS", "value": _mount_options(fuse, way)},
        ],
        "volumeMounts": mounts,
        # Only so can it mount for the other container.
        "securityContext": {"privileged": True, "runAsUser": 0, "runAsGroup": 0},
        "resources": fuse.get("resources") or {"requests": {"cpu": "100m", "memory": "512Mi"}},
    }


def _mount_options(fuse: Mapping[str, Any], way: Way) -> str:
    given = way.options or str(fuse.get("mountOptions") or "")
    # The reader is another user than the one who mounts.
    words = [word for word in given.split(",") if word]
    return ",".join(words if "allow_other" in words else [*words, "allow_other"])


def keeping(values: Mapping[str, Any], way: Way) -> tuple[str, ...]:
    """The settings by which a mount keeps contents: what it has read once, no worker need give it again."""
    fuse = values.get("fuse") or {}
    options = _mount_options(fuse, way).split(",")
    properties = {
        **(values.get("properties") or {}),
        **(fuse.get("properties") or {}),
        **way.properties,
    }
    return (
        *(name for name in KEEPING_OPTIONS if name in options),
        *(name for name in KEEPING_PROPERTIES if str(properties.get(name, "")).lower() == "true"),
    )


def _domain_volume(values: Mapping[str, Any], release: str) -> Json:
    short = values.get("shortCircuit") or {}
    if short.get("volumeType") == "persistentVolumeClaim":
        claim = short.get("pvcName") or f"{release}-worker-domain-socket"
        return {"name": "domain", "persistentVolumeClaim": {"claimName": claim}}
    path = short.get("hostPath") or "/mnt/alluxio/domain"
    return {"name": "domain", "hostPath": {"path": path, "type": "Directory"}}


def _spread(nodes: Sequence[str], labels: Mapping[str, str]) -> Json:
    """On these nodes, one on each."""
    apart = {
        "labelSelector": {"matchLabels": dict(labels)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {
        **own_pods.on_nodes(nodes),
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]},
    }
