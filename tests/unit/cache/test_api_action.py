"""An action's options are those its module documents, and waiting says what for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.plugin_utils import api_action
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec, plain

ACTIONS = sorted(path.stem for path in Path(api_action.__file__).parents[1].glob("action/*.py"))


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_documents_options_that_make_a_spec(name: str) -> None:
    spec = argument_spec(name)
    assert all(entry["type"] for entry in spec.values())


def test_the_shared_options_come_from_the_fragment() -> None:
    spec = argument_spec("cache_status")
    assert {"kubeconfig", "namespace", "release"} < set(spec)
    assert spec["namespace"]["default"] == "alluxio"


def test_suboptions_are_part_of_the_spec() -> None:
    claims = argument_spec("persistent_volumes")["claims"]
    assert claims["options"]["kind"]["choices"] == [
        "journal",
        "domain",
        "zookeeper",
    ]


class Tagged(str):
    """As ansible-core's tagged strings: a str that YAML writers do not know."""

    __slots__ = ()


def test_values_lose_ansibles_tags() -> None:
    found = plain({Tagged("a"): [Tagged("b"), 1, True, None, 1.5, (Tagged("c"),)]})
    assert found == {"a": ["b", 1, True, None, 1.5, ["c"]]}
    assert type(found["a"][0]) is str
    assert found["a"][2] is True


def test_a_value_that_yaml_cannot_hold_is_refused() -> None:
    with pytest.raises(SettingsError, match="no value that YAML can hold"):
        plain({"a": object()})


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    class Quiet:
        def display(self, text: str, **_: Any) -> None:
            lines.append(text)

    clock = Clock()
    monkeypatch.setattr(api_action, "Display", Quiet)
    monkeypatch.setattr(api_action, "time", clock)
    return lines


def test_waiting_says_what_for_once_every_few_seconds(said: list[str]) -> None:
    patience = Patience(12)
    while not patience.is_over:
        patience.pause("workers 0/3 ready", 0.5)
    assert said == [f"waiting: workers 0/3 ready ({second} s)" for second in (0, 5, 10)]
    assert patience.waited_s == 12


def test_waiting_says_so_when_what_is_awaited_changes(said: list[str]) -> None:
    patience = Patience(60)
    for number in range(4):
        patience.pause(f"workers {number}/3 ready", 2)
    assert len(said) == 4
