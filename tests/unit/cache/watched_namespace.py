"""A namespace in which something is waited for, and how long that has taken."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Namespace:
    """Events and logs, as Kube gives them."""

    def __init__(self, events: list[Json] | None = None, log: str = "") -> None:
        self.events = events or []
        self.log = log

    def list_objects(self, path: str) -> list[Json]:
        """The events."""
        assert path.endswith("/events")
        return self.events

    def pod_log(self, *_: str, **__: Any) -> str:
        """The same of every container."""
        return self.log


class Waited:
    """How long it has been, set by the test."""

    timeout_s = 600.0

    def __init__(self) -> None:
        self.waited_s = 0.0
