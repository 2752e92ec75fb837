"""Helm on kube_control, for one release. Standard library only, Python 3.9."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import io
import json
import os
import pwd
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.alluxops.cache.plugins.module_utils import helm_host
from ansible_collections.alluxops.cache.plugins.module_utils import release as rules
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

_KEPT = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_REGISTRY_CONFIG")

MARGIN_S = 60
"""So much longer than what it was told to wait at most may Helm take."""


class SilentError(CacheError):
    """Helm was ended, for it did not end by itself."""


class Helm:
    """Helm with its files in a private directory, which a lock keeps to one run at a time.

    The lock is inherited by Helm itself, so that it lasts as long as Helm does, even if what started it is killed.
    """

    def __init__(self, binary: str, namespace: str, release: str, timeout_s: int = 120) -> None:
        self.binary = binary
        self.namespace = namespace
        self.release = release
        self.timeout_s = timeout_s
        self.folder = os.path.join(private_folder(), f"{namespace}.{release}")
        self._lock = -1

    def __enter__(self) -> Helm:  # noqa: PYI034 - Python 3.9 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock >= 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._lock)

    def open(self, kubeconfig: str, values: Mapping[str, Any], lock_timeout_s: float) -> None:
        """Take the lock and lay out Helm's files. Raises CacheError where another Helm keeps the lock too long."""
        name = f"{self.folder}.lock"
        try:
            os.makedirs(os.path.dirname(self.folder), mode=0o700, exist_ok=True)
            lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise CacheError(
                f"{error.filename} cannot be made on this host: {error.strerror}.",
                "Helm's lock and its private files lie in the home of the user that runs Helm; root's in /run.",
                "give that user a home that it may write to, or set ansible_become for kube_control.",
            ) from error
        deadline = time.monotonic() + lock_timeout_s
        while not _locked(lock):
            if time.monotonic() > deadline:
                os.close(lock)
                raise CacheError(
                    f"Helm is still at work on {self.namespace}/{self.release} on this host.",
                    f"It was waited for {lock_timeout_s:.0f} s.",
                    f"see `fuser -v {name}`; end that process if it hangs, and run again.",
                )
            time.sleep(0.5)
        self._lock = lock
        shutil.rmtree(
            self.folder, ignore_errors=True
        )  # a run that was killed leaves its kubeconfig here
        os.makedirs(self.folder, mode=0o700)
        self._write("kubeconfig", kubeconfig.encode())
        self._write("values.json", json.dumps(dict(values)).encode())

    def _write(self, name: str, content: bytes) -> str:
        path = os.path.join(self.folder, name)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return path

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run Helm. Returns (exit code, stdout, stderr).

        Helm's --timeout limits what it waits for in the cluster, not an API server that takes its requests and never
        answers. Raises SilentError where it went on long after that, and was ended.
        """
        kubeconfig = os.path.join(self.folder, "kubeconfig")
        foreign = ("HELM_", "KUBE")
        limit_s = self.timeout_s + MARGIN_S
        try:
            done = subprocess.run(
                [self.binary, *words, "--namespace", self.namespace, "--kubeconfig", kubeconfig],
                env={
                    k: v for k, v in os.environ.items() if k in _KEPT or not k.startswith(foreign)
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=(self._lock,),
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SilentError(
                f"`helm {words[0]}` for {self.namespace}/{self.release} did not end within {limit_s} s, and was ended.",
                "The API server takes requests and does not answer, or something on the way to it swallows them.",
                "see that `kubectl get --raw /readyz` answers on kube_control, and run again: a half-made revision is"
                " recognised and cleared.",
            ) from None
        return (
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
        )

    def json(self, *words: str, what: str) -> dict[str, Any]:
        """What Helm answers in JSON. Raises CacheError, which begins with `what`."""
        code, out, err = self.run(*words, "--output", "json")
        if code != 0:
            raise failure(what, err)
        found: dict[str, Any] = json.loads(out)
        return found

    def history(self) -> list[rules.Revision]:
        """The release's revisions, oldest first; none where there is no release."""
        code, out, err = self.run("history", self.release, "--max", "20", "--output", "json")
        if code == 0:
            return rules.revisions(json.loads(out))
        if "release: not found" in err:
            return []
        raise failure(f"reading the release {self.namespace}/{self.release} failed", err)

    def overrule(self) -> list[str]:
        """The flags that make this Helm take back what others have set of the release's objects."""
        _, out, _ = self.run("version", "--template", "{{.Version}}")
        return rules.overrule(helm_host.parse_version(out))

    def roll_back(self, revision: int, *flags: str) -> tuple[int, str]:
        """Go back to a revision. Returns (exit code, what Helm said of an error)."""
        limit = f"--timeout={self.timeout_s}s"
        words = ("rollback", self.release, str(revision), limit, *self.overrule(), *flags)
        code, _, err = self.run(*words)
        return code, err

    def upgrade(
        self, chart: Sequence[str], *, timeout_s: int, what: str, step: str = rules.WHOLE_STEP
    ) -> dict[str, Any]:
        """Install or upgrade; with timeout_s 0 only render. Raises CacheError, which begins with `what`."""
        words = rules.upgrade_command(
            self.release,
            chart,
            values=os.path.join(self.folder, "values.json"),
            timeout_s=timeout_s,
            label=f"{host_label()}.{os.urandom(6).hex()}",
            overrule=self.overrule() if timeout_s else (),
            step=step,
        )
        return self.json(*words, what=what)

    def chart(self, params: Mapping[str, Any]) -> list[str]:
        """The chart's place on this host or where it comes from, as arguments of Helm.

        params: the options of helm_release; chart_archive is a chart from the controller, base64 of a tar.gz.
        """
        if not params["chart_archive"]:
            words = [str(params["chart"])]
            for option, flag in (("chart_version", "--version"), ("chart_repo_url", "--repo")):
                words += [flag, str(params[option])] if params[option] else []
            return words
        content = base64.b64decode(params["chart_archive"])
        if not params["chart_is_directory"]:
            return [self._write("chart.tgz", content)]
        folder = os.path.join(self.folder, "chart")
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            for member in packed.getmembers():
                _extract(packed, member, folder)
        return [folder]


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _extract(packed: tarfile.TarFile, member: tarfile.TarInfo, folder: str) -> None:
    """Write one file of a chart below the folder; names lead there by construction, and are checked all the same."""
    target = os.path.normpath(os.path.join(os.path.dirname(folder), member.name))
    source = packed.extractfile(member) if member.isfile() else None
    if source is None or not target.startswith(folder + os.sep):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(source.read())


def failure(what: str, stderr: str) -> CacheError:
    """The error of a Helm run."""
    cause, fix = rules.explain(stderr)
    return CacheError(f"{what}.", cause, fix)


def host_label() -> str:
    """A label value for this user on this host, whose lock tells whether a Helm of theirs runs, nothing of others."""
    return hashlib.sha256(f"{_host()} {os.geteuid()}".encode()).hexdigest()[:16]


def private_folder() -> str:
    """Where this user's locks lie on this host: the same for a run at a desk, through ssh or by cron.

    XDG_RUNTIME_DIR would not be: it is one session's, and HOME may be another user's. Nobody else may write there, as
    everybody may to /tmp. A home may be shared by several hosts, each of which has its own locks.
    """
    if os.geteuid() == 0:
        return "/run/alluxops"
    try:
        home = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # containers run as users that nobody has listed
        home = os.path.expanduser("~")
    host = hashlib.sha256(_host().encode()).hexdigest()[:16]
    return os.path.join(home, ".cache", "alluxops", host)


def _host() -> str:
    identity = socket.gethostname()
    with contextlib.suppress(OSError), open("/etc/machine-id", encoding="utf-8") as file:
        identity += file.read()
    return identity
