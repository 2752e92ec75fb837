"""Where the cache is: kubeconfig, namespace and release, as the inventory says.

Ansible resolves them (they may be templated, vaulted, or defaults of a role), through playbooks/connection.yml, which
only publishes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alluxops.errors import RunFailedError
from alluxops.failure import explain
from alluxops.request import RunRequest, Surroundings
from alluxops.run import prepare

if TYPE_CHECKING:
    from alluxops.project import Project

VERB = "connection"
STATS_NAME = "alluxops_connection"


@dataclass(frozen=True)
class Connection:
    """How to reach one release. kubeconfig: a path, or several with colons, as in KUBECONFIG."""

    kubeconfig: str
    namespace: str
    release: str


def resolve(
    inventory: tuple[str, ...],
    extra_vars: tuple[str, ...],
    project: Project,
    surroundings: Surroundings,
) -> Connection:
    """Ask Ansible. Raises UsageError, or RunFailedError with Ansible's own error."""
    request = RunRequest(VERB, inventory=inventory, extra_vars=extra_vars)
    with prepare(request, project, surroundings) as run:
        outcome = run.execute(lambda _event: None)
        told = outcome.custom.get(STATS_NAME)
        if outcome.exit_code == 0 and isinstance(told, dict):
            return Connection(
                kubeconfig=str(told["kubeconfig"]),
                namespace=str(told["namespace"]),
                release=str(told["release"]),
            )
        text = run.redact("\n".join(explain(outcome, request, run.plan.inventories)))
    raise RunFailedError(
        "the inventory does not tell where the cache is.",
        cause=text.strip(),
        refused=outcome.exit_code != 1,
    )
