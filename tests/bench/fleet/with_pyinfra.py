"""The same end in pyinfra: what node_check reads is read, FUSE is seen to, the directories are made."""

from __future__ import annotations

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.facts.hardware import Memory
from pyinfra.facts.server import Command, Hostname, Kernel, LinuxDistribution, Mounts
from pyinfra.operations import apt, files, server

MIN_MEMORY_MB = 1024
MIN_FREE_KB = 1 << 20
RELEASE = "/mnt/fuse3/alluxio/alluxio"
# What pyinfra has no facts for, in one command.
MEMBERSHIP = (
    "df --output=avail /mnt | tail -1; cat /etc/machine-id; uname -m; python3 --version;"
    " for file in manifests/kube-apiserver.yaml manifests/etcd.yaml pki/ca.key pki/ca.crt kubelet.conf;"
    " do test -e /etc/kubernetes/$file && echo $file; done;"
    " containerd --version; kubelet --version 2>/dev/null; kubeadm version -o short 2>/dev/null; true"
)

seen = {fact.__name__: host.get_fact(fact) for fact in (Hostname, Kernel, LinuxDistribution)}
assert host.get_fact(Memory) >= MIN_MEMORY_MB, f"{seen}: too little memory"
assert host.get_fact(Mounts), f"{seen}: no mounts"
told = host.get_fact(Command, MEMBERSHIP).splitlines()
assert int(told[0]) >= MIN_FREE_KB, f"{seen}: too little space"

apt.packages(name="Install FUSE", packages=["fuse3"])
if host.get_fact(File, "/dev/fuse") is None:
    server.modprobe(name="Load FUSE", module="fuse")
for path in ("/mnt/fuse3", "/mnt/fuse3/alluxio", RELEASE):
    files.directory(name=f"Make {path}", path=path, user="root", group="root", mode="755")
for path in (f"{RELEASE}/domain", f"{RELEASE}/tier0"):
    files.directory(name=f"Make {path}", path=path, user="1000", group="1000", mode="750")
