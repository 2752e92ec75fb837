"""How a run that did not end well is told: what failed, where, why, and what state remains."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from alluxops.broken import broken_yaml
from alluxops.inventory import FIX as INVENTORY_FIX
from alluxops.progress.tracker import label_of
from alluxops.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alluxops.outcome import Failure, Outcome
    from alluxops.request import RunRequest

UNDONE = re.compile(r"^(Rolled back to revision \d+|The first install was removed)", re.MULTILINE)
"""What an error says of a release that was put back as it was."""
READ_ONLY = frozenset({"preflight", "status", "verify"})
NEW_EACH_TIME = frozenset({"backup"})

NO_HOSTS = """\
Error: no host matched, so nothing was done.
Cause: The inventory has no hosts in the groups that `{verb}` works on{limit}.
Fix: Name your inventory with -i or ANSIBLE_INVENTORY; inventory/example shows the groups."""

NO_TASKS = """\
Error: no task ran with {tags}, so nothing was done.
Fix: Leave it out; `ansible-playbook playbooks/{playbook}.yml --list-tags` says which tags there are."""


def explain(outcome: Outcome, request: RunRequest, inventories: Sequence[str] = ()) -> list[str]:
    """The lines to show after a run with another exit code than 0. inventories: those that it read."""
    lines: list[str] = []
    tags = [f"--tags {tag}" for tag in request.tags]
    tags += [f"--skip-tags {tag}" for tag in request.skip_tags]
    if outcome.no_tasks or (outcome.no_hosts and tags):
        playbook = request.verb.replace("-", "_")
        shown = " ".join(tags) or "these options"
        return NO_TASKS.format(tags=shown, playbook=playbook).splitlines()
    if outcome.no_hosts:
        limit = f" and in --limit {request.limit}" if request.limit else ""
        return NO_HOSTS.format(verb=request.verb, limit=limit).splitlines()
    for same in _grouped(_untold(outcome.failures)):
        lines += _failure(same)
    if not outcome.failures:
        lines += _outside_tasks(outcome, inventories)
    return [*lines, remains(outcome, request)]


def remains(outcome: Outcome, request: RunRequest) -> str:
    """What state the run leaves."""
    hosts = f" --limit {shlex.quote(request.limit)}" if request.limit is not None else ""
    again = f"run `alluxops {request.verb}{hosts}` again"
    if request.verb not in NEW_EACH_TIME:
        again += ": it converges"
    if request.check:
        return "Nothing was changed (check mode)."
    if outcome.result == "refused":
        return "Nothing was changed."
    if outcome.only_checked or (request.verb in READ_ONLY and not outcome.changed_total):
        return ("Stopped. " if outcome.result == "cancelled" else "") + "Nothing was changed."
    stopped = "Stopped" if outcome.result == "cancelled" else "Not finished"
    if outcome.changed_total:
        undone = any(UNDONE.search(failure.message) for failure in outcome.failures)
        what = "the release was undone, what else" if undone else "what"
        then = "After the repair" if undone else "To finish"
        return f"{stopped} after {count(outcome.changed_total, 'change')}; {what} is done stays. {then}, {again}."
    if outcome.result == "cancelled":
        return f"Stopped before a change was finished; the task that was running may have begun one. To go on, {again}."
    return f"No task had finished a change. After the repair, {again}."


def _untold(failures: tuple[Failure, ...]) -> list[Failure]:
    """Failures without those that a later one on the same host repeats: what a rescue failed with again."""
    return [
        failure
        for position, failure in enumerate(failures)
        if not any(
            later.host == failure.host and failure.message in later.message
            for later in failures[position + 1 :]
        )
    ]


def _grouped(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Failures of one task with one message told once, with all their hosts."""
    groups: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.task, failure.path, failure.message), []).append(failure)
    return list(groups.values())


def _failure(same: list[Failure]) -> list[str]:
    first = same[0]
    hosts = " ".join(failure.host for failure in same)
    kind = "UNREACHABLE" if first.unreachable else "FAILED"
    lines = [f"{kind}  {label_of(first.role, first.task)}  on {hosts}", *first.message.splitlines()]
    if (
        first.path
        and not (first.unreachable or first.no_root)
        and not first.message.startswith("Error: ")
    ):
        # Our own errors name the place to repair; others are best understood where they happened.
        lines.append(f"Task: {first.path}")
    if first.unreachable:
        lines.append(
            "Fix: Check the host's name, that it is up, and that `ssh` reaches it as the inventory says."
        )
    if first.no_root:
        lines.append(
            f"Fix: Set the right ansible_become_password for {hosts}, in a vaulted file of the inventory, or let its"
            f" user become root without one; `ansible {first.host} --become -m ping` shows whether that works."
        )
    return [*lines, ""]


def _outside_tasks(outcome: Outcome, inventories: Sequence[str]) -> list[str]:
    if outcome.result == "cancelled":
        return []
    if outcome.was_killed:
        why = (f"  {line}" for line in outcome.messages if line.strip())
        return ["Error: ansible-playbook was killed from outside before it ended.", *why, ""]
    lines = [line for line in outcome.messages if line.strip()] or [
        "ansible-playbook gave no reason."
    ]
    told = [f"Error: {lines[0]}", *(f"  {line}" for line in lines[1:])]
    return [*told, *_place_and_fix(lines, inventories), ""]


def _place_and_fix(lines: Sequence[str], inventories: Sequence[str]) -> list[str]:
    """What Ansible leaves out of an error about the inventory: where, and what to do."""
    text = "\n".join(lines)
    no_inventory = "Completely failed to parse inventory" in text
    if not no_inventory and "YAML parsing failed" not in text:
        return []
    if place := broken_yaml(inventories):
        return [f"Cause: {place}", "Fix: Correct it there, or in the line above."]
    if no_inventory:
        return [f"Fix: {INVENTORY_FIX}"]
    if "Origin: " in text:
        return []
    return [
        "Fix: Find the file with `python -m yamllint -d relaxed FILES`, on those of -e @FILE and of the inventory."
    ]
