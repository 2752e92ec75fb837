"""What is to be done about a release is decided from what Helm says, and shown without secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.module_utils.release import Release, Revision

CONFIG = """---
# Source: alluxio/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    name: not-this
  name: alluxio-config
data:
  x: "1"
"""
SECRET = """---
apiVersion: v1
kind: Secret
metadata:
  name: keys
type: Opaque
data:
  accessKeyId: QUtJQTE=
stringData:
  secretKey: hunter2
  multi: |
    line-one
"""
HELD = Release(CONFIG + SECRET, "", {"a": 1}, "alluxio-0.1.0", "2.9.6")


def test_the_same_release_is_left_alone() -> None:
    moved = replace(HELD, manifest=SECRET + CONFIG.replace("templates/config", "templates/other"))
    assert rules.decide(HELD, "deployed", moved) == rules.Decision("none", ())


@pytest.mark.parametrize(
    ("wanted", "status", "reason"),
    [
        (
            replace(HELD, manifest=CONFIG.replace('"1"', '"2"') + SECRET),
            "deployed",
            "ConfigMap alluxio-config",
        ),
        (replace(HELD, manifest=CONFIG), "deployed", "Secret keys"),
        (replace(HELD, chart="alluxio-0.2.0"), "deployed", "alluxio-0.2.0"),
        (replace(HELD, hooks=CONFIG), "deployed", "hooks"),
        (replace(HELD, config={"a": 2}), "deployed", "values"),
        (HELD, "failed", "failed"),
        (HELD, "superseded", "superseded"),
    ],
)
def test_a_difference_is_an_upgrade_with_its_reason(
    wanted: Release, status: str, reason: str
) -> None:
    decision = rules.decide(HELD, status, wanted)
    assert decision.action == "upgrade"
    assert reason in " ".join(decision.reasons)


def test_no_release_is_an_install() -> None:
    assert rules.decide(None, "", HELD).action == "install"


def test_objects_are_told_apart_by_kind_and_their_own_name() -> None:
    assert set(rules.documents(CONFIG + SECRET)) == {"ConfigMap alluxio-config", "Secret keys"}


def test_a_diff_shows_only_what_differs_and_no_secret() -> None:
    after = CONFIG + SECRET.replace("hunter2", "hunter3")
    diff = rules.diff(CONFIG + SECRET, after, b"run")
    assert "ConfigMap" not in diff["before"] + diff["after"]
    assert "hunter" not in diff["before"] + diff["after"]
    assert "QUtJQTE" not in diff["before"] + diff["after"]
    assert "line-one" not in diff["before"] + diff["after"]
    assert diff["before"] != diff["after"]
    lines = [line for line in diff["before"].splitlines() if line not in diff["after"].splitlines()]
    assert [line.split("(")[0].strip() for line in lines] == ["secretKey:"]


HISTORY = [
    Revision(1, "superseded"),
    Revision(2, "failed"),
    Revision(3, "deployed"),
    Revision(4, "pending-upgrade"),
]


def test_the_revision_to_go_back_to_is_the_last_that_was_deployed() -> None:
    assert rules.last_good(HISTORY, before=4) == 3
    assert rules.last_good(HISTORY, before=3) == 1
    assert rules.last_good([Revision(1, "failed")], before=1) is None


@pytest.mark.parametrize(
    "status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling"]
)
def test_a_revision_that_a_helm_works_on_is_busy(status: str) -> None:
    assert rules.busy([Revision(1, "deployed"), Revision(2, status)]) == [Revision(2, status)]
    assert rules.busy(HISTORY[:3]) == []


@pytest.mark.parametrize(
    ("run", "before", "dead"),
    [
        ("host1.aa", None, True),
        ("host1.bb", "host1.aa", True),
        ("host1.aa", "host1.aa", False),  # made by hand: Helm handed the label down
        ("host2.aa", None, False),
        (None, None, False),
    ],
)
def test_only_our_own_helm_is_known_to_be_dead(
    run: str | None, before: str | None, dead: bool
) -> None:
    labels = {rules.RUN_LABEL: run} if run else {}
    previous = {rules.RUN_LABEL: before} if before else None
    assert rules.is_dead(labels, previous, "host1") is dead


def test_helms_history_is_read_in_order() -> None:
    said = [
        {"revision": 10, "status": "deployed", "chart": "alluxio-0.1.0", "app_version": "2.9.6"},
        {"revision": 9, "status": "superseded", "chart": "alluxio-0.1.0", "app_version": ""},
    ]
    assert [one.number for one in rules.revisions(said)] == [9, 10]
    found = rules.from_helm({"manifest": "m", "config": None}, rules.revisions(said)[-1])
    assert (found.chart, found.app_version, found.config) == ("alluxio-0.1.0", "2.9.6", {})


def test_hooks_are_part_of_the_whole() -> None:
    found = rules.from_helm({"manifest": CONFIG, "hooks": [{"manifest": SECRET}]})
    assert set(rules.documents(rules.whole(found))) == {"ConfigMap alluxio-config", "Secret keys"}
    assert rules.whole(None) == ""


def test_configmaps_that_helm_makes_only_at_installation_are_known() -> None:
    hooks = [
        {"kind": "ConfigMap", "events": ["pre-install"], "manifest": "always ours"},
        {"kind": "ConfigMap", "events": ["pre-install", "pre-upgrade"], "manifest": "helm's"},
        {"kind": "Job", "events": ["pre-install"], "manifest": "runs once"},
        {"kind": "ConfigMap", "events": ["post-delete"], "manifest": "later"},
    ]
    assert rules.install_only({"hooks": hooks}) == ["always ours"]
    assert rules.install_only({}) == []


def test_secrets_and_values_are_no_arguments_of_helm() -> None:
    command = rules.upgrade_command("r", ["/c"], values="/f/values.json", timeout_s=9, label="h")
    assert command[:4] == ["upgrade", "--install", "r", "/c"]
    assert not [word for word in command if word.startswith("--set")]
    assert command[-1] == "alluxops.io/run=h,alluxops.io/step=whole"
    rendering = rules.upgrade_command("r", ["/c"], values="/f", timeout_s=0, label="h")
    assert rendering[-1] == "--dry-run=server"


def test_what_is_shown_of_a_release_holds_no_secret() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  key: aGlkZGVu\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n"
    found = rules.shown(rules.Release(f"---\n{secret}---\n{config}", "", {}))
    assert "aGlkZGVu" not in found
    assert "kind: ConfigMap" in found


@pytest.mark.parametrize(
    ("said", "cause", "fix"),
    [
        (
            'Error: UPGRADE FAILED: cannot patch "x": spec: Forbidden: updates to statefulset spec for fields',
            "cannot change this part",
            "undo the change",
        ),
        (
            "level=WARN msg=x\nError: values don't meet the specifications of the schema(s): bad",
            "values don't meet",
            "alluxio_values",
        ),
        (
            "Error: unable to continue with install: ConfigMap exists and cannot be imported into the current release",
            "cannot be imported",
            "another alluxio_release",
        ),
        ("WARNING: x\nI do not know", "I do not know", ""),
        ("", "Helm gave no reason.", ""),
    ],
)
def test_what_helm_says_is_explained(said: str, cause: str, fix: str) -> None:
    found = rules.explain(said)
    assert cause in found[0]
    assert fix in found[1]


def workload(kind: str, name: str, chart: str, *, quoted: bool = False) -> str:
    mark = '"' if quoted else ""
    return f"""---
apiVersion: apps/v1
kind: {kind}
metadata:
  name: {name}
  labels:
    chart: {chart}
spec:
  selector:
    matchLabels:
      app: {mark}alluxio{mark}
      chart: {mark}{chart}{mark}
  template:
    metadata:
      labels:
        chart: {chart}
"""


def test_workloads_that_a_new_chart_version_would_select_otherwise_are_known() -> None:
    fuse = workload("DaemonSet", "alluxio-fuse", "alluxio-0.6.40")
    before = replace(HELD, manifest=CONFIG + fuse)
    new = workload("DaemonSet", "alluxio-fuse", "alluxio-0.6.54")
    added = workload("DaemonSet", "alluxio-proxy", "alluxio-0.6.54")
    after = replace(HELD, manifest=CONFIG + new + added)
    assert rules.other_selectors(before, after) == ["DaemonSet alluxio-fuse"]
    assert rules.other_selectors(None, after) == []
    same = workload("DaemonSet", "alluxio-fuse", "alluxio-0.6.40", quoted=True)
    assert rules.other_selectors(before, replace(HELD, manifest=same)) == []


def test_a_label_that_is_in_no_selector_keeps_a_workload() -> None:
    text = workload("StatefulSet", "alluxio-master", "alluxio-0.6.40")
    text = text.replace("      chart: alluxio-0.6.40\n  template", "  template")
    before, after = (replace(HELD, manifest=text.replace("0.6.40", to)) for to in ("0.6.40", "1"))
    assert rules.other_selectors(before, after) == []


def service(name: str, address: str = "") -> str:
    spec = f"\n  clusterIP: {address}" if address else "\n  type: ClusterIP"
    return f"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:{spec}\n"


def test_services_that_get_or_lose_their_address_are_known() -> None:
    governing = service("alluxio-master", "None")
    headless = replace(HELD, manifest=governing + service("alluxio-master-0", '"None"'))
    # Going to three masters in the same step: Services that are new replace nothing.
    more = service("alluxio-master-0") + service("alluxio-master-1")
    with_address = replace(HELD, manifest=governing + more)
    assert rules.other_addresses(headless, with_address) == ["Service alluxio-master-0"]
    assert rules.other_addresses(with_address, headless) == ["Service alluxio-master-0"]
    assert rules.other_addresses(headless, headless) == []
    assert rules.other_addresses(None, with_address) == []
    moved = replace(HELD, manifest=service("alluxio-master-0", "10.96.0.9"))
    assert rules.other_addresses(with_address, moved) == []
