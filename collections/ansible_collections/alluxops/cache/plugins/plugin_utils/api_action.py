"""What every action of this collection that runs on the controller has in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import yaml
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import parent
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec, plain
from ansible_collections.alluxops.cache.plugins.plugin_utils.connection import UnreachableError
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

Options = dict[str, Any]
Result = dict[str, Any]

WAITING_LINE_EVERY_S = 5.0


class ControllerAction(ActionBase):
    """An action that runs in the playbook's own Python. A subclass says what it does in act_on_controller()."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    SECRET_OPTIONS: ClassVar[frozenset[str]] = frozenset()
    """Options whose values must not be shown."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Check the options, act, and turn errors into a result that carries `refused`."""
        parent.end_with_it()
        result: Result = super().run(tmp, task_vars)
        result.setdefault("changed", False)
        try:
            result.update(self.act_on_controller(self.options(), task_vars or {}))
        except CacheError as error:
            result.update(error.result())
        return result

    @abstractmethod
    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Do it and return the result of the task. Raises CacheError."""

    def options(self) -> Options:
        """The task's options, checked against the module's documentation and completed with its defaults."""
        name = self._task.action.rsplit(".", 1)[-1]
        spec = argument_spec(name)
        for option in self.SECRET_OPTIONS:
            spec[option] = {**spec[option], "no_log": True}
        _, options = self.validate_argument_spec(argument_spec=spec)
        return {key: plain(options[key]) for key in spec}

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self._task.check_mode)


class ApiAction(ControllerAction):
    """An action that talks to the Kubernetes API. A subclass says what it does in act()."""

    REFUSES_UNREACHABLE: ClassVar[bool] = False
    """An unreachable API server ends the run as refused: true for actions that run before anything changed."""

    def act_on_controller(self, options: Options, task_vars: Mapping[str, Any]) -> Result:
        """Connect, then act."""
        del task_vars
        try:
            kube = Kube.open(options["kubeconfig"])
        except UnreachableError as error:
            if self.REFUSES_UNREACHABLE:
                raise
            raise CacheError(error.what, error.cause, error.fix) from error
        return self.act(kube, options)

    @abstractmethod
    def act(self, kube: Kube, options: Options) -> Result:
        """Do it and return the result of the task. Raises CacheError."""


class Patience:
    """Waiting with a limit that says what it waits for: a line when that changes, else one every few seconds."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._started = time.monotonic()
        self._said = ""
        self._said_at = self._started - WAITING_LINE_EVERY_S

    @property
    def waited_s(self) -> float:
        """How long it has been, in seconds."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """Whether the limit is reached."""
        return self.waited_s >= self.timeout_s

    def pause(self, awaited: str, seconds: float = 1.0) -> None:
        """Say what is awaited and sleep a moment."""
        now = time.monotonic()
        if (awaited != self._said and now - self._said_at >= 1.0) or (
            now - self._said_at >= WAITING_LINE_EVERY_S
        ):
            Display().display(f"waiting: {awaited} ({self.waited_s:.0f} s)")
            self._said, self._said_at = awaited, now
        time.sleep(max(0.0, min(seconds, self.timeout_s - self.waited_s)))


def as_yaml(value: Any) -> str:
    """YAML text for diffs and logs; keys in the order given."""
    return "" if value is None else yaml.safe_dump(value, sort_keys=False, width=120)
