"""The pods that measure: one a node, with iperf3 and a program of ours, and how they are spoken to. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ansible_collections.alluxops.cache.plugins.module_utils import network_probe, own_pods

Json = dict[str, Any]

CONTAINER: Final = "measure"
TASK: Final = "network"
PORT: Final = 25201
"""Of iperf3; the next one is for connections that are only opened. High, as pods may use their node's network."""
LIFETIME_S: Final = 3600
CONNECTS: Final = 20
USER: Final = 1000
_RUN: Final = ["/bin/sh", "-c", 'exec python3 -c "$PROBE" "$@"', "sh"]


@dataclass(frozen=True)
class Store:
    """An S3 store as a client without the cache reads it. key: the object; empty until one is found."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    path_style: bool = False
    key: str = ""

    def as_json(self) -> str:
        """For the program in the pod."""
        return json.dumps(vars(self))


def store_of(root_ufs: str, options: Mapping[str, Any], key: str) -> Store | None:
    """The root under store, or None where it is none that boto3 reads."""
    scheme, _, rest = root_ufs.partition("://")
    if scheme not in ("s3", "s3a") or not rest:
        return None
    bucket, _, prefix = rest.partition("/")
    said = {name.removeprefix("alluxio.underfs.s3."): str(value) for name, value in options.items()}
    endpoint = said.get("endpoint", "")
    if endpoint and "://" not in endpoint:
        is_secure = said.get("secure.http.enabled", "false").lower() == "true"
        endpoint = f"{'https' if is_secure else 'http'}://{endpoint}"
    return Store(
        bucket=bucket,
        prefix=prefix,
        endpoint=endpoint,
        region=said.get("region") or said.get("endpoint.region") or "",
        path_style=said.get("disable.dns.buckets", "false").lower() == "true",
        key=key,
    )


@dataclass(frozen=True)
class Pods:
    """What all pods of a run have in common. secret: with the keys accessKeyId and secretKey; or empty."""

    namespace: str
    release: str
    image: str
    pull_secrets: tuple[str, ...] = ()
    secret: str = ""
    host_network: bool = False

    def pod(self, node: str) -> Json:
        """The pod of a node: there, whatever its taints, and nowhere else."""
        network = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pod_name(self.release, node),
                "namespace": self.namespace,
                "labels": own_pods.labels(self.release, TASK),
            },
            "spec": own_pods.spec(
                self.pull_secrets,
                grace_s=1,
                activeDeadlineSeconds=LIFETIME_S,
                affinity=own_pods.on_nodes([node]),
                tolerations=[{"operator": "Exists"}],
                securityContext={"runAsUser": USER, "runAsGroup": USER, "runAsNonRoot": True},
                containers=[self._container()],
                volumes=[{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
                **(network if self.host_network else {}),
            ),
        }

    def _container(self) -> Json:
        return {
            "name": CONTAINER,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": [*_RUN, "serve", str(PORT)],
            "env": [
                {"name": "PROBE", "value": source()},
                # A sum over each piece would measure the processor.
                {"name": "AWS_RESPONSE_CHECKSUM_VALIDATION", "value": "when_required"},
                *credentials(self.secret),
            ],
            # iperf3 keeps what it sends in a file.
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
            "securityContext": {**own_pods.NARROW, "readOnlyRootFilesystem": True},
        }


def credentials(secret: str) -> list[Json]:
    """The environment from which boto3 has the store's keys, out of a Secret; nothing without one."""
    if not secret:
        return []
    keys = {"AWS_ACCESS_KEY_ID": "accessKeyId", "AWS_SECRET_ACCESS_KEY": "secretKey"}
    return [
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for name, key in keys.items()
        ),
        {"name": "AWS_EC2_METADATA_DISABLED", "value": "true"},
    ]


def pod_name(release: str, node: str) -> str:
    """Always the same for a node, so that the next run finds what a dead one left; nodes' names may be long."""
    return f"{release}-network-{hashlib.sha256(node.encode()).hexdigest()[:10]}"


def source() -> str:
    """The text of the program that runs in the pods."""
    return Path(str(network_probe.__file__)).read_text(encoding="utf-8")


def connects(address: str, port: int) -> list[str]:
    """The command that opens connections."""
    return [*_RUN, "connect", address, str(port), str(CONNECTS)]


def finds(store: Store) -> list[str]:
    """The command that looks for an object to read."""
    return [*_RUN, "find", store.as_json()]


def reads(store: Store, seconds: float, streams: int) -> list[str]:
    """The command that reads it."""
    return [*_RUN, "read", store.as_json(), str(seconds), str(streams)]


def sends(address: str, seconds: int, streams: int, *, back: bool) -> list[str]:
    """The command that sends to another node's pod; back: has that one send."""
    return [
        *("iperf3", "--client", address, "--port", str(PORT), "--json"),
        *("--time", str(seconds), "--parallel", str(streams), "--connect-timeout", "5000"),
        *(["--reverse"] if back else []),
    ]


def reads_tier(folders: list[str]) -> list[str]:
    """The command that reads blocks of the first of these folders that has any, in a worker's container."""
    return ["/bin/sh", "-c", _TIER, "sh", *folders]


TIER_FILES: Final = 4
_TIER: Final = f"""
export LC_ALL=C
for folder; do
  files=$(find "$folder" -type f -size +16383k 2> /dev/null | head -n {TIER_FILES})
  [ -n "$files" ] || continue
  echo "folder $folder"
  echo "kind $(stat -f -c %T "$folder")"
  echo "$files" | while IFS= read -r file; do
    # Some file systems know no reads past the page cache.
    dd if="$file" of=/dev/null bs=1048576 count=64 iflag=direct 2>&1 ||
      {{ echo cached; dd if="$file" of=/dev/null bs=1048576 count=64 2>&1; }}
  done
  exit 0
done
"""
