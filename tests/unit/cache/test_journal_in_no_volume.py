"""A journal in no volume is nobody's here: what would make it new is refused rather than passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import journal as action
from ansible_collections.alluxops.cache.plugins.module_utils import claims, explain
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.journal_volumes import Volumes, options

HDFS = {"journal": {"type": "UFS", "ufsType": "HDFS", "folder": "hdfs://n:9000/journal"}}
EMPTY_DIR = {"journal": {"type": "EMBEDDED", "volumeType": "emptyDir"}}
SOCKET = [{"kind": "domain", "ordinal": None}]


@pytest.mark.parametrize(
    ("values", "says"),
    [(HDFS, "journal.folder hdfs://n:9000/journal"), (EMPTY_DIR, "journal.volumeType is emptyDir")],
)
def test_force_and_restore_are_refused_with_what_to_do_by_hand(values: Any, says: str) -> None:
    (forced,) = claims.in_no_volume(SOCKET, values, policy="force", restores=False)
    (restored,) = claims.in_no_volume(SOCKET, values, policy="if_empty", restores=True)
    for error in (forced, restored):
        assert says in error.what
        assert "`alluxio formatJournal`" in error.fix
    assert "init.from.backup" in restored.fix


def test_what_asks_for_nothing_or_has_a_volume_passes() -> None:
    for policy in ("if_empty", "never"):
        assert claims.in_no_volume(SOCKET, HDFS, policy=policy, restores=False) == []
    journals = [{"kind": "journal", "ordinal": 0}]
    assert claims.in_no_volume(journals, {}, policy="force", restores=True) == []


@pytest.mark.parametrize("how", [{"policy": "force", "confirm": "alluxio"}, {"restoring": "/x.gz"}])
def test_the_guard_does_not_pass_over_it(tmp_path: Path, how: Any) -> None:
    module = action.ActionModule.__new__(action.ActionModule)
    given = {**options(0), "claims": SOCKET, "values": HDFS, **how}
    with pytest.raises(SettingsError, match="lies in no volume"):
        module.act(Volumes(tmp_path), given)  # type: ignore[arg-type]


def test_a_master_that_finds_it_unformatted_tells_of_it() -> None:
    known = explain.known_cause(["Journal hdfs://n:9000/journal has not been formatted"])
    assert known is not None
    assert "formatted by hand" in known[2]
