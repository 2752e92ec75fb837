"""`backup` against Alluxio's own command, `restore` against a deployment by hand whose masters start from a backup."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tests.bench import by_hand
from tests.bench.by_hand import Lab, Recipe
from tests.bench.measures import Measure
from tests.bench.options import Options
from tests.bench.verb import fresh, hand, in_master, seconds_of, told

ENTRIES = 2000
"""Directories that only the journal knows, beside what a cache has of its own."""
LAST_ENTRY = f"/bench/d{ENTRIES}"
FOLDER = f"/alluxio_backups/{by_hand.NAMESPACE}/by-hand"
INIT_PROPERTY = "alluxio.master.journal.init.from.backup"

_URI = re.compile(r"Backup URI\s*: (\S+)")
_FILL = (
    "alluxio fs -Dalluxio.user.file.writetype.default=MUST_CACHE"
    f" mkdir $(seq -f /bench/d%.0f 1 {ENTRIES}) >/dev/null"
)
_BACK_UP = f"alluxio fsadmin backup {FOLDER} --allow-leader"
# A master that has just started may answer a client's first question with an error.
_IS_THERE = f"for _ in {{1..30}}; do alluxio fs test -d {LAST_ENTRY} && exit; sleep 1; done; exit 1"


def backup_uri(said: str) -> str:
    """The address in what `alluxio fsadmin backup` says.

    Raises:
        RuntimeError: it names none.
    """
    found = _URI.search(said)
    if not found:
        raise RuntimeError(f"`fsadmin backup` named no backup:\n{said}")
    return found[1]


def from_backup(recipe: Recipe, uri: str) -> Recipe:
    """The recipe of a release whose masters, on new journals, start from a backup."""
    values = json.loads(recipe.values)
    master = values.get("master") or {}
    properties = {**(master.get("properties") or {}), INIT_PROPERTY: uri}
    return replace(
        recipe, values=json.dumps({**values, "master": {**master, "properties": properties}})
    )


def measure(lab: Lab, options: Options) -> list[Measure]:
    """Back up a cache that knows something; then take it away and bring it back, again and again."""
    fresh(lab)
    lab.run(*in_master(_FILL))
    ours, theirs = _backups(lab, options.rounds)
    recipe = by_hand.take_recipe(lab, options.chart)
    uri = backup_uri(lab.run(*in_master(_BACK_UP)))
    restored, by_property = _restores(lab, options.rounds, from_backup(recipe, uri))
    return [
        Measure("backup", "s", ours, "fsadmin backup", theirs),
        Measure("restore", "s", restored, "helm install from it", by_property),
    ]


def _backups(lab: Lab, rounds: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(hand(lab, "backup", in_master(_BACK_UP)))
        ours.append(seconds_of(lab, "backup"))
    return tuple(ours), tuple(theirs)


def _restores(lab: Lab, rounds: int, recipe: Recipe) -> tuple[tuple[float, ...], tuple[float, ...]]:
    ours, theirs = [], []
    for _ in range(rounds):
        by_hand.remove(lab)
        theirs.append(told("restore", by_hand.deploy(lab, recipe)))
        lab.run(*in_master(_IS_THERE))
        by_hand.remove(lab)
        confirmed = {"restore_from": "latest", "alluxio_confirm_restore": by_hand.RELEASE}
        ours.append(seconds_of(lab, "restore", **confirmed))
        lab.run(*in_master(_IS_THERE))
    return tuple(ours), tuple(theirs)
