"""Settings of clients for two kinds of data: deployed by alluxio_profile, tried by the benchmark.

They are FUSE's alone: what a client remembers and how it asks. Each gives way to the user's own values. Nothing of
workers or of how files lie in the cache is in them, so that a mount with a profile's settings measures all of it.
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


UPSTREAM: Final = "upstream"
DEFAULTS: Final = Profile(
    {
        "alluxio.user.metadata.cache.enabled": "false",
        "alluxio.user.update.file.accesstime.disabled": "false",
        "alluxio.user.streaming.reader.chunk.size.bytes": "1MB",
    }
)
"""What Alluxio (2.8 and 2.9) and its chart do where nobody says otherwise, of all that profiles set."""

PROFILES: Final[dict[str, Profile]] = {
    # A small file costs more questions to the master than reading: what is known of it is kept, in the client for ten
    # minutes (Alluxio's default) and in the kernel for as long. What others change is seen so much later. A client that
    # knows a file would still tell the master at each opening that it was read.
    "small-files": Profile(
        {
            "alluxio.user.metadata.cache.enabled": "true",
            "alluxio.user.update.file.accesstime.disabled": "true",
        },
        "allow_other,attr_timeout=600,entry_timeout=600",
    ),
    # A large one is read in sequence: fewer and larger messages, as large as workers send by default. The kernel asks
    # for one part after the other: several at a time reach the client in any order, which begins new streams for that.
    "large-files": Profile(
        {"alluxio.user.streaming.reader.chunk.size.bytes": "2MB"}, "allow_other,sync_read"
    ),
}


def values_of(name: str) -> dict[str, Any]:
    """The values of a profile; {} for none."""
    return PROFILES[name].values() if name else {}


def settings_of(name: str) -> Profile:
    """All that a profile's mount has, whatever is deployed: Alluxio's defaults, and the profile's own over them."""
    if name == UPSTREAM:
        return DEFAULTS
    one = PROFILES[name]
    return Profile({**DEFAULTS.properties, **one.properties}, one.mount_options)
