"""Asking a running master about its quorum, and changing it: `alluxio fsadmin journal quorum` in its container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils import cluster, health, quorum
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError
from ansible_collections.alluxops.cache.plugins.plugin_utils import release as objects
from ansible_collections.alluxops.cache.plugins.plugin_utils.api_action import Patience
from ansible_collections.alluxops.cache.plugins.plugin_utils.kube import Kube

ASK_TIMEOUT_S: Final = 60
CHANGE_TIMEOUT_S: Final = 240
"""`quorum elect` itself waits up to 3 min for the election."""
MISSED_S: Final = 20
"""For how long a leader may miss a member whose pod is ready. One that has just started is reached within 10 s."""
SMALL_JVM: Final = (
    "export JAVA_TOOL_OPTIONS='-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1'\n"
    # The client asks every master of the list for the leader, for 2 min by default; a run waits with words of its own.
    'export ALLUXIO_USER_JAVA_OPTS="${ALLUXIO_USER_JAVA_OPTS:-} -Dalluxio.user.rpc.retry.max.duration=20s"\n'
)


class Masters:
    """The masters of a release with an embedded journal."""

    def __init__(self, kube: Kube, namespace: str, release: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.release = release

    def look(self) -> health.Seen:
        """One look at the release."""
        return objects.look(self.kube, self.namespace, self.release)

    def pod(self, ordinal: int) -> str:
        """The name of a master's pod."""
        return f"{self.release}-master-{ordinal}"

    def read(self, pod: str, domain: str = quorum.MASTER) -> quorum.Quorum:
        """The quorum, asked in a pod. Raises CacheError where nobody leads."""
        said = self._alluxio(pod, f"quorum info -domain {domain}", ASK_TIMEOUT_S)
        return quorum.parse(said)

    def current(self, seen: health.Seen | None = None) -> quorum.Quorum | None:
        """The quorum as the leader sees it; None where nobody leads or the leader does not say."""
        seen = seen or self.look()
        if seen.leader is None:
            return None
        try:
            return self.read(seen.leader.pod)
        except CacheError:
            return None

    def led(self, patience: Patience) -> quorum.Quorum:
        """The quorum, waiting for a leader. Raises CacheError where none comes in time."""
        while (found := self.current()) is None:
            if patience.is_over:
                raise CacheError(
                    f"no master of {self.namespace}/{self.release} leads after {patience.waited_s:.0f} s.",
                    fix=f"see `kubectl -n {self.namespace} get pods -l role={cluster.MASTER_ROLE}` and their logs;"
                    " run again.",
                )
            patience.pause("a master to lead", 1.0)
        return found

    def remove(self, member: quorum.Member, domain: str, pod: str) -> None:
        """Take a member out of the quorum of a domain."""
        self._alluxio(pod, f"quorum remove -domain {domain} -address {member.address}")

    def elect(self, member: quorum.Member, pod: str) -> None:
        """Hand leadership to a member."""
        self._alluxio(pod, f"quorum elect -address {member.address}")

    def awaited(self, ordinal: int, seen: health.Seen) -> tuple[str, quorum.Quorum | None]:
        """What is missing until a master is a member that answers, all others do, and one leads; and the quorum."""
        name = self.pod(ordinal)
        pod = next((pod for pod in seen.pods if pod["name"] == name), None)
        if pod is None:
            return f"{name} to be made", None
        found = self.current(seen)
        if found is None:
            return "a master to lead", None
        if ordinal not in found.ordinals:
            return f"{name} to join the quorum", found
        if not found.is_healthy:
            return f"the quorum: {quorum.shown(found)}", found
        return ("" if cluster.is_ready(pod) else f"{name} to be ready"), found

    def _alluxio(self, pod: str, command: str, timeout_s: float = CHANGE_TIMEOUT_S) -> str:
        done = self.kube.exec(
            self.namespace,
            pod,
            objects.MASTER_CONTAINER,
            ["/bin/bash", "-c", f"{SMALL_JVM}exec alluxio fsadmin journal {command}"],
            timeout_s=timeout_s,
        )
        if done.returncode != 0:
            raise CacheError(
                f"`alluxio fsadmin journal {command}` in {self.namespace}/{pod} failed with {done.returncode}.",
                _telling(done.output),
            )
        return done.stdout


class QuorumWatch:
    """Waits until a quorum is whole, and hands leadership on where the leader goes on missing a member that is ready.

    A leader that was elected while a member's name did not resolve goes on calling it unresolvable for minutes: seen
    with Alluxio 2.9.6 and Services without an address, as upstream's chart has. The next leader reaches it at once.
    """

    def __init__(self, masters: Masters) -> None:
        self._masters = masters
        self._missed_since_s: float | None = None

    def awaited(self, seen: health.Seen, patience: Patience) -> str:
        """What is missing, once every master's pod is ready; empty when nothing is."""
        found = self._masters.current(seen)
        if found is None:
            return "the leader to tell its quorum"
        if found.is_healthy:
            return ""
        heir = quorum.successor(found)
        if self._missed_since_s is None:
            self._missed_since_s = patience.waited_s
        if heir is not None and patience.waited_s - self._missed_since_s >= MISSED_S:
            self._hand_on(found, heir)
            self._missed_since_s = None
        return f"the quorum: {quorum.shown(found)}"

    def _hand_on(self, found: quorum.Quorum, heir: quorum.Member) -> None:
        missed = quorum.names(found.missing)
        try:
            self._masters.elect(heir, self._masters.pod(found.leading))
            Display().display(
                f"recovered: the leader did not reach {missed}; {heir.host} leads now"
            )
        except CacheError as error:
            Display().warning(f"the leader does not reach {missed}, and {error}")


def _telling(output: str) -> str:
    lines: Sequence[str] = [
        line.strip()
        for line in output.splitlines()
        if line.strip() and "JAVA_TOOL_OPTIONS" not in line
    ]
    return " ".join(lines[-3:])
