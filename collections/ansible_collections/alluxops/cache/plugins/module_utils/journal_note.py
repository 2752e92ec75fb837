"""The note on a journal's claim: since when a journal of ours lies in its volume, and which one.

What lies in the volume cannot say that it is the wrong one: a disk that is not mounted looks like a new one, and one
that comes back later looks like the right one. The claim's volume says where it lies, so the note goes with the claim:
an uninstall takes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOLDS_JOURNAL = "alluxops.io/holds-journal"
"""The annotation that the note stands in."""
_MADE = ", made "


@dataclass(frozen=True)
class Note:
    """What the annotation says. since: when it was written first; made: Marker.made of the journal that lies there.

    Both are ISO 8601, UTC. Early notes do not tell which journal it is.
    """

    since: str = ""
    made: str = ""

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.since)

    def text(self) -> str:
        """The annotation's value; empty for none."""
        return self.since + (_MADE + self.made if self.since and self.made else "")

    def is_of_another(self, made: str) -> bool:
        """Whether it speaks of another journal than the one made then; no, where one of the two does not tell."""
        return bool(self.made and made) and self.made != made


NO_NOTE = Note()


def read_note(text: object) -> Note:
    """The note from the annotation's value."""
    since, _, made = str(text or "").partition(_MADE)
    return Note(since.strip(), made.strip())


def note_of(claim: Mapping[str, Any]) -> Note:
    """The note on a claim of the API."""
    return read_note((claim["metadata"].get("annotations") or {}).get(HOLDS_JOURNAL))


def command(claim: str, namespace: str) -> str:
    """The command that makes a claim forget its journal: what lies in its volume counts as it is then."""
    return f"kubectl -n {namespace} annotate pvc {claim} {HOLDS_JOURNAL}-"
