"""What helm_release does on the API before Helm's turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.alluxops.cache.plugins.action import helm_release as action
from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.module_utils import rollback
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError, SettingsError
from ansible_collections.alluxops.cache.plugins.modules import helm_release as module
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

Json = dict[str, Any]


class FakeKube:
    """An API server that has some objects, by path."""

    def __init__(self, *paths: str) -> None:
        self.paths = list(paths)

    def delete(self, path: str) -> bool:
        if path not in self.paths:
            return False
        self.paths.remove(path)
        return True

    def get(self, path: str) -> Json | None:
        return {} if path in self.paths else None


def test_what_helm_makes_anew_is_deleted_where_the_api_keeps_it() -> None:
    kube: Any = FakeKube(
        "/api/v1/namespaces/cache/services/alluxio-master-0",
        "/api/v1/namespaces/cache/services/alluxio-master",
        "/apis/apps/v1/namespaces/cache/daemonsets/alluxio-fuse",
    )
    keys = ["DaemonSet alluxio-fuse", "Service alluxio-master-0", "Service gone-already"]
    action._delete(kube, "cache", keys)
    assert kube.paths == ["/api/v1/namespaces/cache/services/alluxio-master"]


def held(address: str) -> rules.Release:
    """A release whose masters' Services have these specs."""
    services = "".join(
        f"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: alluxio-master-{ordinal}\nspec:\n  {address}\n"
        for ordinal in range(2)
    )
    return rules.Release(manifest=services, hooks="", config={})


@pytest.mark.parametrize("is_prepared", [False, True])
def test_services_are_replaced_both_ways_and_once(is_prepared: bool) -> None:
    asked: Any = SimpleNamespace(params={"is_prepared": is_prepared})
    old, new = held("clusterIP: None"), held("type: ClusterIP")
    services = ["Service alluxio-master-0", "Service alluxio-master-1"]
    wanted = {} if is_prepared else {"prepare": {"hooks": [], "replace": services, "servers": []}}
    for before, after in ((old, new), (new, old)):
        assert module._first(asked, {}, before, after) == wanted
        (reason,) = module._replaced(before, after)
        assert "alluxio-master-0, Service alluxio-master-1" in reason
    assert module._first(asked, {}, new, new) == {}
    assert module._replaced(new, new) == []
    assert module._first(asked, {}, None, new) == {}


class FakeHelm:
    """Two revisions, of which the second turned out not to serve; says what it was asked to do."""

    namespace, release, timeout_s = "cache", "alluxio", 10

    def __init__(self, first: str) -> None:
        self.manifests = {"1": first, "": MASTERS.format(init="")}
        self.done: list[tuple[str, ...]] = []

    def history(self) -> list[rules.Revision]:
        return [rules.Revision(1, "superseded"), rules.Revision(2, "deployed")]

    def json(self, _verb: str, _release: str, *more: str, what: str) -> Json:
        del what
        return {"manifest": self.manifests[more[1] if more else ""], "hooks": []}

    def run(self, *argv: str) -> tuple[int, str, str]:
        self.done.append(argv)
        return 0, "", ""

    def roll_back(self, revision: int, *flags: str) -> tuple[int, str]:
        self.done.append(("rollback", str(revision), *flags))
        return 0, ""


MASTERS = """---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: alluxio-master
spec:
  template:
    spec:
      initContainers:{init}
      containers:
      - {{name: alluxio-master, image: "alluxio/alluxio:2.9.6", args: [master-only, --no-format]}}
---
apiVersion: v1
kind: Secret
metadata:
  name: secret
stringData: {{key: hidden}}
"""
FORMATS = """
      - name: journal-format
        command: ["alluxio","formatJournal"]"""


def settled(monkeypatch: pytest.MonkeyPatch, helm: FakeHelm, asked: Json) -> Json:
    """What the two halves come to, one run of the module after the other."""

    def run(_self: object, arguments: Json, _variables: Json) -> Json:
        given = {"is_prepared": False, "failed_revision": 0, "revision": 0, **arguments}
        found: Any = SimpleNamespace(params=given, check_mode=False)
        return module.roll_back(found, helm)  # type: ignore[arg-type]

    monkeypatch.setattr(action.ActionModule, "_run", run)
    monkeypatch.setattr(Kube, "open", lambda _path: FakeKube())
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(check_mode=False)
    arguments = {"namespace": "cache", "release": "alluxio", "state": "rolled_back", **asked}
    return plugin._settled("kubeconfig", arguments, {})


def test_a_revision_that_failed_stays_where_the_one_before_would_erase_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helm = FakeHelm(MASTERS.format(init=FORMATS))
    result = settled(monkeypatch, helm, {"failed_revision": 2})
    assert helm.done == []
    assert result["changed"] is False
    (reason,) = result["reasons"]
    assert "Revision 2 stays" in reason
    assert "revision 1 formats the journal" in reason
    assert not result.get("failed")


@pytest.mark.parametrize("tag", ["2.9.3", "2.9.10", "prod"])
def test_a_revision_that_failed_stays_where_the_one_before_runs_another_alluxio(
    monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    """An upgrade died after its masters were changed, and `site` goes on with the version that they run."""
    helm = FakeHelm(MASTERS.format(init="").replace("2.9.6", tag))
    result = settled(monkeypatch, helm, {"failed_revision": 2})
    assert helm.done == []
    assert (result["changed"], result["revision"]) == (False, 2)
    (reason,) = result["reasons"]
    assert "Revision 2 stays" in reason
    assert f"alluxio/alluxio:2.9.6, those of revision 1 alluxio/alluxio:{tag}, and" in reason
    # Whoever asks for that revision has been told, or has a backup restored.
    monkeypatch.setattr(action, "Pins", lambda *_: SimpleNamespace(note=list))
    settled(monkeypatch, helm, {"revision": 1})
    assert helm.done == [("rollback", "1", "--history-max=0")]


@pytest.mark.parametrize(
    ("image", "other", "may"),
    [
        ("a:2.9.6", "b/a:2.9.6-custom", True),
        ("a:prod", "a:prod", True),
        ("a:prod", "b:prod", False),
        ("a@sha256:1", "a@sha256:2", False),
    ],
)
def test_what_an_image_holds_is_known_by_its_version_or_by_its_name(
    image: str, other: str, *, may: bool
) -> None:
    def objects(name: str) -> list[Json]:
        text = MASTERS.format(init="").replace("alluxio/alluxio:2.9.6", name)
        return [item for item in yaml.safe_load_all(text) if item]

    for release, allowed in (("alluxio", may), ("alluxio-zookeeper", True)):
        why = rollback.why_not_undone(objects(image), objects(other), release, 1, "cache")
        assert (why == "") is allowed


def test_a_revision_that_failed_is_left_for_one_that_keeps_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helm = FakeHelm(MASTERS.format(init=""))
    result = settled(monkeypatch, helm, {"failed_revision": 2})
    assert helm.done == [("rollback", "1")]
    assert result["reasons"] == ["Rolled back to revision 1."]


def test_helm_does_not_forget_the_revision_that_an_interrupted_run_was_to_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helm = FakeHelm(MASTERS.format(init=""))
    settled(monkeypatch, helm, {"revision": 1})
    assert helm.done == [("rollback", "1", "--history-max=0")]


def test_pins_are_noted_before_masters_or_workers_change(monkeypatch: pytest.MonkeyPatch) -> None:
    helm = FakeHelm(MASTERS.format(init="").replace("2.9.6", "2.9.6-custom"))
    noted: list[tuple[Any, ...]] = []

    class Pins:
        def __init__(self, _kube: object, *place: str) -> None:
            self.place = place

        def note(self) -> list[str]:
            noted.append((*self.place, len(helm.done)))
            return ["not all of them"]

    monkeypatch.setattr(action, "Pins", Pins)
    result = settled(monkeypatch, helm, {"failed_revision": 2})
    assert noted == [("cache", "alluxio", 0)]
    assert len(helm.done) == 1
    assert result["warnings"] == ["not all of them"]


def workload(kind: str, name: str, text: str) -> str:
    return f"---\napiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n  {text}\n"


@pytest.mark.parametrize(
    ("kind", "name", "text", "changed"),
    [
        ("StatefulSet", "alluxio-master", "replicas: 0", ["StatefulSet alluxio-master"]),
        ("DaemonSet", "alluxio-worker", "template: {}", ["DaemonSet alluxio-worker"]),
        ("DaemonSet", "alluxio-fuse", "template: {}", []),
        ("StatefulSet", "alluxio-zookeeper", "replicas: 5", []),
    ],
)
def test_only_masters_and_workers_cost_pins(
    kind: str, name: str, text: str, changed: list[str]
) -> None:
    before = rules.Release(workload(kind, name, "replicas: 3"), "", {})
    after = rules.Release(workload(kind, name, text), "", {})
    assert rules.changed_servers(before, after) == changed
    assert rules.changed_servers(before, before) == []
    assert rules.changed_servers(None, after) == []


def test_a_revision_that_is_asked_for_is_refused_where_it_would_erase_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helm = FakeHelm(MASTERS.format(init=FORMATS))
    with pytest.raises(SettingsError, match="revision 1 formats the journal"):
        settled(monkeypatch, helm, {"revision": 1})
    assert helm.done == []


def test_no_secret_leaves_the_host_that_has_helm() -> None:
    helm: Any = FakeHelm(MASTERS.format(init=""))
    asked: Any = SimpleNamespace(
        params={"is_prepared": False, "failed_revision": 2, "revision": 0}, check_mode=False
    )
    assert "hidden" not in str(module.roll_back(asked, helm))


class ScaledHelm:
    """A release at revision 3; revision 2 runs some masters."""

    release, namespace, timeout_s = "alluxio", "cache", 120

    def __init__(self, masters: int) -> None:
        self.masters = masters
        self.ran: list[tuple[str, ...]] = []

    def history(self) -> list[rules.Revision]:
        return [rules.Revision(number, "superseded") for number in (1, 2)] + [
            rules.Revision(3, "deployed")
        ]

    def json(self, *words: str, **_: str) -> Json:
        running = self.masters if "--revision" in words else 1
        head = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: alluxio-master\n"
        return {"manifest": f"---\n{head}spec:\n  replicas: {running}\n"}

    def run(self, *words: str) -> tuple[int, str, str]:
        self.ran.append(words)
        return 0, "", ""

    def roll_back(self, revision: int, *flags: str) -> tuple[int, str]:
        self.ran.append(("rollback", str(revision), *flags))
        return 0, ""


def undone(helm: ScaledHelm) -> Json:
    params = {"revision": 0, "failed_revision": 3, "is_prepared": True}
    asked: Any = SimpleNamespace(params=params, check_mode=False)
    result: Json = module.roll_back(asked, helm)  # type: ignore[arg-type]
    return result


def test_a_revision_that_does_not_serve_is_left_for_the_one_before() -> None:
    helm = ScaledHelm(masters=1)
    assert undone(helm)["reasons"] == ["Rolled back to revision 2."]
    assert helm.ran == [("rollback", "2")]


def test_nothing_goes_back_to_masters_that_were_stopped_to_convert_their_journal() -> None:
    helm = ScaledHelm(masters=0)
    result = undone(helm)
    assert not result["changed"]
    assert "revision 2 runs no master" in result["reasons"][0]
    assert helm.ran == []


class DeadHelm(FakeHelm):
    """A Helm whose second revision was left by a run that died: it renders nothing until that is forgotten."""

    def __init__(self) -> None:
        super().__init__(MASTERS.format(init=""))
        self.is_pending = True

    def history(self) -> list[rules.Revision]:
        pending = [rules.Revision(2, "pending-upgrade")] if self.is_pending else []
        return [rules.Revision(1, "deployed"), *pending]

    def chart(self, _params: Json) -> str:
        return "chart"

    def upgrade(self, _chart: str, *, timeout_s: int, what: str) -> Json:
        assert not timeout_s
        if self.is_pending:
            raise CacheError(f"{what}: another operation is in progress", "", "")
        return {"manifest": MASTERS.format(init="").replace("2.9.6", "2.9.5"), "hooks": []}


def rendered(monkeypatch: pytest.MonkeyPatch, helm: DeadHelm, *, check_mode: bool) -> Json:
    """What the action plugin says of state "rendered"."""

    def run(_self: object, arguments: Json, _variables: Json) -> Json:
        given: Any = SimpleNamespace(params={"revision": 0, "gone": [], **arguments}, _diff=False)
        return module.render(given, helm)  # type: ignore[arg-type]

    def forget(_self: object, *_given: object) -> list[str]:
        helm.is_pending = check_mode
        return ["revision 2 was left pending-upgrade by a run that died"]

    monkeypatch.setattr(action.ActionModule, "_run", run)
    monkeypatch.setattr(action.ActionModule, "_forget", forget)
    plugin = action.ActionModule.__new__(action.ActionModule)
    plugin._task = SimpleNamespace(check_mode=check_mode)
    arguments = {"namespace": "cache", "release": "alluxio", "state": "rendered"}
    return plugin._settled("kubeconfig", arguments, {})


def test_a_plan_is_made_after_a_revision_whose_helm_died_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = rendered(monkeypatch, DeadHelm(), check_mode=False)
    assert result["action"] == "upgrade"
    assert result["reasons"][0] == "revision 2 was left pending-upgrade by a run that died"
    assert "2.9.5" in result["rendered"]["wanted"]


def test_a_check_says_what_stands_in_the_way_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="revision 2 was left pending-upgrade") as error:
        rendered(monkeypatch, DeadHelm(), check_mode=True)
    assert "run without --check" in str(error.value)
