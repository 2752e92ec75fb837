"""Building programs from Go modules with the user's own Go, module cache and build cache."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.artifacts.recipe import Build
from lab.artifacts.toolchain import find_go
from lab.errors import LabError

LANGUAGE = "1.24.0"
MODULE = "lab.invalid/build"


@dataclass(frozen=True)
class Program:
    """A main package: `package` of module `module` at `version`, built as `name`.

    stamps: variables set by the linker, as the projects' own builds do (`pkg.variable`: value).
    """

    name: str
    module: str
    version: str
    package: str
    stamps: Mapping[str, str]


def build_program(build: Build, program: Program) -> None:
    """Build one program into build.out/NAME."""
    _write_module(build.scratch, [])
    build.step.update(f"downloading {program.module} {program.version}")
    go(build, "get", "-tool", f"{program.package}@{program.version}")
    link(build, [program.package], build.out / program.name, program.stamps)


def build_pinned(
    build: Build,
    module: str,
    packages: Sequence[str],
    replaced: Mapping[str, str],
    stamps: Mapping[str, str],
) -> None:
    """Build main packages of `module` (`PATH VERSION`) into build.out, with modules replaced.

    For a module whose own go.mod replaces others: a main module must repeat those lines.
    """
    lines = [
        f"require {module}",
        *(f"replace {path} => {path} {at}" for path, at in replaced.items()),
    ]
    _write_module(build.scratch, [*lines, *(f"tool {package}" for package in packages)])
    build.step.update(f"downloading {module}")
    go(build, "mod", "tidy")
    link(build, packages, build.out, stamps)


def link(build: Build, packages: Sequence[str], out: Path, stamps: Mapping[str, str]) -> None:
    """Compile and link; the step shows how many packages are compiled of those that take part.

    `out` is a file for one package, an existing directory for several.
    """
    listed = go(build, "list", "-deps", "-f", "{{.ImportPath}}", *packages)
    total = len(listed.splitlines())
    compiled = 0

    def count(line: str) -> None:
        nonlocal compiled
        compiled += " " not in line
        build.step.update(f"{compiled} of {total} packages compiled")

    variables = " ".join(f"-X {name}={value}" for name, value in stamps.items())
    flags = ["-trimpath", "-v", "-ldflags", f"-s -w {variables}".rstrip(), "-o", str(out)]
    build.step.update(f"compiling {total} packages, less what earlier builds left")
    build.run(
        [usable_go(), "build", *flags, *packages], cwd=build.scratch, env=_env(), on_line=count
    )


def go(build: Build, *arguments: str) -> str:
    """Run a go command in the scratch module and return what it printed."""
    return build.run([usable_go(), *arguments], cwd=build.scratch, env=_env())


def usable_go() -> str:
    """The go command to build with; `toolchain.ensure_go` has seen to it that there is one."""
    found = find_go()
    if found is None:
        raise LabError("there is no Go 1.21 or newer on this machine", fix="put one on PATH")
    return found


def _write_module(place: Path, lines: Sequence[str]) -> None:
    head = [f"module {MODULE}", f"go {LANGUAGE}"]
    (place / "go.mod").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def _env() -> dict[str, str]:
    # A toolchain newer than the machine's comes as a module too, so let go fetch it where needed.
    home = {} if os.environ.get("HOME") else {"HOME": str(Path.home())}
    return {"CGO_ENABLED": "0", "GOTOOLCHAIN": "auto", "GOFLAGS": "", "GOWORK": "off", **home}
