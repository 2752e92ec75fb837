"""Many ssh hosts on this machine's loopback addresses, each with a Debian root of its own; for a sealed world only.

A host is an sshd of the lab's node image, on an overlay of it: what a run writes on one host no other has, and it lies
in memory. They share this machine's kernel, processors and clock.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 60
PORT = 22

_SESSION = re.compile(r"^Starting session: ", re.MULTILINE)
_CONNECTION = re.compile(r"^Accepted publickey ", re.MULTILINE)


@dataclass(frozen=True)
class Trips:
    """How often a host was talked to: connections made, and commands run (or files sent) over them."""

    connections: int
    sessions: int


def read_log(text: str) -> Trips:
    """What an sshd's log says."""
    return Trips(len(_CONNECTION.findall(text)), len(_SESSION.findall(text)))


def address(number: int) -> str:
    """The loopback address of host `number`, from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


@dataclass(frozen=True)
class Host:
    """One host: its name, its address, and its folder with root and log."""

    name: str
    address: str
    folder: Path

    @property
    def root(self) -> Path:
        """What the host calls `/`."""
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """What its sshd says."""
        return self.folder / "sshd.log"

    def trips(self) -> Trips:
        """How often it was talked to so far."""
        return read_log(self.log.read_text(encoding="utf-8"))


class Fleet:
    """`count` hosts below `folder`, which is empty. Nothing is taken down: the sealed world's end does that."""

    def __init__(self, folder: Path, node_root: Path, count: int) -> None:
        self.folder = folder
        _run("mount", "-t", "tmpfs", "tmpfs", str(folder))
        self.key = self._key("key")
        self._host_key = self._key("host_key")
        self.known_hosts = folder / "known_hosts"
        self.hosts = [
            Host(f"h{number:03}", address(number), folder / f"h{number:03}")
            for number in range(1, count + 1)
        ]
        self._servers = [self._start(host, node_root) for host in self.hosts]
        public = self._host_key.with_suffix(".pub").read_text(encoding="utf-8")
        self.known_hosts.write_text("".join(f"{host.address} {public}" for host in self.hosts))
        for host in self.hosts:
            _wait_for(host)

    def _key(self, name: str) -> Path:
        path = self.folder / name
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
        return path

    def _start(self, host: Host, node_root: Path) -> subprocess.Popen[bytes]:
        root = host.root
        for name in ("upper", "work", "root"):
            (host.folder / name).mkdir(parents=True)
        layers = f"lowerdir={node_root},upperdir={host.folder}/upper,workdir={host.folder}/work"
        _run("mount", "-t", "overlay", "-o", layers, host.name, str(root))
        _run("mount", "-t", "proc", "proc", str(root / "proc"))
        _run("mount", "-t", "sysfs", "-o", "ro", "sysfs", str(root / "sys"))
        _run("mount", "--rbind", "/dev", str(root / "dev"))
        (root / "run" / "sshd").mkdir(parents=True, exist_ok=True)
        (root / "root" / ".ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(self.key.with_suffix(".pub"), root / "root" / ".ssh" / "authorized_keys")
        shutil.copy(self._host_key, root / "etc" / "ssh" / "ssh_host_ed25519_key")
        (root / "etc" / "machine-id").write_text(f"{int(host.name[1:]):032x}\n", encoding="utf-8")
        options = {
            "ListenAddress": f"{host.address}:{PORT}",
            "LogLevel": "VERBOSE",
            "PidFile": "none",
            "MaxStartups": "100",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        with host.log.open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                ["chroot", str(root), "/usr/sbin/sshd", "-D", "-e", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def inventory(self, path: Path, settings: Mapping[str, Any]) -> Path:
        """Write Ansible's inventory of it: all hosts are new workers. settings: variables of all."""
        access = {
            "ansible_user": "root",
            # As the lab's inventory has it: else Ansible looks for it, one command more on each host.
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.known_hosts}",
        }
        hosts = {host.name: {"ansible_host": host.address} for host in self.hosts}
        groups = {"all": {"vars": {**access, **settings}}, "new_workers": {"hosts": hosts}}
        path.write_text(json.dumps(groups), encoding="utf-8")
        return path

    def pyinfra_inventory(self, path: Path) -> Path:
        """Write pyinfra's."""
        access = {
            "ssh_user": "root",
            "ssh_key": str(self.key),
            "ssh_known_hosts_file": str(self.known_hosts),
            "ssh_strict_host_key_checking": "yes",
        }
        hosts = [(host.address, access) for host in self.hosts]
        path.write_text(f"hosts = {hosts!r}\n", encoding="utf-8")
        return path

    def renew(self, below: Sequence[str]) -> None:
        """Take away on every host what runs have left there, and forget the trips."""
        for host in self.hosts:
            for name in below:
                shutil.rmtree(host.root / name.lstrip("/"), ignore_errors=True)
            with host.log.open("r+", encoding="utf-8") as log:
                log.truncate(0)

    def is_connected(self) -> bool:
        """Whether a host still has a connection."""
        children = (Path(f"/proc/{one.pid}/task/{one.pid}/children") for one in self._servers)
        return any(path.read_text(encoding="utf-8").strip() for path in children)

    def processor_s(self) -> float:
        """Seconds of processor time that all hosts have used, for what has ended on them."""
        ticks = sum(_ticks(server.pid) for server in self._servers)
        return ticks / os.sysconf("SC_CLK_TCK")

    def trips(self) -> Trips:
        """How often the host that was talked to most was talked to."""
        each = [host.trips() for host in self.hosts]
        return Trips(max(one.connections for one in each), max(one.sessions for one in each))


def _ticks(pid: int) -> int:
    """What a process and its children that have ended used; see proc(5), the fields after the name."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in stat[11:15])


def _wait_for(host: Host) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection((host.address, PORT), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                said = host.log.read_text(encoding="utf-8")
                raise RuntimeError(
                    f"{host.name} does not answer on {host.address}:\n{said}"
                ) from None
            time.sleep(0.1)
        else:
            return


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
