"""The ways to do the node work of bootstrap-workers, and the settings of Ansible that ours is tried with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleet.hosts import Fleet

HERE = Path(__file__).parent
STORAGE = "/mnt/fuse3"
SETTINGS = {
    "node_storage_root": STORAGE,
    "alluxio_namespace": "alluxio",
    "alluxio_release": "alluxio",
    "min_memory_bytes": 1 << 30,
}

OURS, PLAIN, PLAIN_TUNED, PYINFRA = "ours", "plain", "plain, our ansible.cfg", "pyinfra"
PING = "a bare ping"
"""Ansible's own cost: the smallest module once on each host, with our ansible.cfg. It does none of the work."""
NO_PERSISTENCE = "-o ControlMaster=no"
OTHERS: Mapping[str, Mapping[str, bool]] = {
    "both": {"pipelining": True, "persistence": True},
    "no pipelining": {"pipelining": False, "persistence": True},
    "no ControlPersist": {"pipelining": True, "persistence": False},
    "neither": {"pipelining": False, "persistence": False},
}
"""What of ansible.cfg beside forks makes a difference, by what is left of it."""


@dataclass(frozen=True)
class Way:
    """One way to do the work. environment: over ours. works: whether it does it, or is there to be compared with."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    works: bool = True


def tuned(forks: int, *, pipelining: bool, persistence: bool) -> tuple[str, dict[str, str]]:
    """A name and the environment for other settings than ansible.cfg has."""
    words = [f"forks {forks}", "pipelining" if pipelining else "no pipelining"]
    environment = {"ANSIBLE_FORKS": str(forks), "ANSIBLE_PIPELINING": str(pipelining)}
    if not persistence:
        words.append("no ControlPersist")
        environment["ANSIBLE_SSH_ARGS"] = NO_PERSISTENCE
    return ", ".join(words), environment


def compared(folder: Path, fleet: Fleet, pyinfra: Path) -> list[Way]:
    """Those that are compared, with their inventories written."""
    inventory = str(fleet.inventory(folder / "hosts.json", SETTINGS))
    hosts = str(fleet.pyinfra_inventory(folder / "hosts.py"))
    bare = folder / "bare.cfg"
    bare.write_text("[defaults]\nnocows = True\n", encoding="utf-8")
    ours = ["ansible-playbook", "-i", inventory, str(HERE / "ours.yml")]
    plain = ["ansible-playbook", "-i", inventory, str(HERE / "plain.yml")]
    ping = ["ansible", "-i", inventory, "new_workers", "-m", "ansible.builtin.ping"]
    deploy = [str(pyinfra / "bin" / "pyinfra"), "--yes", hosts, str(HERE / "with_pyinfra.py")]
    return [
        Way(OURS, ours, {}),
        Way(PYINFRA, deploy, {}),
        Way(PLAIN, plain, {"ANSIBLE_CONFIG": str(bare)}),
        Way(PLAIN_TUNED, plain, {}),
        Way(PING, ping, {}, works=False),
    ]


def settings_of(ours: Way, forks: Sequence[int]) -> list[Way]:
    """Our way with other settings of ansible.cfg: each number of forks with each of the others."""
    found = [tuned(number, **others) for number in forks for others in OTHERS.values()]
    return [Way(name, ours.command, environment) for name, environment in found]
