"""`-i`: what is named must exist. ansible-playbook passes over what does not, and then does nothing, successfully."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import TYPE_CHECKING

from alluxops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIX = "Name your inventory with -i or ANSIBLE_INVENTORY; inventory/example shows one, `make lab-up` writes one."


def given_inventories(options: Sequence[str], cwd: Path) -> tuple[str, ...]:
    """The `-i` options with absolute paths. `host1,host2,` is a list of hosts, as in Ansible.

    Raises UsageError for a path that does not exist.
    """
    return tuple(
        option if "," in option else str(_existing(option, cwd, "-i")) for option in options
    )


def default_inventories(
    environ: Mapping[str, str], config: Path | None, cwd: Path
) -> tuple[str, ...]:
    """The inventories in force without `-i`, as far as they are named.

    Refuses an ANSIBLE_INVENTORY, or an `inventory` in ansible.cfg, that does not exist.

    Raises UsageError. A configuration that names none is left to Ansible (/etc/ansible/hosts).
    """
    named = environ.get("ANSIBLE_INVENTORY", "")
    if named:
        names = [part.strip() for part in named.split(",") if part.strip()]
        return tuple(str(_existing(name, cwd, "ANSIBLE_INVENTORY")) for name in names)
    if config is None:
        return ()
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(config, encoding="utf-8")
    except configparser.Error as error:
        raise UsageError(f"{config} cannot be parsed: {error}.") from error
    configured = parser.get("defaults", "inventory", fallback="").split(",")
    return tuple(
        str(_existing(name.strip(), config.parent, f"inventory in {config}:"))
        for name in configured
        if name
    )


def _existing(name: str, base: Path, place: str) -> Path:
    if not name.strip():
        raise UsageError(f"{place} names nothing.", fix=FIX)
    path = base / Path(name).expanduser()
    if not path.exists():
        raise UsageError(
            f"{place} {name} does not exist.",
            cause=f"Looked for {path}." if str(path) != name else "",
            fix=FIX,
        )
    if path.is_dir() and not any(path.iterdir()):
        raise UsageError(f"{place} {name} is an empty directory.", fix=FIX)
    return path
