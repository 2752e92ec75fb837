"""A value of the inventory in a message, without what may be secret in it. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_USER = re.compile(r"(\w+://)?.*@", re.DOTALL)
"""All that stands before the last @: a secret may have any sign in it."""
_PASSWORD = re.compile(r"(\w+://)[^/]*:(?!\d+(?:/|$)).*", re.DOTALL)
"""What looks like a key and its secret, which may have a slash in it, and is no host with a port."""


def has_user(address: str) -> bool:
    """Whether an address names a user, and so perhaps a password: `https://USER@HOST`, `USER:PASSWORD@HOST`."""
    user, at, _ = address.rpartition("@")
    return bool(at) and ":" in user


def has_keys(store: str) -> bool:
    """Whether a store's address has credentials in it, or room for them: a bucket has no port, and no store a query."""
    scheme, _, rest = store.partition("://")
    place = rest.partition("/")[0]
    return "@" in place or "?" in rest or (scheme in {"s3", "s3a"} and ":" in place)


def shown(key: str, given: Any) -> str:
    """What stands at a key: a mapping by its names, an address without its user. key: empty for a whole entry.

    Of `secret` nothing is shown: where a Secret's name is meant, the secret itself may stand.
    """
    if given is None:
        return "not set"
    if isinstance(given, Mapping):
        return f"a mapping with {', '.join(sorted(map(str, given))) or 'nothing in it'}"
    if key in {"", "options", "secret"}:
        return "text" if isinstance(given, str) else f"of type {type(given).__name__}"
    if isinstance(given, list):
        return f"[{', '.join(shown(key, each) for each in given)}]"
    if isinstance(given, str):
        place, query, _ = _PASSWORD.sub(r"\1***", _USER.sub(r"\1***@", given)).partition("?")
        return repr(f"{place}?***" if query else place)
    return repr(given)
