"""etcd, an API server and kwok, which plays the kubelets; for a sealed world only, whose end ends them too.

What the verbs read is real: the API's paging, its objects' size, its time. What is not: nothing runs in a pod. The
leader's web page, which tells of the workers, is served by leader.py on the master pod's address.
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import urllib3

Json = dict[str, Any]

ADDRESS = "127.0.0.1"
LEADER_ADDRESS = "198.18.0.1"
"""Of the master's pod. On the loopback device; the API server proxies to no loopback address."""
PORT = 6443
START_TIMEOUT_S = 180
WRITERS = 8
MERGE = "application/merge-patch+json"
USER, FILLER = "alluxops", "filler"
DISCOVERY = re.compile(r"/(api|api/v1|apis|apis/[^/?]+/[^/?]+)$")
AUDITED = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
}
"""The API server writes down each request of the user that the verbs run as."""


class Cluster:
    """A control plane without nodes. folder: for its files. programs: kube-apiserver, etcd and kwok."""

    def __init__(self, folder: Path, programs: Mapping[str, Path]) -> None:
        self.folder = folder
        # Its certificate is of its own making, and it is on loopback.
        self._http = urllib3.PoolManager(
            maxsize=WRITERS, cert_reqs="CERT_NONE", assert_hostname=False, timeout=60, retries=False
        )
        urllib3.disable_warnings()
        self._token = secrets.token_hex(16)
        self.kubeconfig = self._access("kubeconfig", secrets.token_hex(16), self._token)
        _run("ip", "address", "add", f"{LEADER_ADDRESS}/32", "dev", "lo")
        self._start_etcd(programs["etcd"])
        self._start_server(programs["kube-apiserver"])
        self._start_kwok(programs["kwok"])

    def _access(self, name: str, verbs: str, filler: str) -> Path:
        tokens = f"{verbs},{USER},1,system:masters\n{filler},{FILLER},2,system:masters\n"
        (self.folder / "tokens").write_text(tokens, encoding="utf-8")
        self._kubeconfig("kwok.json", filler)
        return self._kubeconfig(name, verbs)

    def _kubeconfig(self, name: str, token: str) -> Path:
        server = {"server": f"https://{ADDRESS}:{PORT}", "insecure-skip-tls-verify": True}
        path = self.folder / name
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "simulated", "cluster": server}],
                    "users": [{"name": "user", "user": {"token": token}}],
                    "contexts": [
                        {"name": "it", "context": {"cluster": "simulated", "user": "user"}}
                    ],
                    "current-context": "it",
                }
            ),
            encoding="utf-8",
        )
        return path

    def _start_etcd(self, program: Path) -> None:
        # Nobody needs what it holds once the bench is over, so it need not wait for the disk.
        self._start(
            "etcd", program, "--data-dir", str(self.folder / "etcd.data"), "--unsafe-no-fsync"
        )

    def _start_server(self, program: Path) -> None:
        key, policy = self.folder / "accounts.key", self.folder / "policy.json"
        _run("ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", str(key))
        policy.write_text(json.dumps(AUDITED), encoding="utf-8")
        self._start(
            "kube-apiserver",
            program,
            *("--etcd-servers", "http://127.0.0.1:2379"),
            *("--bind-address", ADDRESS, "--secure-port", str(PORT)),
            *("--advertise-address", LEADER_ADDRESS),
            *("--cert-dir", str(self.folder / "certificates")),
            *("--token-auth-file", str(self.folder / "tokens")),
            *("--authorization-mode", "RBAC"),
            *("--service-account-issuer", "https://simulated.invalid"),
            *("--service-account-key-file", str(key), "--service-account-signing-key-file", str(key)),
            *("--service-cluster-ip-range", "198.19.0.0/16"),
            *("--disable-admission-plugins", "ServiceAccount,TaintNodesByCondition"),
            *("--audit-policy-file", str(policy), "--audit-log-path", str(self.audit)),
            *("--audit-log-mode", "blocking-strict"),
        )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if time.monotonic() > deadline:
                log = (self.folder / "kube-apiserver.log").read_text(encoding="utf-8")
                raise RuntimeError(f"the API server does not get ready:\n{log[-3000:]}")
            time.sleep(0.5)

    def _start_kwok(self, program: Path) -> None:
        self._start(
            "kwok", program, "--kubeconfig", str(self.folder / "kwok.json"), "--manage-all-nodes",
            # Thousands of leases renewed all the time would be most of what this machine does.
            "--node-lease-duration-seconds", "14400",
        )  # fmt: skip

    def _start(self, name: str, program: Path, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("w", encoding="utf-8") as log:
            subprocess.Popen(
                [str(program), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _is_ready(self) -> bool:
        try:
            self.ask("GET", "/readyz")
        except (urllib3.exceptions.HTTPError, RuntimeError):
            return False
        return True

    @property
    def audit(self) -> Path:
        """Where the API server writes down what the verbs ask it."""
        return self.folder / "audit.log"

    def asked(self) -> list[str]:
        """VERB PATH?QUERY of each request of the verbs since the last call.

        Discovery is left out: what it found is kept for a day, so that only the first of several runs asks.
        """
        text = self.audit.read_text(encoding="utf-8") if self.audit.exists() else ""
        with self.audit.open("a", encoding="utf-8") as log:
            log.truncate(0)
        events = [json.loads(line) for line in text.splitlines()]
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in events
            if not DISCOVERY.match(event["requestURI"])
        ]

    def ask(self, method: str, path: str, body: Json | None = None) -> bytes:
        """One request, as the one who fills the cluster.

        Raises:
            urllib3.exceptions.HTTPError: the server does not answer.
            RuntimeError: it answers with an error.
        """
        answer = self._http.request(
            method,
            f"https://{ADDRESS}:{PORT}{path}",
            body=json.dumps(body) if body is not None else None,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": MERGE if method == "PATCH" else "application/json",
            },
        )
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data.decode()}")
        return answer.data

    def create(self, collection: str, bodies: Iterable[Json]) -> None:
        """Create objects of one collection, several at a time."""

        def one(body: Json) -> None:
            self.ask("POST", collection, body)

        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(one, bodies):
                pass

    def set_status(self, path: str, status: Json) -> None:
        """Say of an object what its controller or kubelet would."""
        self.ask("PATCH", f"{path}/status", {"status": status})

    def all_of(self, collection: str) -> Iterator[Json]:
        """The objects of a collection, page by page."""
        token = ""
        while True:
            page = json.loads(self.ask("GET", f"{collection}?limit=500&continue={token}"))
            yield from page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return

    def wait_until_running(self, pods: str, count: int, timeout_s: float) -> None:
        """Wait until kwok says of so many pods of a collection that they run.

        Raises:
            RuntimeError: it does not.
        """
        deadline = time.monotonic() + timeout_s
        query = "?limit=1&fieldSelector=status.phase%21%3DRunning"
        while json.loads(self.ask("GET", pods + query))["items"]:
            if time.monotonic() > deadline:
                log = (self.folder / "kwok.log").read_text(encoding="utf-8")
                raise RuntimeError(f"not all of {count} pods run:\n{log[-2000:]}")
            time.sleep(1)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
