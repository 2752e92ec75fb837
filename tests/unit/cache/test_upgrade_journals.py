"""No upgrade and no plain rollback starts masters on journals that nobody has looked into."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.alluxops.cache.plugins.module_utils import journal
from ansible_collections.alluxops.cache.plugins.module_utils.errors import SettingsError
from tests.unit.cache.journal_volumes import Volumes, guard, holds
from tools.repository import ROOT

Json = dict[str, Any]
JINJA = Environment()
KNOWN = ("changes", "restores", "formats_new", "version_changes", "leads")
IMPORT, ROLE = "ansible.builtin.import_tasks", "ansible.builtin.import_role"
LOOK, MARK = "alluxops.cache.journal", "alluxops.cache.journal_marker"


def read(name: str) -> list[Json]:
    tasks: list[Json] = yaml.safe_load((ROOT / f"roles/upgrade/tasks/{name}").read_text())
    return tasks


def ran(tasks: list[Json], variables: Json) -> list[str]:
    """What a run comes to under its conditions, in order: modules, and the tasks files of other roles."""
    done: list[str] = []
    for task in tasks:
        whens = task.get("when", [])
        given = whens if isinstance(whens, list) else [whens]
        if not all(JINJA.compile_expression(str(when))(**variables) for when in given):
            continue
        if "block" in task:
            done += ran(task["block"], variables)
        elif IMPORT in task:
            done += ran(read(task[IMPORT]), variables)
        elif ROLE in task:
            role = task[ROLE]
            done.append(f"{role['name']} {role.get('tasks_from', 'main')}")
        else:
            done += [key for key in task if key.startswith("alluxops.")]
    return done


def runs(
    verb: str, *, own_zookeeper: bool = False
) -> list[tuple[SimpleNamespace, bool, list[str]]]:
    """(the plan, whether a master leads right before Helm's turn, what is done before it), for each case."""
    helm = {"main": "alluxio release", "rollback": "alluxops.cache.helm_release"}[verb]
    found = []
    for *known, leads in product([False, True], repeat=len(KNOWN) + 1):
        plan = SimpleNamespace(**dict(zip(KNOWN, known, strict=True)), hold_workers=False)
        if not plan.changes or plan.restores:
            continue
        variables = {
            "__upgrade_plan": plan,
            "__upgrade_marked": SimpleNamespace(leads=leads),
            "__upgrade_rendered": SimpleNamespace(action="upgrade"),
            "__preflight_settings": {"settings": {"own_zookeeper": own_zookeeper}},
            "__alluxio_release": {"rendered": {"current": "kind: ConfigMap"}},
        }
        done = ran(read(f"{verb}.yml"), variables)
        done = done[: done.index("alluxops.cache.masters_roll")]
        # The last, as the plan is rendered in the same way.
        found.append((plan, leads, done[: len(done) - 1 - done[::-1].index(helm)]))
    assert len(found) == 2 ** (len(KNOWN) - 1)
    return found


@pytest.mark.parametrize("verb", ["main", "rollback"])
def test_it_is_written_down_which_alluxio_starts_before_helm_starts_it(verb: str) -> None:
    for plan, leads, before in runs(verb):
        assert MARK in before, plan
        assert leads or LOOK in before, plan


@pytest.mark.parametrize("verb", ["main", "rollback"])
def test_journals_of_masters_that_do_not_lead_are_looked_into_before_anything_changes(
    verb: str,
) -> None:
    for plan, leads, before in runs(verb):
        if not plan.leads:
            backup = len(before) - 1 - before[::-1].index("alluxops.cache.upgrade")
            assert before.index(LOOK) < backup, plan
            assert before.count(LOOK) == 1, plan
        elif leads:
            assert (LOOK in before) is (verb == "rollback" and plan.formats_new), plan


@pytest.fixture
def cluster(tmp_path: Path) -> Volumes:
    """A release that has served, and whose masters are stopped."""
    found = Volumes(tmp_path)
    guard(found).run()
    found.serve(True, True, True)
    found.pods = []
    assert found.masters is not None
    found.masters["spec"]["replicas"] = 0
    return found


def look(cluster: Volumes, chosen: str = "if_empty") -> Json:
    """The look as the role asks for it."""
    [task] = read("journals.yml")
    asked = task[LOOK]
    policy = JINJA.from_string(asked["policy"]).render(alluxio_journal_format=chosen)
    result: Json = guard(cluster, read=asked["read"], policy=policy).run()
    return result


def begin_restore(cluster: Volumes, ordinal: int) -> None:
    """What a rollback leaves that was killed once it had made new journals for the backup."""
    wanted = journal.Wanted("cache", "alluxio", "EMBEDDED", "2.9.3")
    begun = journal.new_marker(wanted, ordinal, datetime.now(UTC), "s3://b/x.gz")
    empty(cluster, ordinal)
    (cluster.folder(ordinal) / journal.MARKER).write_text(begun.text())
    cluster.notes = {}


def empty(cluster: Volumes, ordinal: int) -> None:
    """What a volume is that was replaced."""
    cluster.folder(ordinal).rename(cluster.root / f"old-{ordinal}")
    cluster.folder(ordinal)


def interrupt(cluster: Volumes, ordinal: int) -> None:
    """What a forced format leaves that was killed in the midst of it."""
    (cluster.folder(ordinal) / ".format-unfinished").touch()


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (begin_restore, r"a restore of s3://b/x\.gz into .* did not end"),
        (interrupt, "its formatting began and did not end"),
        (empty, "is empty"),
    ],
)
@pytest.mark.parametrize("policy", ["if_empty", "never", "force"])
def test_stopped_masters_are_not_started_on_journals_that_are_lost_or_not_whole(
    cluster: Volumes, happens: Any, said: str, policy: str
) -> None:
    for ordinal in range(3):
        happens(cluster, ordinal)
    with pytest.raises(SettingsError, match=said):
        look(cluster, policy)
    assert cluster.masters is not None
    assert cluster.masters["spec"]["replicas"] == 0


def test_journals_that_are_whole_let_an_upgrade_go_on_that_may_repair_the_masters(
    cluster: Volumes,
) -> None:
    before = cluster.folder(0).joinpath(journal.MARKER).read_text()
    assert look(cluster, "force")["why"] == "all journals are formatted"
    assert holds(cluster) == [True] * 3
    assert cluster.folder(0).joinpath(journal.MARKER).read_text() == before


@pytest.mark.parametrize(
    ("ours", "told"),
    [({"effective": "ours"}, "ours"), ({"skipped": True}, "preflight")],
)
def test_journals_are_looked_into_with_the_values_that_were_read(ours: Json, told: str) -> None:
    variables = yaml.safe_load((ROOT / "roles/upgrade/vars/main.yml").read_text())
    choice = JINJA.compile_expression(variables["__upgrade_chart"].strip("{} "))
    found: Any = choice(__alluxio_chart=ours, __preflight_chart={"effective": "preflight"})
    assert found["effective"] == told
