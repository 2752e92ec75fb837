"""Where the lab keeps things: a cache that outlives labs and clones, and one directory per lab."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def cache_root() -> Path:
    """What was built or downloaded, keyed by its inputs: ALLUXOPS_CACHE, else the user's cache directory."""
    if given := os.environ.get("ALLUXOPS_CACHE"):
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "alluxops"


def labs_root() -> Path:
    """The directory that holds one directory per lab: under ALLUXOPS_STATE, else the user's state directory."""
    if given := os.environ.get("ALLUXOPS_STATE"):
        return Path(given).absolute() / "labs"
    base = os.environ.get("XDG_STATE_HOME")
    root = Path(base) if base else Path.home() / ".local" / "state"
    return root.absolute() / "alluxops" / "labs"


@dataclass(frozen=True)
class LabPaths:
    """Every path of one lab."""

    root: Path

    @classmethod
    def of(cls, name: str) -> LabPaths:
        """The paths of the lab of this name."""
        return cls(labs_root() / name)

    @property
    def state(self) -> Path:
        """What the lab is made of (lab.state)."""
        return self.root / "lab.json"

    @property
    def kubeconfig(self) -> Path:
        """Administrator's access to the cluster, 0600."""
        return self.root / "kubeconfig"

    @property
    def ssh_key(self) -> Path:
        """The private key that opens the nodes' sshd, 0600."""
        return self.root / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The nodes' host keys, so that host key checking stays on."""
        return self.root / "ssh" / "known_hosts"

    @property
    def host_keys(self) -> Path:
        """The nodes' private host keys, one file per node."""
        return self.root / "ssh" / "hosts"

    @property
    def s3_credentials(self) -> Path:
        """{"accessKeyId": ..., "secretKey": ...} of the lab's S3 gateway, 0600."""
        return self.root / "s3" / "credentials.json"

    @property
    def s3_data(self) -> Path:
        """The S3 gateway's root: a directory per bucket."""
        return self.root / "s3" / "data"

    @property
    def shared(self) -> Path:
        """The folder that every node sees as /mnt/shared: stands in for a ReadWriteMany volume."""
        return self.root / "shared"

    @property
    def bin(self) -> Path:
        """Links to kubectl and helm of the lab's versions."""
        return self.root / "bin"

    @property
    def inventory(self) -> Path:
        """The Ansible inventory of the lab."""
        return self.root / "inventory"

    @property
    def logs(self) -> Path:
        """Logs of services and of kubeadm."""
        return self.root / "logs"

    @property
    def services(self) -> Path:
        """One record per service that runs on the host."""
        return self.root / "services"

    def node(self, name: str) -> NodePaths:
        """The paths of one node."""
        return NodePaths(self.root / "nodes" / name)


@dataclass(frozen=True)
class NodePaths:
    """Every path of one node on the host."""

    base: Path

    @property
    def root(self) -> Path:
        """The node's root file system: an overlay over the cached Debian tree."""
        return self.base / "root"

    @property
    def upper(self) -> Path:
        """What the node changed in its root."""
        return self.base / "upper"

    @property
    def work(self) -> Path:
        """Overlayfs' own directory."""
        return self.base / "work"

    @property
    def containerd(self) -> Path:
        """/var/lib/containerd: a real directory, since an overlay cannot lie on an overlay."""
        return self.base / "containerd"

    @property
    def inputs(self) -> Path:
        """What the node was made from; exists once it is complete."""
        return self.base / "inputs.json"

    @property
    def console(self) -> Path:
        """What the node printed while booting."""
        return self.base / "console.log"

    def real(self, name: str) -> Path:
        """A real directory that is bound into the node."""
        return self.base / name
