"""A running lab as tests see it: its commands, its files, and what it has on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from lab import network
from lab.cgroups import hierarchies
from lab.mounts import below
from lab.paths import LabPaths, labs_root
from lab.state import LabState, load

ROOT = Path(__file__).resolve().parents[2]


def lab_command(*argv: str) -> list[str]:
    """`python -m lab` with arguments, run by the tests' own Python."""
    return [sys.executable, "-m", "lab", *argv]


def run_lab(*argv: str, timeout_s: float = 900) -> str:
    """Run a command of the lab to its end; a failure shows all it printed."""
    done = subprocess.run(
        lab_command(*argv),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"lab {' '.join(argv)}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@dataclass(frozen=True)
class RunningLab:
    """One lab that is up."""

    name: str

    @property
    def state(self) -> LabState:
        """Its record, as it is now."""
        state = load(self.name)
        assert state is not None, f"lab {self.name} has no record"
        return state

    @property
    def paths(self) -> LabPaths:
        """Its files."""
        return LabPaths.of(self.name)

    @property
    def kubeconfig(self) -> Path:
        """Administrator's access."""
        return self.paths.kubeconfig

    @property
    def inventory(self) -> Path:
        """The inventory directory, for -i."""
        return self.paths.inventory

    @property
    def values(self) -> dict[str, Any]:
        """`alluxio_values` of its inventory, which a test's own take the place of."""
        found: dict[str, Any] = json.loads(self.run("ansible-inventory", "--host", "n1"))[
            "alluxio_values"
        ]
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The tests' environment with what `lab env` exports."""
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "ANSIBLE_INVENTORY": str(self.inventory),
            "PATH": f"{self.paths.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def run(
        self, *argv: str, check: bool = True, stdin: str | None = None, timeout_s: float = 120
    ) -> str:
        """Run a command in the lab's environment and return what it prints, errors included."""
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert not check or done.returncode == 0, f"{argv}:\n{done.stdout}"
        return done.stdout

    def kubectl(self, *argv: str, timeout_s: float = 120) -> str:
        """Run kubectl as administrator."""
        return self.run("kubectl", *argv, timeout_s=timeout_s)

    def objects(self, *argv: str) -> list[dict[str, Any]]:
        """What `kubectl get ARGV` lists."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *argv, "-o", "json"))["items"]
        return items

    def on_node(self, node: str, script: str, *, check: bool = True) -> str:
        """Run a shell script on a node, over ssh as Ansible would."""
        return self.run(*lab_command("ssh", node, "--name", self.name, "--", script), check=check)

    def spare_node(self, *, debian: int, bare: bool = False) -> str:
        """A node of this Debian that is in no cluster, where a test disturbs nobody; booted where there is none.

        bare: without what a join takes, and with a proxy to Debian's packages.
        """

        def found() -> list[str]:
            wanted = (debian, bare)
            nodes = [node for node in self.state.nodes if node.spare]
            return [node.name for node in nodes if (node.debian, node.bare) == wanted]

        how = ["--spare-bare", "--apt-proxy"] if bare else []
        if not found():
            spares = sum(node.spare for node in self.state.nodes)
            wish = ["--spare", str(spares + 1), "--spare-debian", str(debian)]
            run_lab("up", "--name", self.name, *wish, *how)
        elif bare:
            run_lab("up", "--name", self.name, "--apt-proxy")
        return found()[0]

    def attach(self, node: str, file: str) -> str:
        """Make a loop device of a node's file, and the device files that a node lacks; its path in the node."""
        devices = "".join(
            f"test -e /dev/loop{n} || mknod /dev/loop{n} b 7 {n}; " for n in range(16)
        )
        control = "test -e /dev/loop-control || mknod /dev/loop-control c 10 237; "
        return self.on_node(node, f"{devices}{control}losetup --find --show {file}").strip()

    def take_out(self, node: str, storage: str) -> None:
        """Make a node a spare again by hand: out of the cluster, without what it has of the cache in `storage`."""
        gone = ("--ignore-not-found", "--timeout=90s")
        self.run("kubectl", "delete", "node", node, *gone, check=False, timeout_s=120)
        reset = "kubeadm reset --force >/dev/null 2>&1; systemctl disable --now kubelet"
        clear = f"umount -ql {storage}/*/*/mount {storage}/*/mount; rm -rf {storage}"
        self.on_node(node, f"{reset}; {clear}", check=False)

    @contextmanager
    def slowed(self, *how: str) -> Iterator[None]:
        """The lab with a slow link."""
        run_lab("slow", "--name", self.name, *how)
        try:
            yield
        finally:
            run_lab("slow", "--name", self.name, "--off")
        assert "slow:" not in run_lab("status", "--name", self.name)

    def bring_images(self, *artifacts: str) -> None:
        """Build images that `lab up` leaves out, where needed, and bring them into every node."""
        run_lab("images", *artifacts, "--name", self.name)

    def s3(self) -> Any:
        """A client of the lab's S3 gateway."""
        keys = json.loads(self.paths.s3_credentials.read_text())
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.state.addresses.host}:{network.S3_PORT}",
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretKey"],
            region_name="us-east-1",
        )

    def dump(self) -> str:
        """What an investigator asks for first: pods, events, and why pods are not ready."""
        parts = [
            self.run("kubectl", "get", "pods", "-A", "-o", "wide", check=False),
            self.run(
                *("kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp"),
                *("--field-selector", "type!=Normal"),
                check=False,
            )[-6000:],
        ]
        for pod in self._unready_pods():
            name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
            for container in pod["spec"]["containers"]:
                where = ["-n", namespace, name, "-c", container["name"]]
                log = self.run("kubectl", "logs", "--tail=25", *where, check=False)
                parts.append(f"--- {name} {container['name']}\n{log}")
        return "\n".join(parts)

    def _unready_pods(self) -> list[dict[str, Any]]:
        text = self.run("kubectl", "get", "pods", "-A", "-o", "json", check=False)
        try:
            pods = json.loads(text)["items"]
        except ValueError:
            return []
        return [
            pod
            for pod in pods
            if not all(item["ready"] for item in pod["status"].get("containerStatuses", []))
        ]


def traces_of_labs() -> set[str]:
    """Everything on this machine that a lab makes, one phrase each, whichever lab it belongs to."""
    found = {f"link {path.name}" for path in Path("/sys/class/net").iterdir()}
    found |= {f"mount {place}" for place in below(labs_root())}
    # Shown as a node sees it, in whichever node it was attached.
    found |= {
        f"loop device on {path.read_text().strip()}"
        for path in Path("/sys/block").glob("loop*/loop/backing_file")
    }
    found |= {f"cgroup {path}" for root in hierarchies() for path in root.glob("alluxops-*")}
    routes = subprocess.run(
        ["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True
    )
    found |= {f"route {line.strip()}" for line in routes.stdout.splitlines()}
    found |= {f"table {name}" for name in network.tables()}
    root = labs_root()
    found |= {f"state {path.name}" for path in (root.iterdir() if root.is_dir() else ())}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            group = (process / "cgroup").read_text()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, UnicodeDecodeError):
            continue
        # A zombie has ended; when it vanishes is up to whoever became its parent.
        if "alluxops-" in group and state not in {"Z", "X"}:
            found.add(f"process {command.strip()[:80]} in {group.split('alluxops-')[1].split()[0]}")
    return found
