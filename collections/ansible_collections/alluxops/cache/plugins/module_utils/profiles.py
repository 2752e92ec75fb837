"""Settings of clients for two kinds of data: deployed by alluxio_profile, tried by the benchmark.

They are FUSE's alone: what a client remembers and how it asks. Each gives way to the user's own values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Profile:
    """properties: of FUSE's clients. mount_options: FUSE's own."""

    properties: dict[str, str] = field(default_factory=dict)
    mount_options: str = "allow_other"

    def values(self) -> dict[str, Any]:
        """As the chart's values have it."""
        return {"fuse": {"properties": dict(self.properties), "mountOptions": self.mount_options}}


PROFILES: Final[dict[str, Profile]] = {
    # A small file costs more questions to the master than reading: what is known of it is kept, in the client and in
    # the kernel. What others change is seen so much later.
    "small-files": Profile(
        {
            "alluxio.user.metadata.cache.enabled": "true",
            "alluxio.user.metadata.cache.max.size": "100000",
            "alluxio.user.metadata.cache.expiration.time": "10min",
        },
        "allow_other,attr_timeout=60,entry_timeout=60",
    ),
    # A large one is read in sequence: fewer and larger messages.
    "large-files": Profile({"alluxio.user.streaming.reader.chunk.size.bytes": "4MB"}),
}


def values_of(name: str) -> dict[str, Any]:
    """The values of a profile; {} for none."""
    return PROFILES[name].values() if name else {}
