"""What Helm keeps of a revision in its Secret: the chart and the values that it was made of. Pure.

A rollback needs no more than Helm itself. One that restores a backup needs the revision's own chart and values once
with one property more, which `helm rollback` cannot add.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

Json = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One revision. made_at: when Helm began it; values: those that were given; files: the chart's, by name."""

    number: int
    made_at: datetime
    values: Mapping[str, Any]
    manifest: str
    files: Mapping[str, bytes]


def read(secret: Mapping[str, Any]) -> Record:
    """The revision in one of Helm's Secrets. Raises CacheError where it is none that can be read."""
    metadata = secret["metadata"]
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        found = json.loads(gzip.decompress(packed))
        return Record(
            number=int(found["version"]),
            made_at=datetime.fromisoformat(metadata["creationTimestamp"]),
            values=found.get("config") or {},
            manifest=str(found.get("manifest") or ""),
            files=_files(found["chart"]),
        )
    except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
        raise CacheError(
            f"Helm's record {metadata['name']} cannot be read: {error}.",
            fix="choose another rollback_revision; `helm history` lists them.",
        ) from error


def _files(chart: Mapping[str, Any]) -> dict[str, bytes]:
    """The chart's directory. Helm keeps no charts below a chart, and ours and Alluxio's own have none."""
    found = {
        "Chart.yaml": json.dumps(chart["metadata"]).encode(),
        "values.yaml": json.dumps(chart.get("values") or {}).encode(),
    }
    if chart.get("schema"):
        found["values.schema.json"] = base64.b64decode(chart["schema"])
    for part in ("templates", "files"):
        for file in chart.get(part) or []:
            found[str(file["name"])] = base64.b64decode(file.get("data") or "")
    return found
