"""Metadata that lie on hosts, or where masters share a journal, are refused before there are volumes."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.alluxops.cache.plugins.action import restore as action
from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from ansible_collections.alluxops.cache.plugins.module_utils.settings import Node
from tests.unit.cache.settings_cases import with_
from tests.unit.cache.test_backup import FOLDER, MID

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

HELD = {"records": ["UFS"]}
BEGUN = journal.new_marker(journal.Wanted("alluxio", "alluxio"), 0, NOW, f"{FOLDER}/{MID}")


def refuse_kept(held: dict[str, Any], **given: Any) -> None:
    """Three masters, of which the first has had a journal."""
    settings = with_(
        masters=3, ha="embedded", cache_masters=tuple(Node(f"h{n}", f"n{n}") for n in range(3))
    )
    claim = {"kind": "journal", "path": f"{settings.storage_path}/journal"}
    options = {
        "hosts": {"h0": held, "h1": {"marker": "", "records": []}, "h2": {}},
        "claims": [{**claim, "name": f"j{n}", "ordinal": n, "node": f"n{n}"} for n in range(3)],
        "values": {"journal": {"type": "EMBEDDED"}},
        "policy": "if_empty",
        "confirm_format": "",
        **given,
    }
    kube: Any = SimpleNamespace(get=lambda _: None)
    action._refuse_kept(kube, options, settings, "the newest backup")


def test_a_journal_that_was_kept_is_refused_before_there_are_volumes() -> None:
    with pytest.raises(SettingsError, match="holds metadata of type UFS") as fault:
        refuse_kept(HELD)
    assert "the newest backup is to be restored into it" in fault.value.what
    assert "what it holds may be newer than any backup" in fault.value.cause
    with pytest.raises(SettingsError):
        refuse_kept(HELD, policy="force")
    theirs = journal.new_marker(journal.Wanted("alluxio", "other"), 0, NOW)
    with pytest.raises(SettingsError, match="belongs to master 0 of release other"):
        refuse_kept({"marker": theirs.encoded()})


def test_a_journal_that_was_kept_where_masters_share_one_is_refused_before_too() -> None:
    shared = {
        "kind": "journal",
        "path": "/mnt/shared/alluxio/alluxio",
        "node": None,
        "shared": True,
    }
    claims = [{**shared, "name": f"j{n}", "ordinal": n} for n in range(3)]
    given = {"claims": claims, "values": {"journal": {"type": "UFS"}}}
    with pytest.raises(SettingsError, match="holds metadata"):
        refuse_kept({"shared_journal": HELD}, **given)
    # What lies on a host is of no account there.
    refuse_kept({**HELD, "shared_journal": {"marker": "", "records": []}}, **given)
    refuse_kept({"shared_journal": HELD}, **given, policy="force", confirm_format="alluxio")


def test_what_is_given_up_or_left_to_the_look_into_the_volumes_is_not_refused_before() -> None:
    refuse_kept({"marker": "", "records": []})
    refuse_kept(HELD, policy="force", confirm_format="alluxio")
    refuse_kept({**HELD, "marker": BEGUN.encoded()})
