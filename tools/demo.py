"""`make demo`: a lab, the cache deployed on it by site.yml, the proof that it works, and what to try next.

python -m tools.demo [--name demo] [-- LAB_ARGUMENT ...]      such as: -- --workers 3
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.lab_session import LabFailedError, lab, lab_environment
from tools.repository import ROOT

NEXT = """
Try next, in this folder:
  {env:<40} kubectl, helm and all below then mean this lab
  .venv/bin/alluxops status                what runs where
  .venv/bin/alluxops dashboard             the leader's web pages, on 127.0.0.1:19999
  .venv/bin/alluxops shell -- fs ls /      one alluxio command, or a shell without it
  .venv/bin/ansible-playbook site.yml      run it again: changed=0
  .venv/bin/alluxops site -C -D -e alluxio_worker_quota=268435456
                                           what a smaller cache would change
  {down:<40} remove it; what was built is kept"""


class StepFailedError(Exception):
    """A command of the demo failed, and has said why; carries its exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"ended with exit code {exit_code}")
        self.exit_code = exit_code


def what_is_next(name: str) -> str:
    """The list at the end. Its first line comes first: without it all others mean inventory/lab, the demo's."""
    lab_name = "" if name == "demo" else f" LAB={name}"
    return NEXT.format(env=f'eval "$(make -s lab-env{lab_name})"', down=f"make lab-down{lab_name}")


def as_typed(command: Sequence[str]) -> str:
    """A command as a person in this folder would type it."""
    return " ".join(command).replace(f"{ROOT}/", "").replace(f"{Path.home()}/", "~/")


def run(environment: Mapping[str, str], *command: str) -> None:
    """Show a command as a person would type it, run it, and stop the demo when it fails."""
    print(f"\n$ {as_typed(command)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), check=False)
    if done.returncode:
        raise StepFailedError(done.returncode)


def show(name: str, lab_arguments: Sequence[str]) -> None:
    """Run the demo on the lab of that name.

    Raises:
        LabFailedError, StepFailedError: it stopped where the last output stands.
    """
    lab("up", name, *lab_arguments)
    environment = lab_environment(name)
    inventory = environment["ANSIBLE_INVENTORY"]
    alluxops = str(Path(sys.executable).parent / "alluxops")
    # The proof runs once, in its own step, so that a second demo on the same lab shows it too.
    run(environment, alluxops, "site", "-i", inventory, "-e", "verify_tests=false")
    run(environment, alluxops, "verify", "-i", inventory)
    run(environment, "kubectl", "get", "nodes", "-o", "wide")
    run(environment, "kubectl", "get", "pods", "--namespace", "alluxio", "-o", "wide")
    print(what_is_next(name), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the step that failed, 0 when the cache is up and proved."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", default="demo", help="which lab")
    parser.add_argument("lab_arguments", nargs="*", help="for `lab up`")
    options = parser.parse_args(arguments)
    try:
        show(options.name, options.lab_arguments)
    except StepFailedError as error:
        return error.exit_code
    except LabFailedError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
