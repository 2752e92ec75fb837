"""The cache that site.yml deploys on the lab, as a user meets it: verbs, exit codes, pods, bucket."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration.lab_under_test import ROOT, RunningLab

NAMESPACE = "alluxio"
RUN_LIMIT_S = 900


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code and all it printed."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Changed tasks per host, from ansible-playbook's recap."""
        found = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", self.output, re.MULTILINE)
        return {host: int(count) for host, count in found}

    @property
    def changed_total(self) -> int:
        """Over all hosts."""
        return sum(self.changed.values())

    @property
    def tasks(self) -> int:
        """Tasks that started, from ansible-playbook's banners."""
        return len(re.findall(r"^TASK \[", self.output, re.MULTILINE))


@dataclass(frozen=True)
class Cache:
    """A release on a lab: `alluxio` in namespace `alluxio`, or one of a test module's own, named after it.

    run_limit_s: what no run takes that does not hang.
    """

    lab: RunningLab
    directory: Path
    name: str = NAMESPACE
    run_limit_s: float = RUN_LIMIT_S

    @property
    def root(self) -> str:
        """The release's own directory on each node."""
        return f"{self.storage}/{self.name}/{self.name}"

    @property
    def storage(self) -> str:
        """node_storage_root."""
        return "/mnt/fuse3" if self.name == NAMESPACE else f"/mnt/{self.name}"

    @property
    def place(self) -> dict[str, str]:
        """The settings that make it a release of its own; none for the lab's."""
        if self.name == NAMESPACE:
            return {}
        return {
            "alluxio_namespace": self.name,
            "alluxio_release": self.name,
            "node_storage_root": self.storage,
        }

    def command(self, program: str, *argv: str, settings: Mapping[str, Any] | None) -> list[str]:
        """A verb's command line; settings go through a file, as their values may be secret."""
        extra: list[str] = []
        settings = {**self.place, **(settings or {})}
        if settings:
            path = (
                self.directory / f"settings-{abs(hash(json.dumps(settings, sort_keys=True)))}.yml"
            )
            path.write_text(yaml.safe_dump(dict(settings)))
            extra = ["-e", f"@{path}"]
        return [program, *argv, *extra]

    def run(self, *argv: str) -> Outcome:
        """Run a command in the lab's environment to its end."""
        done = subprocess.run(
            argv,
            cwd=ROOT,
            env=self.lab.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.run_limit_s,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def verb(self, *argv: str, **settings: Any) -> Outcome:
        """`alluxops VERB ...`."""
        inventory = ("-i", str(self.lab.inventory))
        return self.run(
            *self.command("alluxops", argv[0], *inventory, *argv[1:], settings=settings)
        )

    def apply(self, *argv: str, **settings: Any) -> Outcome:
        """A verb that must succeed."""
        outcome = self.verb(*argv, **settings)
        assert outcome.code == 0, outcome.output
        return outcome

    def playbook(self, *argv: str, **settings: Any) -> Outcome:
        """`ansible-playbook ...` that must succeed."""
        outcome = self.run(*self.command("ansible-playbook", *argv, settings=settings))
        assert outcome.code == 0, outcome.output
        return outcome

    @contextmanager
    def running(self, *argv: str, **settings: Any) -> Iterator[subprocess.Popen[str]]:
        """A run in a session of its own, so that all of it can be killed at once."""
        log = self.directory / "running.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                self.command(argv[0], *argv[1:], settings=settings),
                cwd=ROOT,
                env=self.lab.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    process.wait(timeout=60)

    @staticmethod
    def kill(run: subprocess.Popen[str]) -> int:
        """SIGKILL a run: wrapper, supervisor, ansible-playbook and its workers at once; how many processes those were.

        Each is stopped first, so that none sees another die and ends in order.
        """
        found: set[int] = set()
        while new := family(run.pid) - found:  # a process may start another before it is stopped
            for pid in new:
                _signal(pid, signal.SIGSTOP)
            found |= new
        for pid in found:
            _signal(pid, signal.SIGKILL)
        run.wait(timeout=30)
        return len(found)

    @property
    def running_log(self) -> str:
        """What the last run started by `running` has printed so far."""
        log = self.directory / "running.log"
        return log.read_text() if log.exists() else ""

    def shell(self, *argv: str) -> str:
        """One `alluxio` command in the leader, through the wrapper."""
        place = [word for item in self.place.items() for word in ("-e", "=".join(item))]
        outcome = self.run("alluxops", "shell", "-i", str(self.lab.inventory), *place, "--", *argv)
        assert outcome.code == 0, outcome.output
        return outcome.output

    def script(self, text: str, container: str = "alluxio-master") -> str:
        """A shell script in the first master: several `alluxio` commands for the price of one connection."""
        where = ("-n", self.name, f"{self.name}-master-0", "-c", container)
        return self.lab.kubectl("exec", *where, "--", "bash", "-ec", text)

    def know_something(self) -> None:
        """Make paths with all that metadata hold: a file in the under store, a mode, a pin, a TTL."""
        self.forget()
        self.script(
            "alluxio fs mkdir /kept/deep; alluxio fs chmod 750 /kept/deep; alluxio fs pin /kept/deep;"
            " alluxio fs -Dalluxio.user.file.writetype.default=CACHE_THROUGH"
            " copyFromLocal /opt/alluxio/conf/log4j.properties /kept/deep/file;"
            " alluxio fs setTtl /kept/deep/file 86400000"
        )

    def forget(self, prefix: str = "kept/") -> list[str]:
        """Delete what lies in the bucket under a prefix, which outlives every cache; its keys."""
        client = self.lab.s3()
        found = client.list_objects_v2(Bucket="datasets", Prefix=prefix).get("Contents", [])
        for item in found:
            client.delete_object(Bucket="datasets", Key=item["Key"])
        return [item["Key"] for item in found]

    def known(self) -> list[str]:
        """What the cache knows of them: every path with owner, mode and size, directories' times, pins, TTLs."""
        text = self.script(
            "alluxio fs ls -R /kept; echo pinned; alluxio fs ls -R -p /kept; alluxio fs stat /kept/deep/file"
        )
        listed, _, status = text.partition("FileInfo")
        ttl = re.findall(r"ttl\w*[=:] ?\w+", status)
        # Nor whether a directory has been written to the under store yet.
        passing = r" +(\d+%|(NOT_)?PERSISTED)(?= )"
        # A file whose pin was given back has the time of that.
        own_time = r"(?m)^(-\S+ .*) \d\d-\d\d-\d{4} [\d:]{12}(?= )"
        listed = re.sub(own_time, r"\1", listed)
        return [re.sub(passing, "", line) for line in listed.splitlines()] + ttl

    def pods(self) -> dict[str, dict[str, Any]]:
        """The release's pods by name."""
        pods = self.lab.objects("pods", "-n", self.name, "-l", "app=alluxio")
        return {pod["metadata"]["name"]: pod for pod in pods}

    def ready(self) -> dict[str, str]:
        """Ready containers of each pod, as kubectl shows them: `2/2`."""
        counts = {}
        for name, pod in self.pods().items():
            containers = pod["status"].get("containerStatuses", [])
            ready = sum(1 for item in containers if item["ready"])
            counts[name] = f"{ready}/{len(pod['spec']['containers'])}"
        return counts

    def starts(self, role: str) -> dict[str, str]:
        """When the pods of a role (`alluxio-master`, `alluxio-worker`) were made, by uid."""
        return {
            pod["metadata"]["uid"]: pod["metadata"]["creationTimestamp"]
            for pod in self.pods().values()
            if pod["metadata"]["labels"]["role"] == role
        }

    def releases(self) -> list[str]:
        """Helm's record of the release, one `REVISION STATUS` each, oldest first."""
        text = self.lab.run(
            "kubectl",
            "get",
            "secrets",
            "-n",
            self.name,
            "-l",
            f"owner=helm,name={self.name}",
            "-o",
            "jsonpath={range .items[*]}{.metadata.labels.version} {.metadata.labels.status}{'\\n'}{end}",
            check=False,
        )
        lines = [line for line in text.splitlines() if re.fullmatch(r"\d+ [a-z-]+", line)]
        return sorted(lines, key=lambda line: int(line.split()[0]))

    def leave_pending(self) -> int:
        """Write what a Helm leaves that is killed in an upgrade: a newest revision `pending-upgrade`; its number."""
        place = ("-n", self.name)
        record_name = f"sh.helm.release.v1.{self.name}.v"
        number = int(self.releases()[-1].split()[0])
        secret = json.loads(
            self.lab.kubectl("get", "secret", f"{record_name}{number}", *place, "-o", "json")
        )
        record = json.loads(gzip.decompress(b64decode(b64decode(secret["data"]["release"]))))
        record["version"] = number + 1
        record["info"]["status"] = "pending-upgrade"
        data = b64encode(b64encode(gzip.compress(json.dumps(record).encode()))).decode()
        labels = secret["metadata"]["labels"]
        host = labels["alluxops.io/run"].partition(".")[
            0
        ]  # each run of ours has a label of its own
        secret["metadata"] = {
            "name": f"{record_name}{number + 1}",
            "labels": {
                **labels,
                "alluxops.io/run": f"{host}.killed",
                "version": str(number + 1),
                "status": "pending-upgrade",
            },
        }
        secret["data"] = {"release": data}
        manifest = self.directory / "pending.json"
        manifest.write_text(json.dumps(secret))
        self.lab.kubectl("create", "-f", str(manifest), *place)
        return number + 1

    def fingerprint(self) -> dict[str, str]:
        """All that `site` makes on cluster and nodes, to see that a run changed none of it."""
        seen = {}
        for field, kinds in (
            (
                "resourceVersion",
                "namespaces,persistentvolumes,persistentvolumeclaims,secrets,configmaps",
            ),
            ("generation", "nodes,services,daemonsets.apps,statefulsets.apps"),
        ):
            each = f"{{.kind}} {{.metadata.namespace}}/{{.metadata.name}} {{.metadata.labels}} {{.metadata.{field}}}"
            path = f"jsonpath={{range .items[*]}}{each}{{'\\n'}}{{end}}"
            seen[field] = self.lab.kubectl("get", kinds, "-A", "-o", path)
        for node in self.lab.state.nodes:
            listed = r"find /mnt/fuse3 -maxdepth 4 -printf '%p %m %U:%G\n' 2>/dev/null | sort"
            seen[node.name] = self.lab.on_node(
                node.name,
                f"{listed}; command -v helm; ls -d /etc/apt/sources.list.d/* /etc/apt/keyrings/* 2>/dev/null; true",
            )
        return seen

    def uninstall(self, *beside: str, check: bool = True) -> None:
        """`helm uninstall` by hand, which leaves claims and volumes. beside: other releases of the namespace."""
        for release in (self.name, *beside):
            command = ("helm", "uninstall", release, "-n", self.name, "--wait")
            self.lab.run(*command, check=check, timeout_s=300)

    def remove(
        self, *beside: str, directories: Sequence[str] | None = None, check: bool = True
    ) -> None:
        """Take the release away with its data by hand; what is in the bucket stays.

        Args:
            beside: other releases of the namespace.
            directories: what to delete on each node, as the shell writes it; None for all that is the release's.
            check: whether a cluster that does not do it is a failure.
        """
        shared_root = self.name == NAMESPACE
        own = f"{self.storage}/{self.name}" if shared_root else self.storage
        self.uninstall(*beside, check=False)
        gone = ("--ignore-not-found", "--timeout=150s")
        for kind in (("namespace", self.name), ("pv", "-l", f"release={self.name}")):
            self.lab.run("kubectl", "delete", *kind, *gone, check=check, timeout_s=180)
        for node in self.lab.state.nodes:
            self.lab.on_node(node.name, f"rm -rf {' '.join(directories or [own])}", check=check)

    def wait_for(
        self, what: str, condition: Any, *, limit_s: float = 240, is_patient: bool = False
    ) -> None:
        """Poll until a condition holds; the failure says what was awaited.

        is_patient: a condition that fails is asked again, as one `kubectl exec` of many may on a busy machine.
        """
        deadline = time.monotonic() + limit_s
        while True:
            failed = ""
            try:
                if condition():
                    return
            except (AssertionError, subprocess.TimeoutExpired) as error:
                if not is_patient:
                    raise
                failed = str(error)
            assert time.monotonic() < deadline, (
                f"waited {limit_s:.0f} s for {what}\n{failed}\n{self.running_log}"
            )
            time.sleep(0.5)


def family(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                text = (entry / "stat").read_text()
                parents[int(entry.name)] = int(text.rpartition(")")[2].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
