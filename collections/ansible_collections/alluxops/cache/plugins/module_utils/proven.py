"""Whether the newest revision of a release has been proven to serve. Pure functions over its Secrets' metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.health import verify_problems

ANNOTATION = "alluxops.io/proven"
"""Annotation of a revision's Secret: the number of the revision that the proofs passed for.

No label, for Helm hands labels down to the next revision, which nobody has proven; and the number, for a copy of the
annotation proves nothing either.
"""


@dataclass(frozen=True)
class Revision:
    """The newest revision of a release. secret: the name of Helm's record."""

    number: int
    secret: str
    is_deployed: bool
    is_marked: bool

    @property
    def is_proven(self) -> bool:
        """Whether the proofs passed for what this revision made."""
        return self.is_deployed and self.is_marked


def newest(secrets: Iterable[Mapping[str, Any]], release: str) -> Revision | None:
    """The newest revision; None where Helm keeps no record in Secrets."""
    return max(_revisions(secrets, release), key=lambda revision: revision.number, default=None)


def any_marked(secrets: Iterable[Mapping[str, Any]], release: str) -> bool:
    """Whether proofs have passed for any revision that Helm remembers: the release has served then."""
    return any(revision.is_marked for revision in _revisions(secrets, release))


def _revisions(secrets: Iterable[Mapping[str, Any]], release: str) -> Iterator[Revision]:
    for secret in secrets:
        metadata = secret["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get("owner") != "helm" or labels.get("name") != release:
            continue
        number = int(labels.get("version", 0))
        mark = (metadata.get("annotations") or {}).get(ANNOTATION)
        is_deployed = labels.get("status") == "deployed"
        yield Revision(number, metadata["name"], is_deployed, mark == str(number))


def passed(verify: Mapping[str, Any]) -> bool:
    """Whether proofs came out right, as cache_verify returns them.

    What differs from the under store elsewhere is the user's, and says nothing of the revision.
    """
    return not verify_problems({**verify, "consistency": None})
