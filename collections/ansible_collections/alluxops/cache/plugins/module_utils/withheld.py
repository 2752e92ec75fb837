"""A value of the inventory in a message, without what may be secret in it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_USER = re.compile(r"^(['\"\[{(]*(?:\w+://)?).*@", re.DOTALL)
"""What stands before the last `@`: a password may have any sign in it."""
_PASSWORD = re.compile(r"(\w+://)[^\s'\"/]*:(?!\d+(?:/|['\"]|$))[^\s'\"]*")
"""What looks like a key and its secret, which may have a slash in it, and is no host with a port."""


def has_user(address: str) -> bool:
    """Whether an address names a user, and so perhaps a password: `https://USER:PASSWORD@HOST`, or without a scheme.

    A principal of Kerberos, `NAME/HOST@REALM`, has none.
    """
    return ":" in address.rpartition("@")[0]


def shown(key: str, given: Any) -> str:
    """What stands at a key: options by their names, an address without its user. key: empty for a whole entry.

    What is no name of a Secret may be what should be in one.
    """
    if given is None:
        return "not set"
    if key == "options" and isinstance(given, Mapping):
        return f"a mapping with {', '.join(sorted(map(str, given))) or 'nothing in it'}"
    if key in {"", "options", "secret"}:
        return "text" if isinstance(given, str) else f"of type {type(given).__name__}"
    return _PASSWORD.sub(r"\1***", _USER.sub(r"\1***@", repr(given)))
