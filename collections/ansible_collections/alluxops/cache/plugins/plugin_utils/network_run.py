"""Measuring a network: pods on its nodes, asked one after the other, and always removed. I/O only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from ansible_collections.alluxops.cache.plugins.module_utils import (
    network_matrix,
    network_pods,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.module_utils.network_matrix import (
    Disk,
    Link,
    MeasureError,
    StoreLink,
)
from ansible_collections.alluxops.cache.plugins.module_utils.network_pairs import Pair, Schedule
from ansible_collections.alluxops.cache.plugins.module_utils.network_pods import Pods, Store
from ansible_collections.alluxops.cache.plugins.module_utils.quantity import human
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.cleaning import at_the_end
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Json, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.own_pods import OwnPods

END_S: Final = 60
"""So long the pods may take to end."""
OVERHEAD_S: Final = 60
"""What a command may take beyond what it measures: a busy node starts Python slowly."""
AT_ONCE: Final = 32
LEAST_BYTES: Final = 1024**2
"""Of a smaller object mostly the requests' own time would be measured."""
ALL_READ_S: Final = (2, 20)
"""How much longer all nodes read together, since they do not begin at once; then once more, on a busy cluster."""
TRIES: Final = 2


@dataclass
class Session:
    """The pods of a run. missing: what could not be measured, a sentence each."""

    kube: Kube
    pods: Pods
    seconds: int
    streams: int
    timeout_s: float
    addresses: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @contextmanager
    def opened(self, nodes: Sequence[str]) -> Iterator[None]:
        """A pod on each node, for as long as the block; those of a run that died are removed before."""
        names = {network_pods.pod_name(self.pods.release, node): node for node in nodes}
        own = OwnPods(
            self.kube,
            self.pods.namespace,
            self.pods.release,
            network_pods.TASK,
            "the network",
            toolbox=self.pods.image,
            nodes=names,
        )
        own.remove(Patience(END_S))
        with at_the_end(lambda: own.remove(Patience(END_S))):
            for node in nodes:
                place = objects.core(self.pods.namespace, "pods")
                self.kube.create(place, self.pods.pod(node))
            for pod in own.running(len(nodes), Patience(self.timeout_s)):
                node = names[pod["metadata"]["name"]]
                self.addresses[node] = str(pod["status"].get("podIP") or "")
            yield

    def links(self, schedule: Schedule) -> tuple[Link, ...]:
        """Both ways of every pair, a round at a time."""
        found: list[Link] = []
        say = Patience(float("inf"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number, pairs in enumerate(schedule.rounds, 1):
                told = ", ".join(" - ".join(pair) for pair in pairs[:3])
                say.pause(f"round {number} of {len(schedule.rounds)}: {told}", 0)
                for links in pool.map(self._pair, pairs):
                    found += links
        return tuple(found)

    def _pair(self, pair: Pair) -> list[Link]:
        source, target = pair
        address = self.addresses[target]
        port = network_pods.PORT + 1
        try:
            latency = self._latency(source, address, port)
            there = self._tried(partial(self._send, source, address, back=False))
            back = self._tried(partial(self._send, source, address, back=True))
        except (MeasureError, CacheError) as error:
            self.missing.append(f"{source} - {target}: {error}")
            return []
        return [
            Link(source, target, there[0], latency, there[1]),
            Link(target, source, back[0], latency, back[1]),
        ]

    def _send(self, node: str, address: str, *, back: bool) -> tuple[float, int]:
        command = network_pods.sends(address, self.seconds, self.streams, back=back)
        return network_matrix.parse_iperf(self._exec(node, command, self.seconds))

    def _latency(self, node: str, host: str, port: int) -> float:
        answer = self._ask(node, network_pods.connects(host, port), 0)
        return network_matrix.middle(answer["ms"])

    @staticmethod
    def _tried[Value](once: Callable[[], Value]) -> Value:
        """Once more where it failed: a server of iperf3 takes a moment to be done with the test before."""
        for _ in range(TRIES - 1):
            try:
                return once()
            except (MeasureError, CacheError):
                time.sleep(1)
        return once()

    def store(self, store: Store, nodes: Sequence[str]) -> StoreLink | None:
        """What each node and all of them get from the store. Raises CacheError for a named object that is not there."""
        say = Patience(float("inf"))
        where = f"s3://{store.bucket}/{store.prefix}"
        say.pause(f"an object to read below {where}", 0)
        try:
            found = self._ask(nodes[0], network_pods.finds(store), 0)
        except (MeasureError, CacheError) as error:
            if store.key:
                raise CacheError(
                    f"network_store_object is {store.key!r}: {error}",
                    fix=f"name a key of {store.bucket}, or leave it out.",
                ) from error
            self.missing.append(f"the store {where}: {error}")
            return None
        if found["bytes"] < LEAST_BYTES:
            self.missing.append(
                f"the store's throughput: {found['key'] or 'no object'} of {human(found['bytes'])} is the largest of"
                f" the first 1000 below {where}; name one of 1 MiB or more in network_store_object"
            )
            return None
        chosen = replace(store, key=str(found["key"]))
        return self._store(chosen, str(found["endpoint"]), int(found["bytes"]), nodes, say)

    def _store(
        self, store: Store, endpoint: str, size: int, nodes: Sequence[str], say: Patience
    ) -> StoreLink | None:
        alone: dict[str, float] = {}
        latency: dict[str, float] = {}
        url = urlsplit(endpoint)
        port = url.port or (443 if url.scheme == "https" else 80)
        for node in nodes:
            say.pause(f"{node} to read {store.key}", 0)
            try:
                latency[node] = self._latency(node, str(url.hostname), port)
                alone[node] = network_matrix.rate(self._read(node, store, self.seconds))
            except (MeasureError, CacheError) as error:
                self.missing.append(f"{node} from {endpoint}: {error}")
        readers = list(alone)
        if not readers:
            return None
        together = self._together(store, readers, say) if len(readers) > 1 else alone[readers[0]]
        return StoreLink(
            endpoint, f"s3://{store.bucket}/{store.key}", size, alone, together, latency
        )

    def _together(self, store: Store, nodes: Sequence[str], say: Patience) -> float | None:
        """What the nodes get at once; None, and told, where a busy cluster does not let them begin at once."""
        try:
            for more_s in ALL_READ_S:
                say.pause(f"{len(nodes)} nodes to read at once", 0)
                seconds = self.seconds + more_s
                with ThreadPoolExecutor(len(nodes)) as pool:
                    answers = list(
                        pool.map(partial(self._read, store=store, seconds=seconds), nodes)
                    )
                found = network_matrix.rate_together(answers)
                if found is not None:
                    return found
            self.missing.append(
                "all nodes from the store at once: some began after others had ended"
            )
        except (MeasureError, CacheError) as error:
            self.missing.append(f"all nodes from the store at once: {error}")
        return None

    def _read(self, node: str, store: Store, seconds: int) -> Json:
        return self._ask(node, network_pods.reads(store, seconds, self.streams), seconds)

    def disks(self, workers: Mapping[str, str], container: str) -> tuple[Disk, ...]:
        """What each worker's tier gives. workers: pod by node; container: its name in them."""
        config = self.kube.get(
            objects.core(self.pods.namespace, "configmaps", f"{self.pods.release}-config")
        )
        folders = network_matrix.tier_folders((config or {}).get("data") or {})
        if not folders:
            self.missing.append("tiers: the release's ConfigMap names no folder of one")
            return ()
        found = []
        for node, pod in workers.items():
            Patience(float("inf")).pause(f"the tier of {node}", 0)
            try:
                done = self.kube.exec(
                    self.pods.namespace,
                    pod,
                    container,
                    network_pods.reads_tier(folders),
                    timeout_s=OVERHEAD_S * 2,
                )
                found.append(network_matrix.parse_tier(node, done.stdout))
            except (MeasureError, CacheError) as error:
                self.missing.append(f"the tier of {node}: {error}")
        return tuple(found)

    def _ask(self, node: str, command: list[str], seconds: int) -> Json:
        return network_matrix.parse_answer(self._exec(node, command, seconds), "the pod's program")

    def _exec(self, node: str, command: list[str], seconds: int) -> str:
        done = self.kube.exec(
            self.pods.namespace,
            network_pods.pod_name(self.pods.release, node),
            network_pods.CONTAINER,
            command,
            timeout_s=seconds + OVERHEAD_S,
        )
        return done.stdout if done.stdout.strip() else done.stderr
