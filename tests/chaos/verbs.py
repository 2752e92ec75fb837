"""The verbs that chaos strikes: what each is asked to do, and what must be so before."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tests.chaos.release import Release

PROPERTY = "alluxio.user.metrics.heartbeat.interval"


class Verb(ABC):
    """One verb.

    Attributes:
        playbooks: what must exist for it to be struck.
        usual_s: how long it takes, where nobody has measured it.
        writes_go_on: whether what is written during the verb must be there after it.
        again_after_success: whether it may be run again once it has ended well.
    """

    name = ""
    playbooks: tuple[str, ...] = ()
    usual_s = 75.0
    writes_go_on = True
    again_after_success = True

    def prepare(self, release: Release) -> None:  # noqa: B027 - most verbs start from what is there
        """Bring about, undisturbed, what the verb starts from."""

    @abstractmethod
    def ask(self, release: Release, number: int) -> None:
        """Change the release's settings to what the verb is to make true: something else for each number."""

    def extra(self, _release: Release) -> Mapping[str, Any]:
        """Variables for this verb alone."""
        return {}


class Site(Verb):
    """Another value of a property that masters and workers read: all of them restart."""

    name = "site"
    playbooks = ("site",)

    def ask(self, release: Release, number: int) -> None:
        release.properties = ((PROPERTY, f"{10 + number}sec"),)


class Upgrade(Site):
    """The same change, with a backup first, and masters one by one."""

    name = "upgrade"
    playbooks = ("upgrade",)
    usual_s = 120.0


class ScaleMasters(Verb):
    """From 3 embedded masters to one that stands alone and back: members go or come, and the journal is converted."""

    name = "scale-masters"
    playbooks = ("scale_masters",)
    usual_s = 120.0

    def ask(self, release: Release, _number: int) -> None:
        release.masters, release.ha = (1, "none") if release.masters == 3 else (3, "embedded")


class Backup(Verb):
    """A backup; each run makes one more."""

    name = "backup"
    playbooks = ("backup",)
    usual_s = 15.0

    def ask(self, _release: Release, _number: int) -> None:
        """Nothing is to change."""


class Restore(Verb):
    """Everything purged, and brought back from a backup that was made just before."""

    name = "restore"
    playbooks = ("backup", "uninstall", "restore")
    usual_s = 90.0
    writes_go_on = False
    again_after_success = False  # over metadata it refuses

    def prepare(self, release: Release) -> None:
        for verb, more in (
            ("backup", {}),
            ("uninstall", {"alluxio_confirm_purge": release.name}),
        ):
            outcome = release.verb(verb, **more)
            assert outcome.code == 0, outcome.output

    def ask(self, _release: Release, _number: int) -> None:
        """Nothing is to change."""

    def extra(self, _release: Release) -> Mapping[str, Any]:
        return {"restore_from": "latest", "alluxio_confirm_restore": _release.name}


VERBS: dict[str, Verb] = {
    verb.name: verb for verb in (Site(), ScaleMasters(), Upgrade(), Backup(), Restore())
}
CONVERTS = ScaleMasters.name
"""The verb that turns one master into three and back."""
NEEDS = {name: verb.playbooks for name, verb in VERBS.items()}
"""The playbooks that each verb needs."""
