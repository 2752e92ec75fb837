"""Cleaning up without hiding why it is time to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

from ansible.utils.display import Display

from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError


@contextlib.contextmanager
def at_the_end(*steps: Callable[[], object]) -> Iterator[None]:
    """Run each of these at the end, whatever happened; see clean_up()."""
    try:
        yield
    except BaseException:
        clean_up(steps, has_failed=True)
        raise
    clean_up(steps, has_failed=False)


def clean_up(steps: Iterable[Callable[[], object]], *, has_failed: bool) -> None:
    """Run all steps; none keeps the next from its turn.

    Their first error is raised, but not where something has failed before: it often has the same cause, and would hide
    that. What is not raised is a warning.
    """
    first: CacheError | None = None
    for step in steps:
        try:
            step()
        except CacheError as error:
            if has_failed or first is not None:
                Display().warning(f"cleaning up failed too: {error.what}")
            else:
                first = error
    if first is not None:
        raise first
