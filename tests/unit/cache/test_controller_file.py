"""A file of the controller goes to a host only where its module asks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import helm_binary, node_packages
from ansible_collections.alluxops.cache.plugins.module_utils import helm_archive

ARCHIVE = b"archive"


def action(
    made: Any, arguments: dict[str, Any], first: dict[str, Any], *, check: bool = False
) -> Any:
    """An action whose module answers `first`, then that it has changed something; with what was sent and run."""
    task = made.ActionModule.__new__(made.ActionModule)
    task._task = SimpleNamespace(args=arguments, check_mode=check)
    task._connection = SimpleNamespace(
        _shell=SimpleNamespace(tmpdir="/tmp/t", join_path=lambda *parts: "/".join(parts))
    )
    task.sent, task.ran, answers = {}, [], [first, {"changed": True}]

    def execute(module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        del task_vars
        task.ran.append(module_args)
        return answers.pop(0)

    task._execute_module = execute
    task._transfer_file = lambda path, place: task.sent.update({place: path})
    task._fixup_perms2 = lambda _: None
    task._find_needle = lambda _, name: name
    return task


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what Ansible's own base class looks at before an action runs."""
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_: {})


def packages(first: dict[str, Any], *, check: bool = False) -> Any:
    offers = [
        {"checksum": letter * 64, "path": f"/{letter}/kubelet", "file": "kubelet"}
        for letter in "ab"
    ]
    return action(node_packages, {"offers": offers}, first, check=check)


def test_only_the_files_that_are_wanted_are_sent() -> None:
    task = packages({"changed": True, "wants_files": ["b" * 64]})
    assert task.run() == {"changed": True}
    place = f"/tmp/t/{'b' * 12}-kubelet"
    assert task.sent == {place: "/b/kubelet"}
    assert task.ran[1]["places"] == {"b" * 64: place}


@pytest.mark.parametrize(
    ("first", "check"),
    [
        ({"wants_files": []}, False),
        ({"wants_files": ["a" * 64]}, True),
        ({"wants_files": ["a" * 64], "failed": True}, False),
    ],
)
def test_nothing_is_sent_that_is_not_wanted_or_not_to_be_changed(
    first: dict[str, Any], check: bool
) -> None:
    task = packages(first, check=check)
    assert task.run() == first
    assert task.sent == {}
    assert len(task.ran) == 1


def test_an_archive_goes_by_its_argument_and_is_checked_before(tmp_path: Path) -> None:
    path = tmp_path / "helm.tar.gz"
    path.write_bytes(ARCHIVE)
    arguments = {"url": str(path), "checksum": helm_archive.sha256(str(path))}
    task = action(helm_binary, arguments, {"wants_archive": True})
    assert task.run() == {"changed": True}
    assert task.ran[1]["archive"] == "/tmp/t/archive-helm.tar.gz"

    path.write_bytes(b"another")
    refused = action(helm_binary, arguments, {"wants_archive": True})
    assert refused.run()["failed"]
    assert refused.ran == []


def test_an_address_is_the_hosts_to_fetch() -> None:
    task = action(helm_binary, {"url": "https://example.invalid/helm"}, {"wants_archive": False})
    task.run()
    assert (len(task.ran), task.sent) == (1, {})
