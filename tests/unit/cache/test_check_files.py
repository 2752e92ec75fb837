"""What is proven is its owner's, and an interrupted check finds its own again."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from ansible_collections.alluxops.cache.plugins.plugin_utils import check_files
from ansible_collections.alluxops.cache.plugins.plugin_utils.check_files import Proofs
from tests.unit.cache.check_cases import FILE, file_at


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_same_check_finds_what_is_proven(state: Path) -> None:
    what = {"paths": ["/d"], "content": "all"}
    assert Proofs(what).read() == {}
    Proofs(what).add([FILE])
    Proofs(what).add([file_at("/d/b")])
    assert Proofs(what).read() == {"/d/a": FILE.proof, "/d/b": FILE.proof}
    assert Proofs({**what, "content": "sample"}).read() == {}
    [path] = (state / "alluxops/checks").iterdir()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    Proofs(what).forget()
    Proofs(what).forget()
    assert Proofs(what).read() == {}


def test_a_line_that_a_kill_has_cut_short_costs_no_other() -> None:
    proofs = Proofs({})
    proofs.add([FILE])
    with proofs.path.open("a", encoding="utf-8") as file:
        file.write('{"path": "/d/half')
    proofs.add([file_at("/d/b")])
    assert set(Proofs({}).read()) == {"/d/a", "/d/b"}


def test_what_was_proven_long_ago_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    Proofs({}).add([FILE])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + check_files.VALID_S + 1)
    assert Proofs({}).read() == {}
