"""The options that all playbook verbs share, declared once, under the names they have in Ansible."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from alluxops.request import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable

Inventory = Annotated[
    list[str] | None,
    typer.Option("-i", "--inventory", metavar="PATH", help="Inventory, or host list; repeatable."),
]
ExtraVars = Annotated[
    list[str] | None,
    typer.Option(
        "-e",
        "--extra-vars",
        metavar="VARS",
        help="name=value, YAML or JSON, or @file; repeatable. Secrets belong in a file.",
    ),
]
Verbose = Annotated[
    int,
    typer.Option("-v", "--verbose", count=True, help="Show Ansible's own output; -vvv shows more."),
]


@dataclass(frozen=True)
class RunOptions:
    """Ansible's options, as the command line gives them."""

    inventory: Inventory = None
    limit: Annotated[
        str | None,
        typer.Option("-l", "--limit", metavar="HOSTS", help="Only these hosts or groups."),
    ] = None
    extra_vars: ExtraVars = None
    check: Annotated[
        bool, typer.Option("-C", "--check", help="Change nothing, say what would.")
    ] = False
    diff: Annotated[bool, typer.Option("-D", "--diff", help="Show what changes, line by line.")] = (
        False
    )
    verbose: Verbose = 0
    tags: Annotated[
        list[str] | None,
        typer.Option("-t", "--tags", metavar="TAGS", help="Only tasks with these tags."),
    ] = None
    skip_tags: Annotated[
        list[str] | None,
        typer.Option("--skip-tags", metavar="TAGS", help="No tasks with these tags."),
    ] = None

    def request(self, verb: str) -> RunRequest:
        """The request for a verb's playbook."""
        return RunRequest(
            verb=verb,
            inventory=tuple(self.inventory or ()),
            limit=self.limit,
            extra_vars=tuple(self.extra_vars or ()),
            check=self.check,
            diff=self.diff,
            verbosity=self.verbose,
            tags=tuple(self.tags or ()),
            skip_tags=tuple(self.skip_tags or ()),
        )


def with_run_options[**P](command: Callable[P, None]) -> Callable[..., None]:
    """Give a command whose first parameter is a RunOptions one command-line option for each of its fields."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    hints = get_type_hints(RunOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(RunOptions)
    ]
    names = [parameter.name for parameter in shared]

    @wraps(command)
    def wrapper(**given: Any) -> None:
        options: Any = RunOptions(**{name: given.pop(name) for name in names})
        command(options, **given)

    parameters = [*shared, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own)]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper
