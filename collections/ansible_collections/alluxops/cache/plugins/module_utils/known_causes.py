"""What the failures of Alluxio and Kubernetes that the field knows look like, what they mean, and what helps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A signature in a log line or message, and what it means. Groups of the signature may stand in cause and fix."""

    signature: str
    cause: str
    fix: str


_REFUSED_CREDENTIALS = (
    "the under store does not accept the credentials.",
    "check accessKeyId and secretKey in alluxio_root_ufs_credentials, or in the Secret of alluxio_root_ufs_secret.",
)

# Ordered: the first that matches is told. Each is a failure that was seen, or that the field reports often.
CAUSES: tuple[Cause, ...] = (
    Cause(
        r"tmpfs is smaller than the configured size: (?P<has>\d+) < (?P<wants>\d+)",
        "the tier's quota is {has} bytes to Kubernetes, which made the tmpfs, and {wants} to Alluxio: a unit such as 1G"
        " is 10^9 to one and 2^30 to the other.",
        "write the quota in plain bytes: {wants}, in alluxio_worker_quota or tieredstore.levels[0].quota.",
    ),
    Cause(
        r"has not been formatted|Journal .* not formatted|not been formatted",
        "the place of the master's journal holds no formatted journal.",
        "set alluxio_journal_format: if_empty and run site again; if it held a journal before, put that back first. One"
        " in no volume (journal.ufsType, journal.volumeType) is formatted by hand: `alluxio formatJournal` with the"
        " release's properties.",
    ),
    Cause(
        r"belongs to server (?P<had>\d+) of an ensemble, and this is server \d+",
        "the order of cache_masters and cache_workers has changed, by which servers of ZooKeeper have their hosts: this"
        " one finds what server {had} had. Two servers with one history would vote twice.",
        "set the order back. Or empty the directory zookeeper of the release on that host, as it keeps nothing but who"
        " leads: while other servers are a majority that serves; or on all hosts where none serves, as after an"
        " uninstall.",
    ),
    # Before the next: an S3 answer may hold a path too.
    Cause(
        r"InvalidAccessKeyId|SignatureDoesNotMatch|Access Key Id you provided|Status Code: 403",
        *_REFUSED_CREDENTIALS,
    ),
    Cause(
        r"(AccessDenied|Permission denied|Permissions denied)[^\n]*?(?P<path>/[\w/.-]+)",
        "the container's user (1000:1000) may not write {path}.",
        "run site again: node_storage gives directories their owner; else it is the image's fault.",
    ),
    Cause(
        r"java\.lang\.OutOfMemoryError: Direct buffer memory",
        "the JVM's direct memory is too small for what it serves.",
        "raise -XX:MaxDirectMemorySize in the component's jvmOptions, and its memory limit with it.",
    ),
    Cause(
        r"java\.lang\.OutOfMemoryError",
        "the JVM's heap is too small for what it holds.",
        "raise -Xmx in the component's jvmOptions, and its memory limit with it.",
    ),
    Cause(
        r"Invalid maximum heap size|Could not reserve enough space|insufficient memory for the Java Runtime",
        "the heap that jvmOptions ask for does not fit into the container's memory.",
        "lower -Xmx, or raise the memory limit.",
    ),
    Cause(
        r"(NoSuchBucket|The specified bucket does not exist)",
        "the bucket of the root under store does not exist.",
        "make the bucket, or correct alluxio_root_ufs.",
    ),
    Cause(r"AccessDenied", *_REFUSED_CREDENTIALS),
    Cause(
        r"Unable to load AWS credentials|Unable to load credentials",
        "the under store needs credentials and the pod has none.",
        "set alluxio_root_ufs_secret (and alluxio_root_ufs_credentials if the Secret is to be made).",
    ),
    Cause(
        r"Unable to execute HTTP request|Connect to \S+ failed|SdkClientException.*(?:refused|timed out)",
        "the under store's endpoint does not answer.",
        "check alluxio.underfs.s3.endpoint in alluxio_root_ufs_options, from a pod of the cluster.",
    ),
    Cause(
        r"No UnderFileSystem Factory found for: (?P<uri>\S+)",
        "the image has no under store of the kind {uri}.",
        "correct alluxio_root_ufs, or use an image that has it.",
    ),
    Cause(
        r"UnknownHostException: (?P<host>[\w.-]+)|(?P<host2>[\w.-]+): Name or service not known",
        "the name {host} does not resolve inside the pod.",
        "see that the cluster's DNS runs (`kubectl -n kube-system get pods -l k8s-app=kube-dns`).",
    ),
    Cause(
        r"RejectedExecutionException.*Terminated",
        "a worker closed its connection to the under store: Alluxio does so where two threads open it at once.",
        "`alluxio fs persist` what this worker alone holds, then delete its pod, which is made anew; see"
        " docs/runbooks/verify.md.",
    ),
    Cause(
        r"Address already in use|BindException",
        "another process on the node (or another release with hostNetwork) has the port.",
        "stop it, or give the component other ports in the values.",
    ),
    Cause(
        r"No space left on device",
        "the volume or the node's disk is full.",
        "free space on the node, or enlarge the volume.",
    ),
    Cause(
        r"path \"?(?P<path>/[\w/.-]+)\"? does not exist|hostPath type check failed: (?P<path2>/[\w/.-]+)",
        "the directory {path} is missing on the node.",
        "run site again: node_storage makes it on every host of cache_masters and cache_workers.",
    ),
    Cause(
        r"Insufficient (?P<what>memory|cpu)",
        "no node that may carry the pod has enough {what} left for what it requests.",
        "lower resources.requests in the values, or free the node.",
    ),
    Cause(
        r"didn't have free ports|match PersistentVolume's node affinity|had volume node affinity conflict",
        "the pod fits on no node: its journal is tied to a node where it may not run.",
        "see nodeSelector and tolerations in the values, and the order of cache_masters.",
    ),
    Cause(
        r"unbound immediate PersistentVolumeClaims|persistentvolumeclaim \"(?P<claim>[\w.-]+)\" not found",
        "a claim of the pod has no volume.",
        "run site again: it makes the volumes; `kubectl get pv,pvc -A` shows what is bound to what.",
    ),
    Cause(
        r"untolerated taint \{(?P<taint>[^}]*)\}",
        "a taint ({taint}) keeps the pod off the node.",
        "add a toleration to the values, or take the taint off the node.",
    ),
    Cause(
        r"violates PodSecurity \"(?P<level>\w+)",
        "the namespace enforces Pod Security level {level}; the cache needs hostPath volumes.",
        "label the namespace pod-security.kubernetes.io/enforce=privileged, or use another one.",
    ),
    Cause(
        r"secret \"(?P<secret>[\w.-]+)\" not found",
        "the pod mounts the Secret {secret}, which does not exist.",
        "make it in the release's namespace, or correct its name in the values.",
    ),
    Cause(
        r"(?:Back-off pulling|Failed to pull|failed to pull(?: and unpack)?) image \"?(?P<image>[^\s\"]+)"
        r"|ImagePullBackOff|ErrImagePull|ErrImageNeverPull",
        "the node cannot get the image {image}.",
        "check alluxio_version and the image's name in the values, that the registry is reachable from the node, and"
        " imagePullSecrets.",
    ),
    Cause(
        r"OOMKilled",
        "the container used more memory than its limit: heap, direct memory and, for a worker, the tier in memory.",
        "raise resources.limits.memory, or lower the quota or -Xmx.",
    ),
)
