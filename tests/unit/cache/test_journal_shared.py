"""The journal that all masters share is the same on every host that one of them may move to, and proved to be."""

from __future__ import annotations

import base64
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import journal_proof, node_report
from ansible_collections.alluxops.cache.plugins.module_utils import (
    host_shared,
    journal,
    journal_job,
    volumes,
)
from ansible_collections.alluxops.cache.plugins.module_utils.errors import (
    ManySettingsErrors,
    SettingsError,
)
from ansible_collections.alluxops.cache.plugins.modules import node_check
from ansible_collections.alluxops.cache.plugins.plugin_utils.arguments import argument_spec
from tests.unit.cache.journal_volumes import Volumes, options
from tools.repository import ROOT

Json = dict[str, Any]
WANTED = journal.Wanted("cache", "alluxio", "UFS", "2.9.6", shared=True)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MADE = journal.new_marker(WANTED, 0, NOW)
SERVED = journal.served_marker(MADE, WANTED, 0, NOW)
OTHER = journal.new_marker(WANTED, 0, datetime(2025, 5, 5, tzinfo=UTC))
PATH = "/mnt/nfs/cache/alluxio"
CLAIM = journal.claim_name("alluxio", 0)
NOTE = "2026-01-02T03:04:09Z, made 2026-01-02T03:04:05Z"
NONE: Json = {"marker": "", "records": []}


def has(marker: journal.Marker) -> Json:
    """What node_check saw of a journal with this marker."""
    encoded = base64.b64encode(marker.text().encode()).decode()
    return {"marker": encoded, "records": ["UFS"]}


# Preflight.


def told(*looks: Json, note: str = "", masters: int = 3, **given: Any) -> list[str]:
    """What preflight refuses of hosts that saw this; the last of four is a spare one."""
    hosts = [f"h{number}" for number in range(1, len(looks) + 1)]
    claims = [
        {
            "kind": "journal",
            "name": journal.claim_name("alluxio", number),
            "ordinal": number,
            "node": None,
            "path": PATH,
            "shared": True,
            "storage_class": volumes.STORAGE_CLASS,
        }
        for number in range(masters)
    ]
    asked: Json = {
        "namespace": "cache",
        "release": "alluxio",
        "results": {
            host: {"marker": "", "records": [], "shared_journal": look}
            for host, look in zip(hosts, looks, strict=True)
        },
        "masters": [{"host": host, "name": f"n{host[1:]}"} for host in hosts],
        "claims": claims,
        "values": {
            "journal": {"type": "UFS", "volumeType": "persistentVolumeClaim"},
            "properties": {"alluxio.zookeeper.enabled": "true"},
        },
        "noted": {CLAIM: note} if note else {},
        **given,
    }
    defaults = {name: item.get("default") for name, item in argument_spec("node_report").items()}
    action: Any = node_report.ActionModule.__new__(node_report.ActionModule)
    try:
        action.act_on_controller({**defaults, **asked}, {})
    except ManySettingsErrors as errors:
        return [str(error) for error in errors.errors]
    return []


@pytest.mark.parametrize("away", [True, False])
def test_one_journal_for_all_hosts_is_in_order(*, away: bool) -> None:
    assert told(*[has(SERVED)] * 4, note=NOTE, away=away) == []
    assert told(*[NONE] * 4, away=away) == []  # a first deployment


@pytest.mark.parametrize("leads", [True, False])
@pytest.mark.parametrize(
    ("spare", "what"),
    [
        (NONE, "h4: none"),
        (has(OTHER), "h4: one made at 2025-05-05T00:00:00Z"),
        (has(MADE), "h4: another state of one made at 2026-01-02T03:04:05Z"),
        ({"marker": "e30=", "records": []}, "h4: one with a broken marker"),
    ],
)
def test_a_spare_host_with_another_or_none_is_named(spare: Json, what: str, *, leads: bool) -> None:
    (error,) = told(*[has(SERVED)] * 3, spare, note=NOTE, leads=leads)
    assert "h1, h2, h3: one made at 2026-01-02T03:04:05Z; " in error
    assert what in error
    assert f"findmnt -T {PATH}" in error


def test_the_first_host_without_its_mount_is_named_before_a_directory_is_made_there() -> None:
    """Also after an uninstall, when no claim remembers."""
    for note in (NOTE, ""):
        (error,) = told(NONE, has(SERVED), has(SERVED), note=note)
        assert "h1: none; h2, h3: one made" in error


@pytest.mark.parametrize("masters", [1, 3])
def test_a_shared_journal_that_its_claim_speaks_of_is_missed(masters: int) -> None:
    (error,) = told(NONE, NONE, NONE, note=NOTE, masters=masters)
    assert f"the journal of master 0 ({PATH} on n1) is empty, and claim {CLAIM} says" in error


def test_another_one_than_its_claim_speaks_of_is_refused() -> None:
    (error,) = told(*[has(OTHER)] * 3, note=NOTE)
    assert "was made at 2025-05-05T00:00:00Z, says its marker" in error


def test_a_host_that_could_not_look_is_judged_by_the_proof_only() -> None:
    assert told(has(SERVED), {}, {}, note=NOTE) == []
    assert told({}, {}, {}, note=NOTE) == []


def test_a_host_tells_what_it_sees(tmp_path: Path) -> None:
    assert node_check.read_shared(str(tmp_path / "cache" / "alluxio")) == NONE
    (tmp_path / "X" / "v1" / "logs").mkdir(parents=True)
    (tmp_path / "X" / "v1" / "logs" / "0x0-0x1").touch()
    (tmp_path / journal.MARKER).write_text(SERVED.text())
    assert node_check.read_shared(str(tmp_path)) == has(SERVED)


def test_what_cannot_be_looked_into_is_not_taken_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: str) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refused)
    assert node_check.read_shared(str(tmp_path)) == {}


# The hosts' part of the proof.


def test_a_root_that_nfs_gives_no_rights_acts_as_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getegid", lambda: 0)
    monkeypatch.setattr(os, "stat", lambda _: SimpleNamespace(st_uid=1000, st_gid=1001))
    monkeypatch.setattr(os, "seteuid", lambda number: done.append(("user", number)))
    monkeypatch.setattr(os, "setegid", lambda number: done.append(("group", number)))
    with host_shared.as_owner(str(tmp_path)):
        done.append(("acts", 0))
    assert done == [("group", 1001), ("user", 1000), ("acts", 0), ("user", 0), ("group", 0)]


def test_hosts_of_one_directory_read_what_one_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_shared, "PAUSE_S", 0)
    assert host_shared.PROOF == journal_job.PROOF
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    shared.mkdir()
    host_shared.write(str(shared), "abc")
    assert host_shared.read_until(str(shared), "abc") == "abc"
    assert host_shared.read_until(str(alone), "abc") == ""
    host_shared.remove(str(shared))
    host_shared.remove(str(shared))
    assert list(shared.iterdir()) == []


# The masters' part.


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volumes:
    """Three masters that serve from one directory."""
    once = journal_job.READ_PROOF.replace("tries=20", "tries=1")
    monkeypatch.setattr(journal_job, "READ_PROOF", once)
    cluster = Volumes(tmp_path)
    cluster.serve(True, True, True)
    for ordinal in (1, 2):
        shutil.rmtree(cluster.folder(ordinal))
        share(cluster, ordinal)
    return cluster


def share(cluster: Volumes, ordinal: int) -> None:
    (cluster.root / journal.claim_name("alluxio", ordinal)).symlink_to(cluster.folder(0))


def call(cluster: Volumes, *, check: bool = False, **given: Any) -> Json:
    action: Any = journal_proof.ActionModule.__new__(journal_proof.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    asked = {**options(), "path": PATH, "begun": {}, "results": {}, **given}
    found: Json = action.act(cluster, asked)
    assert not found["changed"]
    return found


def proof(cluster: Volumes) -> Path:
    return cluster.folder(0) / journal_job.PROOF


def test_what_the_leader_writes_is_read_by_all_and_taken_away(cluster: Volumes) -> None:
    begun = call(cluster)
    assert begun["writer"] == "alluxio-master-0"
    assert proof(cluster).read_text() == begun["nonce"]
    hosts = {host: {"found": begun["nonce"], "fault": ""} for host in ("h1", "h4")}
    assert call(cluster, begun=begun, results=hosts)["found"] == {
        f"alluxio-master-{ordinal}": begun["nonce"] for ordinal in (1, 2)
    }
    assert not proof(cluster).exists()


def test_a_spare_host_on_another_copy_is_refused_by_name(cluster: Volumes) -> None:
    begun = call(cluster)
    hosts = {
        "h1": {"found": begun["nonce"], "fault": ""},
        "h4": {"found": "", "fault": ""},
        "h5": {"found": "", "fault": "Stale file handle"},
    }
    with pytest.raises(SettingsError, match="alluxio-master-0 writes") as refusal:
        call(cluster, begun=begun, results=hosts)
    assert f"({PATH}) is not there on h4, h5 (Stale file handle)." in refusal.value.what
    assert not proof(cluster).exists()


def test_a_master_whose_pod_has_what_was_mounted_before_is_refused_by_name(
    cluster: Volumes,
) -> None:
    (cluster.root / journal.claim_name("alluxio", 2)).unlink()
    begun = call(cluster)
    with pytest.raises(SettingsError, match="is not there on alluxio-master-2\\.") as refusal:
        call(cluster, begun=begun, results={"h1": {"found": begun["nonce"]}})
    assert "A pod keeps what was mounted when it started" in refusal.value.fix


def test_where_no_master_leads_the_first_host_writes(cluster: Volumes) -> None:
    cluster.leads = False
    begun = call(cluster)
    assert begun["nonce"]
    assert begun["writer"] == ""
    assert not proof(cluster).exists()
    hosts = {"h1": {"found": begun["nonce"]}, "h2": {"found": ""}}
    with pytest.raises(SettingsError, match=r"what the host h1 writes .* is not there on h2\."):
        call(cluster, begun=begun, results=hosts)


def test_check_mode_writes_nothing(cluster: Volumes) -> None:
    assert call(cluster, check=True)["nonce"] == ""
    assert not proof(cluster).exists()


# The playbooks.


def test_each_host_that_a_master_may_move_to_is_asked_before_masters_start() -> None:
    plays = yaml.safe_load((ROOT / "playbooks/foundation.yml").read_text(encoding="utf-8"))
    imports = [
        (play["hosts"], role["name"], role.get("tasks_from"))
        for play in plays
        for task in play["tasks"]
        for role in [task["ansible.builtin.import_role"]]
    ]
    made = imports.index(("cache_masters:cache_workers", "node_storage", None))
    assert imports[made + 1] == ("cache_masters", "node_storage", "shared")
    nodes = yaml.safe_load((ROOT / "roles/preflight/tasks/nodes.yml").read_text(encoding="utf-8"))
    asked = nodes[0]["alluxops.cache.node_check"]["shared_journal"]
    assert "settings.shared_journal if inventory_hostname in groups['cache_masters']" in asked
