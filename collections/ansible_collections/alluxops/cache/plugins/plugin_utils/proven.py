"""The mark of a proven revision: an annotation of Helm's Secret, which Helm itself neither reads nor hands down."""

from __future__ import annotations

from ansible_collections.alluxops.cache.plugins.module_utils import proven
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import ApiError, Kube
from ansible_collections.alluxops.cache.plugins.plugin_utils.release import core


class Mark:
    """The mark on the revision that was the newest when it was looked at; warnings: what could not be written, why."""

    def __init__(self, kube: Kube, namespace: str, release: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.warnings: list[str] = []
        secrets = kube.list_objects(
            core(namespace, "secrets"), f"owner=helm,name={release}", names_only=True
        )
        self.revision = proven.newest(secrets, release)

    @property
    def is_missing(self) -> bool:
        """Whether there is a revision that nobody has proven."""
        return self.revision is not None and not self.revision.is_proven

    def remove(self) -> None:
        """Take it away before the proofs begin: one that fails or is interrupted leaves a revision to be proven."""
        if self.revision is not None and self.revision.is_marked:
            self._write(None)

    def put(self) -> None:
        """Say that the proofs passed."""
        if self.revision is not None and self.revision.is_deployed:
            self._write(str(self.revision.number))

    def _write(self, value: str | None) -> None:
        """Bookkeeping, so whoever may not write it has proofs all the same."""
        assert self.revision is not None  # noqa: S101 - for the type checker: both callers ask
        path = core(self.namespace, "secrets", self.revision.secret)
        try:
            self.kube.merge(path, {"metadata": {"annotations": {proven.ANNOTATION: value}}})
        except ApiError as error:
            if error.status == 404:  # Helm has forgotten it meanwhile
                return
            what = f"that revision {self.revision.number} has been proven, or not"
            self.warnings = [f"it could not be written down {what}: {error.reason}."]
