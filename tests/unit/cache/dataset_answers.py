"""What Alluxio 2.9.6 answered about a mounted bucket, shortened to the keys that are read."""

from __future__ import annotations

import json
from typing import Any

MOUNT_TABLE = json.dumps(
    {
        "debug": False,
        "mountPointInfos": [
            {
                "shared": False,
                "ufsUri": "s3://root/",
                "properties": "{}",
                "readOnly": False,
                "ufsType": "s3",
                "mountPoint": "/",
            },
            {
                "shared": True,
                "ufsUri": "s3://bkt/",
                "properties": "{alluxio.underfs.s3.endpoint=http://127.0.0.1:17070,"
                " s3a.accessKeyId=******, s3a.secretKey=******}",
                "readOnly": True,
                "ufsType": "s3",
                "mountPoint": "/data/ds",
            },
        ],
    }
)

STATUS: dict[str, Any] = {
    "path": "/ds",
    "folder": True,
    "pinned": True,
    "pinnedMediumTypes": ["MEM"],
    "ttl": 604800000,
    "ttlAction": "FREE",
    "creationTimeMs": 1795701439085,
    "replicationMin": 0,
    "replicationMax": 0,
}


def _file(path: str, length: int, percentage: int) -> dict[str, Any]:
    return {
        "path": path,
        "folder": False,
        "length": length,
        "inAlluxioPercentage": percentage,
        "pinned": True,
        "persisted": True,
        "replicationMin": 1,
        "replicationMax": -1,
    }


LISTING = [
    {"path": "/ds/sub", "folder": True, "length": 1, "inAlluxioPercentage": 0},
    _file("/ds/sub/f1", 100, 100),
    _file("/ds/big", 1000, 50),
    _file("/ds/empty", 0, 0),
]
