"""Values that our chart refuses. Preflight refuses each of them too: tests/unit/cache/test_refused_early.py."""

from __future__ import annotations

from tests.unit.chart.rendering import Values

TIER: dict[str, object] = {
    "level": 0,
    "alias": "MEM",
    "mediumtype": "MEM",
    "path": "/dev/shm",
    "type": "emptyDir",
    "quota": "1G",
}


def tiers(quota: object, **more: object) -> dict[str, object]:
    """Values with one tier."""
    return {"tieredstore": {"levels": [TIER | {"quota": quota} | more]}}


def limit(memory: object, component: str = "worker") -> dict[str, object]:
    """Values with a component's memory limit."""
    return {component: {"resources": {"limits": {"memory": memory}}}}


MEMORY_JOURNAL = {"volumeType": "emptyDir", "format": {"runFormat": False}}
ZOOKEEPER = {"alluxio.zookeeper.enabled": "true", "alluxio.zookeeper.address": "zk:2181"}

CASES: dict[str, tuple[Values, str]] = {
    "a manifest": ({"apiVersion": "v1", "kind": "ConfigMap", "data": {}}, "manifest"),
    "the guide's --set": ({"alluxio": {"zookeeper": {"enabled": True}}}, "properties: {"),
    "two masters": ({"master": {"count": 2}, "journal": {"type": "EMBEDDED"}}, "odd number"),
    "four masters": ({"master": {"count": 4}, "journal": {"type": "EMBEDDED"}}, "odd number"),
    "masters apart": ({"master": {"count": 3}}, "a cache of its own"),
    "more running than known": (
        {"master": {"count": 1, "running": 2}},
        "Fix: set master.count to the number of masters",
    ),
    "a format at every start": ({"master": {"args": ["master-only"]}}, "without --no-format"),
    "replicas": ({"master": {"replicas": 3}}, "Fix: set master.count to 3"),
    "two elections": (
        {"journal": {"type": "EMBEDDED"}, "properties": ZOOKEEPER},
        "either way, not both",
    ),
    "no master": ({"master": {"enabled": False}}, "nothing says where the master is"),
    "format HDFS": (
        {
            "journal": {
                "ufsType": "HDFS",
                "folder": "hdfs://nn:8020/journal",
                "format": {"runFormat": True},
            }
        },
        "would erase it",
    ),
    "HDFS in a directory": ({"journal": {"ufsType": "HDFS"}}, "a local directory"),
    "relative journal": ({"journal": {"folder": "journal"}}, "absolute path"),
    "journal never formatted": ({"journal": MEMORY_JOURNAL}, "formats empty journals only"),
    "CSI": ({"csi": {"enabled": True}}, "no CSI driver"),
    "CSI client": ({"csi": {"clientEnabled": True}}, "no CSI driver"),
    "hub": ({"hub": {"enabled": True}}, "not part of 2.8"),
    "FUSE in the worker": ({"worker": {"fuseEnabled": True}}, "fuse.enabled"),
    "two mount points": (
        {"fuse": {"enabled": True, "mountPath": "/mnt/a", "mountPoint": "/mnt/b"}},
        "two names of one setting",
    ),
    "FUSE under the root": ({"fuse": {"enabled": True, "mountPoint": "/alluxio"}}, "two levels"),
    "a blank in a property": (
        {"properties": {"alluxio.x": "a b"}},
        'properties.alluxio.x is "a b"',
    ),
    "a command in a property": ({"worker": {"properties": {"alluxio.x": "$(id)"}}}, "worker."),
    "a nested property": (
        {"properties": {"alluxio": {"user": {"x": 1}}}},
        "properties",
    ),
    "another port by property": (
        {"properties": {"alluxio.master.rpc.port": 1}},
        "Fix: set master.ports.rpc",
    ),
    "another quota by property": (
        {"worker": {"properties": {"alluxio.worker.tieredstore.level0.dirs.quota": "2G"}}},
        "Fix: set tieredstore.levels",
    ),
    "another master by property": (
        {"properties": {"alluxio.master.hostname": "here"}},
        "the release's name",
    ),
    "a host's memory over the limit": (
        tiers("10Gi", type="hostPath") | limit("3Gi"),
        "worker.resources.limits.memory is 3221225472 bytes",
    ),
    "a tier as large as the limit": (
        tiers("3Gi") | limit("3Gi"),
        "worker.resources.limits.memory is 3221225472 bytes",
    ),
    "two tiers in memory": (
        tiers("1Gi,2Gi", mediumtype="MEM,MEM", path="/dev/shm,/mnt/ram") | limit("3Gi"),
        "worker.resources.limits.memory is 3221225472 bytes",
    ),
    "a limit in exbibytes": (limit("1Ei"), "which Kubernetes does not read as a size"),
    "a limit with a bare point": (limit("5.Gi"), "which Kubernetes does not read as a size"),
    "a master's limit": (limit("lots", "master"), "which Kubernetes does not read as a size"),
    "a quota with a blank": (tiers("1 GB"), "which Alluxio does not read as a size"),
    "a quota with a leading nought": (tiers("010"), "which Alluxio does not read as a size"),
    "more media than paths": (tiers("1G", mediumtype="SSD,HDD"), "names 2 directories"),
    "a tier without its claim": (
        tiers("1G", type="persistentVolumeClaim"),
        "name does not give a claim",
    ),
    "levels out of order": (tiers("1G", level=1), "tieredstore.levels[0] has level 1"),
    "FUSE at a root directory": ({"fuse": {"enabled": True, "mountPoint": "/mnt"}}, "two levels"),
    "FUSE's own variable": (
        {"fuse": {"enabled": True, "env": {"MOUNT_POINT": "/mnt/x"}}},
        "Fix: remove it, and set fuse.mountPoint",
    ),
    "a worker's own variable": (
        {"worker": {"env": {"ALLUXIO_CLIENT_HOSTNAME": "x"}}},
        "worker.env.ALLUXIO_CLIENT_HOSTNAME is the chart's own",
    ),
    "a backup into the pods": (
        {
            "backup": {"schedule": "30 2 * * *"},
            "properties": {"alluxio.master.mount.table.root.ufs": "/opt/alluxio/x"},
        },
        "the backups would end with them",
    ),
}

UNKNOWN_KEYS: list[tuple[Values, str]] = [
    ({"masters": {"count": 3}}, "masters"),
    ({"master": {"replica": 3}}, "replica"),
    ({"worker": {"ramdisk": {"size": "1G"}}}, "ramdisk"),
    ({"journal": {"typ": "UFS"}}, "typ"),
    ({"tieredstore": {"levels": [{"quota": "1G", "sice": 1}]}}, "sice"),
    ({"shortCircuit": {"path": "/x"}}, "path"),
    ({"fuse": {"mountpoint": "/mnt/x"}}, "mountpoint"),
    ({"master": {"readinessProbe": {"httpGet": {}}}}, "httpGet"),
    ({"secrets": {"masters": {}}}, "masters"),
    ({"metrics": {"StdoutSink": {}}}, "StdoutSink"),
    ({"affinity": {}}, "affinity"),
    ({"extraServicePorts": []}, "extraServicePorts"),
    ({"monitor": {}}, "monitor"),
    ({"remoteLogs": {}}, "remoteLogs"),
]

WRONG_VALUES: list[Values] = [
    {"master": {"count": "3"}},
    {"journal": {"type": "LOCAL"}},
    {"journal": {"volumeType": "hostPath"}},
    {"shortCircuit": {"policy": "none"}},
    {"tieredstore": {"levels": []}},
    {"worker": {"ports": {"rpc": 99999}}},
    {"properties": ["alluxio.x=1"]},
    {"worker": {"env": {"NAME": {"valueFrom": {}}}}},
    {"tieredstore": {"levels": [{"mediumtype": "MEM", "type": "emptyDir", "quota": "1G"}]}},
    {"tieredstore": {"levels": [TIER | {"mediumtype": "RAM"}]}},
    {"tieredstore": {"levels": [TIER | {"alias": None}]}},
    {"shortCircuit": {"hostPath": "domain"}},
    {"secrets": {"master": {"a-secret": "/ufs"}}},
    {"worker": {"env": {"1NAME": "x"}}},
    {"backup": {"keep": -1}},
    {"journal": {"folder": ""}},
    {"master": {"enabled": None}},
    {"shortCircuit": {"policy": None}},
]

SECRET_PROPERTIES = [
    "s3a.accessKeyId",
    "s3a.secretKey",
    "alluxio.master.mount.table.root.option.s3a.secretKey",
    "aws.secretKey",
    "aws.sessionToken",
    "fs.oss.accessKeySecret",
    "fs.obs.accessKey",
    "fs.kodo.accesskey",
    "fs.gcs.secretAccessKey",
    "fs.azure.account.key.me.blob.core.windows.net",
    "fs.azure.account.oauth2.client.secret",
    "fs.azure.account.oauth2.client.secret.me.dfs.core.windows.net",
    "fs.azure.sas.datasets.me.blob.core.windows.net",
    "fs.swift.password",
    "fs.cos.secret.key",
    "alluxio.underfs.cephfs.auth.key",
]

SECRET_VARIABLES = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "COS_SECRET_KEY",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "DB_PASSWORD",
]

NO_SECRETS = [
    "fs.gcs.credential.path",
    "fs.azure.account.oauth2.client.id",
    "fs.azure.account.oauth2.client.endpoint",
    "alluxio.underfs.cephfs.auth.keyfile",
    "alluxio.underfs.s3.endpoint",
    "alluxio.security.stale.channel.purge.interval",
    "aws.web.identity.token.file",
]
