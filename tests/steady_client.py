"""A client that works steadily: one long-lived Alluxio client, a proxy in a pod of its own, that a shell loop asks.

A command line such as `alluxio fs ls` starts a Java machine for each try, which takes longer than what is to be seen.
The proxy is a client as Spark or FUSE are, with the release's own settings, retries and name caching; what its REST
answers is what an application gets. Each operation prints one line, with the pod's clock before and after.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PORT = 39999
POD = "steady-client"
CONTAINER = "client"
DIRECTORY = "/steady"

# An operation's parts are printed as `<answered|failed> NAME BEGAN ENDED WHAT`.
# dirs: make a directory, then ask for it: two operations of the metadata, of which one is journaled.
# files: write a file (a worker takes part), close it, and see that it is complete: the proxy answers `close` with 200
# also where closing failed, which it only logs (StreamCache's removal listener), so that alone acknowledges nothing.
_ASK = r"""
PORT=39999
ask() { # PATH [BODY]: POST; leaves the status in $status, the body in $body
  status=000 body=
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return 1
  printf 'POST %s HTTP/1.0\r\nHost: client\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s' \
    "/api/v1/$1" "${3-application/json}" "${#2}" "${2-}" >&3
  local line
  IFS= read -r -u 3 line && status=${line#* } && status=${status%% *}
  while IFS= read -r -u 3 line && [[ $line != $'\r' ]]; do :; done
  IFS= read -r -d '' -u 3 body || :
  exec 3>&-
  [[ $status == 200 ]]
}
dirs() { ask "paths/$DIRECTORY/$1/create-directory" && ask "paths/$DIRECTORY/$1/get-status"; }
files() {
  ask "paths/$DIRECTORY/$1/create-file" && stream=$body &&
    ask "streams/$stream/write" "$1" application/octet-stream &&
    ask "streams/$stream/close" &&
    ask "paths/$DIRECTORY/$1/get-status" && [[ $body == *'"completed":true'* ]]
}
"""

_WORK = r"""
ask "paths/$DIRECTORY/create-directory" '{"recursive":true,"allowExists":true}'
number=0
while [[ ! -e $STOP && $SECONDS -lt 900 ]]; do
  number=$((number + 1))
  name=$KIND-$RUN-$number
  began=$EPOCHREALTIME
  if $KIND "$name"; then word=answered; else word=failed; fi
  printf '%s %s %s %s %s %.60s\n' "$word" "$name" "$began" "$EPOCHREALTIME" "$status" "${body//[$'\r\n']/ }"
  sleep "$PAUSE"
done
"""

# Prints the names, of those that it reads, whose file does not hold what was written.
_READ_BACK = r"""
while read -r name; do
  right=
  if ask "paths/$DIRECTORY/$name/open-file"; then
    stream=$body
    ask "streams/$stream/read" && [[ $body == "$name" ]] && right=yes
    ask "streams/$stream/close" || :
  fi
  [[ $right ]] || printf 'missing %s %s %.60s\n' "$name" "$status" "$body"
done
echo all read
"""


# Prints the names, of those that it reads, whose directory is not there.
_LOOK_AGAIN = r"""
while read -r name; do
  ask "paths/$DIRECTORY/$name/get-status" || printf 'missing %s %s %.60s\n' "$name" "$status" "$body"
done
echo all read
"""


@dataclass(frozen=True)
class Operation:
    """One operation of the client. began, ended: the machine's clock, in seconds."""

    name: str
    answered: bool
    began: float
    ended: float
    what: str = ""


def parse(line: str) -> Operation | None:
    """An operation from a line of the loop; None for a line of another kind."""
    words = line.split(maxsplit=4)
    if len(words) < 4 or words[0] not in ("answered", "failed"):
        return None
    what = words[4] if len(words) > 4 else ""
    return Operation(
        words[1], words[0] == "answered", float(words[2]), float(words[3]), what.strip()
    )


def served_again(operations: Sequence[Operation], killed: float) -> float | None:
    """When the outage that follows a kill ended: the end of the longest time without an answer. None: not yet over.

    A leader that is told to end may answer for some moments more, so the first answer after the kill proves nothing.
    """
    answers = [item.ended for item in operations if item.answered]
    before = [moment for moment in answers if moment <= killed][-1:] or [killed]
    after = [moment for moment in answers if moment > killed]
    gaps = [(late - early, late) for early, late in zip([*before, *after], after, strict=False)]
    return max(gaps)[1] if gaps else None


def manifest(masters: Mapping[str, Any], release: str, node: str = "") -> dict[str, Any]:
    """The client's pod, from the release's StatefulSet of masters: same image, same settings. node: "" for any."""
    template = masters["spec"]["template"]["spec"]
    options = [
        "-Dalluxio.proxy.s3.v2.version.enabled=false",  # with it, REST answers nothing
        "-Dalluxio.user.file.writetype.default=MUST_CACHE",  # nothing is left in the object store
        "-Xmx192m",
        "-XX:TieredStopAtLevel=1",
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD},
        "spec": {
            **({"nodeName": node} if node else {}),
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": template["securityContext"],
            "containers": [
                {
                    "name": CONTAINER,
                    "image": template["containers"][0]["image"],
                    "command": ["tini", "--", "/entrypoint.sh", "proxy"],
                    "envFrom": [{"configMapRef": {"name": f"{release}-config"}}],
                    "env": [{"name": "ALLUXIO_PROXY_JAVA_OPTS", "value": " ".join(options)}],
                    "resources": {
                        # A master that starts beside it must not have all of a busy node.
                        "requests": {"cpu": "500m", "memory": "256Mi"},
                        "limits": {"memory": "768Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
                }
            ],
        },
    }


@dataclass
class Load:
    """A running loop, and what its operations came to so far."""

    process: subprocess.Popen[str]
    operations: list[Operation] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Take in what the loop prints, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            operation = parse(line)
            if operation is None:
                self.noise.append(line)
            else:
                self.operations.append(operation)

    @property
    def acknowledged(self) -> list[str]:
        """Names of what the cache said it has."""
        return [item.name for item in list(self.operations) if item.answered]


@dataclass(frozen=True)
class SteadyClient:
    """The client's pod, in a release's namespace. run: runs a command in the lab's environment, returns its output.

    node: where it runs; "" leaves that to Kubernetes.
    """

    run: Callable[..., str]
    environment: Mapping[str, str]
    namespace: str
    release: str
    node: str = ""

    def kubectl(self, *argv: str, **options: Any) -> str:
        """Run kubectl in the namespace."""
        return self.run("kubectl", "-n", self.namespace, *argv, **options)

    def start(self) -> None:
        """Make the pod and wait until its proxy answers."""
        found = self.kubectl("get", "statefulset", f"{self.release}-master", "-o", "json")
        pod = manifest(json.loads(found), self.release, self.node)
        self.remove()
        self.kubectl("create", "-f", "-", stdin=json.dumps(pod))
        self.kubectl("wait", "--for=condition=Ready", f"pod/{POD}", "--timeout=100s")

    def remove(self) -> None:
        """Take the pod away."""
        self.kubectl("delete", "pod", POD, "--ignore-not-found", "--grace-period=0", "--force")

    @contextmanager
    def load(self, kind: str, run: str, *, pause_s: float = 0.1) -> Iterator[Load]:
        """A loop that works while the block runs. kind: dirs or files. run: a word for the names, not used before."""
        stop = f"/tmp/stop-{kind}-{run}"
        settings = f"KIND={kind} RUN={run} PAUSE={pause_s} DIRECTORY={DIRECTORY} STOP={stop}\n"
        process = subprocess.Popen(
            ["kubectl", "-n", self.namespace, "exec", "-i", POD, "--", "bash"],
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        load = Load(process)
        reader = threading.Thread(target=load.read, daemon=True)
        try:
            assert process.stdin is not None
            process.stdin.write(settings + _ASK + _WORK)
            process.stdin.close()
            reader.start()
            yield load
        finally:
            # A command in a pod outlives the kubectl that started it.
            self.kubectl("exec", POD, "--", "touch", stop)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
            reader.join(timeout=10)
            if process.stdout is not None:
                process.stdout.close()

    def missing(self, names: Sequence[str], *, kind: str = "files") -> list[str]:
        """Those of the files that are not there or hold something else than was written; of dirs, that are not there.

        Raises:
            RuntimeError: not all could be looked at.
        """
        script = f"DIRECTORY={DIRECTORY}\n{_ASK}{_READ_BACK if kind == 'files' else _LOOK_AGAIN}"
        # The script goes in an argument, so that the names can go through standard input.
        told = self.kubectl(
            *("exec", "-i", POD, "--", "bash", "-c", script),
            stdin="".join(f"{name}\n" for name in names),
        )
        if "all read" not in told:
            raise RuntimeError(told)
        return [line for line in told.splitlines() if line.startswith("missing ")]

    def wait_answered(self, load: Load, count: int, *, limit_s: float = 120) -> None:
        """Wait for so many more answered operations.

        Raises:
            RuntimeError: they do not come; says what came instead.
        """
        wanted = len(load.acknowledged) + count
        deadline = time.monotonic() + limit_s
        while len(load.acknowledged) < wanted:
            if time.monotonic() > deadline or load.process.poll() is not None:
                last = "\n".join([*(str(item) for item in load.operations[-3:]), *load.noise[-5:]])
                raise RuntimeError(f"no {count} answers within {limit_s:.0f} s; the last:\n{last}")
            time.sleep(0.1)
