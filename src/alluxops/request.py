"""What a user asks for, and the command that does it: RunRequest -> plan() -> Plan(argv, environment, files, ...).

Nothing here starts anything, so tests read the result.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alluxops.environment import pass_environment
from alluxops.errors import UsageError
from alluxops.extra_vars import parse_extra_vars, secret_values
from alluxops.inventory import default_inventories, given_inventories

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alluxops.project import Project

ANSIBLE_ROLES = "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles"
ANSIBLE_COLLECTIONS = "~/.ansible/collections:/usr/share/ansible/collections"


@dataclass(frozen=True)
class RunRequest:
    """One run of a verb's playbook, with Ansible's options under Ansible's names.

    inventory, extra_vars: as given to -i and -e, in order. limit, tags, skip_tags: Ansible's patterns.
    verbosity: how many -v.
    """

    verb: str
    inventory: tuple[str, ...] = ()
    limit: str | None = None
    extra_vars: tuple[str, ...] = ()
    check: bool = False
    diff: bool = False
    verbosity: int = 0
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """Where a request is made: the caller's directory and environment, and the Python's bin directory."""

    cwd: Path
    environ: Mapping[str, str]
    bin_dir: Path


@dataclass(frozen=True)
class Plan:
    """What will be started.

    argv: ansible-playbook and its arguments. environment: all of it. files: name in the run's directory -> text,
    to be written with mode 0600 before the start. secrets: texts to mask wherever output is shown. inventories: those
    in force, given or not, as far as something names them.
    """

    request: RunRequest
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    files: Mapping[str, str]
    secrets: frozenset[str]
    inventories: tuple[str, ...] = ()


def plan(request: RunRequest, project: Project, surroundings: Surroundings, run_dir: Path) -> Plan:
    """Decide the command, the environment and the files of a run in run_dir.

    Reads the file system only to see that what the request names exists. Raises UsageError.
    """
    playbook = project.playbook(request.verb)
    config = _ansible_cfg(project, surroundings)
    inventories = given_inventories(request.inventory, surroundings.cwd)
    in_force = inventories or default_inventories(surroundings.environ, config, surroundings.cwd)

    variables = [parse_extra_vars(option, surroundings.cwd) for option in request.extra_vars]
    files: dict[str, str] = {}
    argv = [_ansible_playbook(surroundings), playbook]
    for inventory in inventories:
        argv += ["-i", inventory]
    for position, extra in enumerate(variables, start=1):
        path = extra.path
        if extra.text is not None:
            name = f"extra-vars-{position}.yml"
            files[name] = extra.text
            path = run_dir / name
        argv += ["-e", f"@{path}"]
    argv += _switches(request)
    return Plan(
        request=request,
        argv=tuple(argv),
        environment=_environment(project, surroundings, config, run_dir),
        cwd=surroundings.cwd,
        files=files,
        secrets=secret_values(variables),
        inventories=in_force,
    )


def _switches(request: RunRequest) -> list[str]:
    switches: list[str] = []
    if request.limit is not None:
        if not request.limit.strip():
            raise UsageError("--limit is empty.", fix="Name hosts or groups, or leave it out.")
        # One word each: a pattern such as `-n1` must not be read as an option.
        switches.append(f"--limit={request.limit}")
    if request.check:
        switches.append("--check")
    if request.diff:
        switches.append("--diff")
    switches += [f"--tags={tag}" for tag in request.tags]
    switches += [f"--skip-tags={tag}" for tag in request.skip_tags]
    if request.verbosity:
        switches.append("-" + "v" * request.verbosity)
    return switches


def _ansible_playbook(surroundings: Surroundings) -> str:
    """The ansible-playbook installed beside this Python, else the one on PATH."""
    beside = surroundings.bin_dir / "ansible-playbook"
    return str(beside) if beside.exists() else "ansible-playbook"


def _ansible_cfg(project: Project, surroundings: Surroundings) -> Path | None:
    """The configuration in force: the caller's own as Ansible would find it, else the repository's."""
    named = surroundings.environ.get("ANSIBLE_CONFIG")
    if named:
        return Path(named).expanduser()
    own = surroundings.cwd / "ansible.cfg"
    # Ansible refuses to read one from a directory that everybody can write to; so do we.
    if own.is_file() and not surroundings.cwd.stat().st_mode & stat.S_IWOTH:
        return own
    return project.ansible_cfg


def _environment(
    project: Project, surroundings: Surroundings, config: Path | None, run_dir: Path
) -> dict[str, str]:
    environment = pass_environment(surroundings.environ)
    environment["PATH"] = f"{surroundings.bin_dir}:{environment.get('PATH', '/usr/bin:/bin')}"
    environment["ANSIBLE_NOCOLOR"] = "1"
    # What Ansible unpacks on the controller goes when the run's directory goes, however the run ends.
    environment["ANSIBLE_LOCAL_TEMP"] = str(run_dir / "local")
    if config is not None:
        environment["ANSIBLE_CONFIG"] = str(config)
    if project.kind == "repository" and config != project.ansible_cfg:
        # Another configuration is in force: our roles and collection are added to what it would find by default.
        roles = environment.get("ANSIBLE_ROLES_PATH", ANSIBLE_ROLES)
        collections = environment.get("ANSIBLE_COLLECTIONS_PATH", ANSIBLE_COLLECTIONS)
        environment["ANSIBLE_ROLES_PATH"] = f"{project.root / 'roles'}:{roles}"
        environment["ANSIBLE_COLLECTIONS_PATH"] = f"{project.root / 'collections'}:{collections}"
    return environment
