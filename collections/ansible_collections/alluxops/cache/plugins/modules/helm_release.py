from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release
short_description: Install, upgrade, roll back or remove one Helm release
description:
  - Runs on the host that has Helm; its action plugin on the controller packs a local chart, hands over the
    kubeconfig's content, and forgets revisions that a dead Helm left pending.
  - What would be stored is rendered first and compared with what is stored, object by object; if nothing differs, and
    the cluster still has every object, nothing is done. Works with Helm 3 and 4.
  - It does not wait for pods. M(alluxops.cache.cache_wait) does, and can say why one does not start.
  - It undoes nothing by itself. If Helm itself fails, the result names the RV(failed_revision), for whoever knows that
    going back loses nothing.
  - ConfigMaps that a chart made hooks of its installation, as Alluxio's own charts do, are written before an upgrade or
    a rollback, where Helm would leave them as they were.
  - Nothing goes back to a revision whose masters format their journal at each start, as a release made with upstream's
    chart and C(journal.format.runFormat=true) does. O(revision) is refused then; O(failed_revision) stays, and the
    reasons say so. It stays too where the masters of the revision before it run another version of Alluxio.
  - A DaemonSet or Deployment whose selector changes, as FUSE's and proxy's do with upstream's charts, is deleted first,
    as Kubernetes cannot change it. A StatefulSet of that kind is refused.
  - A Service that becomes headless, or ceases to be, is deleted right before the change too, and made anew by Helm. Its
    name does not resolve for the seconds between; connections that are open stay.
  - Before pods of masters or workers change, its action plugin notes what is pinned, for M(alluxops.cache.pins).
  - Helm itself holds a lock per release, so that one which outlived its run is waited for.
options:
  state:
    description:
      - C(present) installs or upgrades.
      - C(rolled_back) restores the revision that was deployed before O(failed_revision), or removes a first install;
        with O(revision), that one. Nothing is done where the revision before runs no master, as its settings may name a
        journal that is not in use any more.
      - C(absent) removes the release.
      - C(chart) reads a chart from its repository and changes nothing.
      - C(rendered) returns the objects of the last revision and those that C(present), or a rollback to O(revision),
        would store. It changes nothing.
    type: str
    choices: [present, rolled_back, absent, chart, rendered]
    default: present
  release:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Its namespace, which must exist.
    type: str
    required: true
  kubeconfig:
    description: Path of the kubeconfig on the controller. Its content reaches the host in a file of its user's alone.
    type: str
    default: ''
  chart:
    description: Chart directory or archive on the controller, C(repo/chart), or C(oci://...).
    type: str
    default: ''
  chart_version:
    description: Version of a chart from a repository; empty for the newest.
    type: str
    default: ''
  chart_repo_url:
    description: Address of the repository that O(chart) names a chart of.
    type: str
    default: ''
  values:
    description: All values to give; with O(revision), those to lay over its own.
    type: dict
    default: {}
  failed_revision:
    description: With O(state=rolled_back), the revision to leave.
    type: int
    default: 0
  revision:
    description:
      - With O(state=rolled_back) and O(state=rendered), the revision to go to; 0 for none.
      - With O(state=present), the revision whose own chart and values are taken, in place of O(chart).
    type: int
    default: 0
  step:
    description: Which step of a run makes the revision; it stands in the labels of Helm's record.
    type: str
    choices: [whole, masters, restore]
    default: whole
  gone:
    description: Objects of the release, as C(Kind name), that the cluster lacks. Its action plugin finds them.
    type: list
    elements: str
    default: []
  helm:
    description: Path of Helm; empty looks for it.
    type: str
    default: ''
  timeout_s:
    description: How many seconds one Helm command may wait for the cluster. It is ended a minute after that.
    type: int
    default: 120
  lock_timeout_s:
    description: How many seconds to wait for a Helm that is still at work on the release.
    type: int
    default: 180
author: alluxops
attributes:
  check_mode:
    description: Renders and compares. Where Helm is not yet installed it predicts an install.
    support: full
  diff_mode:
    description: Shows the objects that differ; a Secret's values are replaced by marks.
    support: full
"""

EXAMPLES = r"""
- name: Install or upgrade the release
  alluxops.cache.helm_release:
    release: "{{ alluxio_release }}"
    namespace: "{{ alluxio_namespace }}"
    kubeconfig: "{{ alluxops_kubeconfig }}"
    chart: "{{ alluxio_chart_ref }}"
    values: "{{ __alluxio_chart.values }}"
"""

RETURN = r"""
action: {description: "C(none), C(install), C(upgrade), C(rollback) or C(uninstall).", type: str, returned: success}
reasons: {description: Why., type: list, elements: str, returned: success}
revision: {description: The revision deployed now; 0 where there is none., type: int, returned: success}
failed_revision: {description: The revision that Helm made and failed with; 0 for none., type: int, returned: failure}
rendered:
  description: "With O(state=rendered): {current, wanted, chart}, objects as YAML text, without Secrets."
  type: dict
  returned: success
chart: {description: "With O(state=chart): {metadata, values}.", type: dict, returned: success}
"""

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import helm as helms
from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

PLACES = ["/usr/local/bin", "/usr/bin", "/snap/bin"]
NOTHING = {"changed": False, "action": "none", "reasons": [], "revision": 0}


def deploy(module: AnsibleModule, helm: helms.Helm) -> dict[str, object]:
    """Install or upgrade, if what would be stored differs from what is."""
    history = helm.history()
    # The lock is ours, so no Helm of ours works on it: our action plugin decides.
    if busy := rules.busy(history):
        return {"busy": rules.shown_busy(busy), "host": helms.host_label()}
    what = f"the release {helm.namespace}/{helm.release}"
    chart = helm.chart(module.params)
    rendered = helm.upgrade(chart, timeout_s=0, what=f"{what} cannot be rendered")
    wanted = rules.from_helm(rendered)
    current, result = _compared(module, helm, history, wanted)
    _refuse_other_masters(what, rules.other_selectors(current, wanted), wanted.chart)
    if result["action"] == "none":
        return {**result, "objects": sorted(rules.documents(wanted.manifest))}
    if module.check_mode:
        return result
    if result["action"] == "upgrade" and (first := _first(module, rendered, current, wanted)):
        return first
    try:
        helm.upgrade(
            chart,
            timeout_s=module.params["timeout_s"],
            step=rules.step_label(module.params["step"], module.params["revision"]),
            what=f"Helm could not {result['action']} {what}",
        )
    except helms.SilentError:
        raise  # asking it for the history would take as long
    except CacheError as error:
        failed = _failed_revision(helm, result["revision"])
        return {**error.result(), "failed_revision": failed}
    return {**result, "revision": helm.history()[-1].number}


def _failed_revision(helm: helms.Helm, reached: int) -> int:
    """The revision that a failed upgrade made; 0 where it made none, or where that cannot be told."""
    with contextlib.suppress(CacheError):
        after = helm.history()
        return after[-1].number if after and after[-1].number != reached else 0
    return 0


def _refuse_other_masters(what: str, keys: list[str], chart: str) -> None:
    """Raise CacheError where the masters would have to be deleted and made anew."""
    masters = [key for key in keys if key.startswith("StatefulSet ")]
    if masters:
        raise CacheError(
            f"{what} is of another chart: {masters[0]} selects its pods by other labels than {chart}'s.",
            "Kubernetes cannot change that in place.",
            "set alluxio_chart_ref as it was; or `helm uninstall` it and run again: volumes and journals stay.",
        )


def _replaced(current: rules.Release | None, wanted: rules.Release) -> list[str]:
    """Reasons for what is deleted and made anew."""
    said = [
        f"replaced, as its selector changes: {key}"
        for key in rules.other_selectors(current, wanted)
    ]
    if services := rules.other_addresses(current, wanted):
        said.append(f"replaced, as they get or lose an address: {', '.join(services)}")
    return said


def _first(
    module: AnsibleModule,
    rendered: Mapping[str, Any],
    current: rules.Release | None,
    wanted: rules.Release,
) -> dict[str, object]:
    """What the action plugin does on the API before Helm's turn; empty when there is nothing, or it is done."""
    steps = rules.preparation(rendered, current, wanted)
    if module.params["is_prepared"] or not any(steps.values()):
        return {}
    return {"prepare": steps}


def render(module: AnsibleModule, helm: helms.Helm) -> dict[str, object]:
    """The objects before and after, for whoever plans with them."""
    history = helm.history()
    what = f"the release {helm.namespace}/{helm.release}"
    goal = module.params["revision"]
    if not goal and (busy := rules.busy(history)):  # Helm renders nothing, as it upgrades nothing
        return {"busy": rules.shown_busy(busy), "host": helms.host_label()}
    if goal:
        words = ("status", helm.release, "--revision", str(goal))
        entry = [one for one in history if one.number == goal]
        wanted = rules.from_helm(
            helm.json(*words, what=f"reading revision {goal} of {what} failed"),
            entry[0] if entry else None,
        )
    else:
        chart = helm.chart(module.params)
        wanted = rules.from_helm(
            helm.upgrade(chart, timeout_s=0, what=f"{what} cannot be rendered")
        )
    current, compared = _compared(module, helm, history, wanted)
    shown = {"current": rules.shown(current), "wanted": rules.shown(wanted), "chart": wanted.chart}
    return {**compared, "changed": False, "rendered": shown}


def _compared(
    module: AnsibleModule, helm: helms.Helm, history: list[rules.Revision], wanted: rules.Release
) -> tuple[rules.Release | None, dict[str, Any]]:
    """What is stored, and a result that says what would become of it."""
    what = f"the release {helm.namespace}/{helm.release}"
    current, status = None, ""
    if history:
        found = helm.json("status", helm.release, what=f"reading {what} failed")
        current, status = rules.from_helm(found, history[-1]), history[-1].status
    decision = rules.decide(current, status, wanted, module.params["gone"])
    result: dict[str, Any] = {
        "changed": decision.action != "none",
        "action": decision.action,
        "reasons": [*decision.reasons, *_replaced(current, wanted)],
        "revision": history[-1].number if history else 0,
    }
    if module._diff and decision.action != "none":  # noqa: SLF001 - the documented way to know
        shown = rules.diff(rules.whole(current), rules.whole(wanted), os.urandom(16))
        result["diff"] = {**shown, "before_header": what, "after_header": what}
    return current, result


def restore(helm: helms.Helm, history: list[rules.Revision], failed: int) -> str:
    """Undo a revision: back to the last good one, or, of a first install, away with it. Returns it in words."""
    good = rules.last_good(history, before=failed)
    if good is None:
        code, _, err = helm.run("uninstall", helm.release, f"--timeout={helm.timeout_s}s")
        done = "The first install was removed; journals and volumes stay."
    else:
        code, err = helm.roll_back(good)
        done = f"Rolled back to revision {good}."
    return done if code == 0 else f"Undoing it failed too: {rules.last_words(err)}"


def roll_back(module: AnsibleModule, helm: helms.Helm) -> dict[str, object]:
    """Leave a revision that turned out not to serve, or go to the one that is wanted."""
    history = helm.history()
    wanted = module.params["revision"]
    failed = history[-1].number if wanted and history else module.params["failed_revision"]
    if not history or history[-1].number != failed:
        return {**NOTHING, "reasons": [f"revision {failed} is not the last"]}
    good = wanted or rules.last_good(history, before=failed)
    action = "rollback" if good else "uninstall"
    what = f"reading revision {good} of {helm.namespace}/{helm.release} failed"
    found = {}
    if good:
        found = helm.json("status", helm.release, "--revision", str(good), what=what)
        if not wanted and rules.stops_masters(rules.from_helm(found), helm.release):
            return {**NOTHING, "reasons": [f"Not undone: revision {good} runs no master."]}
    if module.check_mode:
        return {**NOTHING, "changed": True, "action": action}
    if good and not module.params["is_prepared"]:
        current = rules.from_helm(helm.json("status", helm.release, what=what))
        target = rules.from_helm(found)
        return {"prepare": rules.preparation(found, current, target, goal=good, leaves=failed)}
    if wanted:
        # Should this run die, the next one has to find that revision: Helm must not forget it.
        code, err = helm.roll_back(wanted, "--history-max=0")
        if code != 0:
            raise helms.failure(f"Helm could not go back to revision {wanted}", err)
        words = f"Rolled back to revision {wanted}."
    else:
        words = restore(helm, history, failed)
    after = helm.history()
    revision = after[-1].number if after else 0
    return {"changed": True, "action": action, "reasons": [words], "revision": revision}


def remove(module: AnsibleModule, helm: helms.Helm) -> dict[str, object]:
    """Uninstall the release."""
    history = helm.history()
    if not history:
        return dict(NOTHING)
    if not module.check_mode:
        code, _, err = helm.run("uninstall", helm.release, f"--timeout={helm.timeout_s}s")
        if code != 0:
            raise helms.failure(f"removing {helm.namespace}/{helm.release} failed", err)
    return {**NOTHING, "changed": True, "action": "uninstall"}


def read_chart(module: AnsibleModule, helm: helms.Helm) -> dict[str, object]:
    """Chart.yaml and values.yaml as text: this host may lack a YAML parser, the controller has one."""
    found = {}
    for part in ("chart", "values"):
        code, out, err = helm.run("show", part, *helm.chart(module.params))
        if code != 0:
            raise helms.failure(f"the chart {module.params['chart']} cannot be read", err)
        found[part] = out
    return {**NOTHING, "chart_text": found}


STATES = {
    "present": deploy,
    "rolled_back": roll_back,
    "absent": remove,
    "chart": read_chart,
    "rendered": render,
}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": list(STATES), "default": "present"},
            "release": {"required": True},
            "namespace": {"required": True},
            "kubeconfig": {"default": "", "no_log": True},
            "chart": {"default": ""},
            "chart_archive": {"default": "", "no_log": True},
            "chart_is_directory": {"type": "bool", "default": True},
            "chart_version": {"default": ""},
            "chart_repo_url": {"default": ""},
            "values": {"type": "dict", "default": {}},
            "failed_revision": {"type": "int", "default": 0},
            "is_prepared": {"type": "bool", "default": False},
            "revision": {"type": "int", "default": 0},
            "step": {"choices": ["whole", "masters", "restore"], "default": "whole"},
            "gone": {"type": "list", "elements": "str", "default": []},
            "helm": {"default": ""},
            "timeout_s": {"type": "int", "default": 120},
            "lock_timeout_s": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    params = module.params
    binary = params["helm"] or module.get_bin_path("helm", opt_dirs=PLACES) or ""
    if not binary:
        if module.check_mode:  # a real run would have installed it by now
            reasons = ["Helm is not installed yet"]
            changed = params["state"] == "present"
            module.exit_json(
                **{**NOTHING, "changed": changed, "action": "install", "reasons": reasons}
            )
        module.fail_json(
            **CacheError("there is no Helm on this host.", "", "run the role helm first.").result()
        )
    try:
        with helms.Helm(
            binary, params["namespace"], params["release"], params["timeout_s"]
        ) as helm:
            helm.open(params["kubeconfig"], params["values"], params["lock_timeout_s"])
            result = STATES[params["state"]](module, helm)
    except CacheError as error:
        said = error.result()
        del said["failed"]
        module.fail_json(**said)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
