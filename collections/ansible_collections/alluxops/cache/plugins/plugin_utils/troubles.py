"""What keeps pods from serving, look after look, and since when. What is hopeless, those who wait decide. I/O only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ansible_collections.alluxops.cache.plugins.module_utils import explain
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

LOG_LINES: Final = 60


class Troubles:
    """Of pods in one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.last: explain.Trouble | None = None
        self._since: dict[tuple[str, str], float] = {}

    @property
    def last_reason(self) -> str:
        """What the last look found, for a waiting line; empty when nothing is wrong."""
        return f" [{self.last.pod}: {self.last.reason}]" if self.last else ""

    def lasting(
        self, found: Iterable[explain.Trouble | None], waited_s: float
    ) -> list[tuple[explain.Trouble, float]]:
        """The troubles of this look, worst first, each with how many seconds it has lasted."""
        # A container that fails tells more than a pod that waits for it.
        current = sorted(
            (trouble for trouble in found if trouble is not None),
            key=lambda trouble: (not trouble.hopeless, not trouble.container),
        )
        keys = {(trouble.pod, trouble.reason) for trouble in current}
        self._since = {key: since for key, since in self._since.items() if key in keys}
        self.last = current[0] if current else None
        return [
            (trouble, waited_s - self._since.setdefault((trouble.pod, trouble.reason), waited_s))
            for trouble in current
        ]

    def error(self, trouble: explain.Trouble, waited_s: float) -> CacheError:
        """The error that explains it."""
        log = self.log(trouble)
        return CacheError(*explain.explain(trouble, log, waited_s, self.namespace))

    def log(self, trouble: explain.Trouble) -> str:
        """What the container that has the trouble said last; empty where none has."""
        if not trouble.container:
            return ""
        log = ""
        if trouble.previous:
            log = self.kube.pod_log(
                self.namespace, trouble.pod, trouble.container, lines=LOG_LINES, previous=True
            )
        return log or self.kube.pod_log(
            self.namespace, trouble.pod, trouble.container, lines=LOG_LINES
        )
