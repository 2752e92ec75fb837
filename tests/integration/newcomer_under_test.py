"""A node that is in no cluster, beside a cache that it is to serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.integration.cache_under_test import Cache, Outcome
from tests.integration.lab_under_test import RunningLab

OURS: dict[str, Any] = {"verify_tests": False}


@dataclass(frozen=True)
class Newcomer:
    """A spare node of the lab, and the cache that it is to serve. settings: those of each of its runs, beside OURS."""

    cache: Cache
    node: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lab(self) -> RunningLab:
        return self.cache.lab

    def verb(self, *argv: str, limit: str = "", **settings: Any) -> Outcome:
        given = {**OURS, **self.settings, **settings}
        return self.cache.verb("bootstrap-workers", "--limit", limit or self.node, *argv, **given)

    def apply(self, *argv: str, **settings: Any) -> Outcome:
        done = self.verb(*argv, **settings)
        assert done.code == 0, done.output
        return done

    def sh(self, script: str, *, check: bool = True) -> str:
        return self.lab.on_node(self.node, script, check=check)

    def tokens(self) -> str:
        return self.lab.kubectl(
            *("get", "secrets", "-n", "kube-system", "-l", "alluxops.io/joins", "-o", "name")
        )

    def workers(self) -> dict[str, str]:
        """The uid of each worker's pod, by node."""
        pods = self.lab.objects("pods", "-n", self.cache.name, "-l", "role=alluxio-worker")
        return {pod["spec"]["nodeName"]: pod["metadata"]["uid"] for pod in pods}

    def nodes(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.lab.objects("nodes")]

    def leave(self) -> None:
        """Take the node out of the cluster by hand, and clear what it has of the cache."""
        self.lab.take_out(self.node, self.cache.storage)


@contextmanager
def beside_its_cache[One: Newcomer](found: One) -> Iterator[One]:
    """The cache deployed and the node in no cluster. In the end other modules find the cluster as it was."""
    found.leave()
    found.cache.remove()
    try:
        found.cache.apply("site", **{**OURS, **found.settings})
        yield found
    finally:
        try:
            found.leave()
        finally:
            found.cache.remove()
