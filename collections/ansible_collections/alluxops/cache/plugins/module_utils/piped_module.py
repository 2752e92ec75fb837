"""What our modules use of AnsibleModule, for a run that Ansible's own library is too much for.

plugin_utils/piped_action.py sends it to a host in the place of ansible.module_utils.basic, whose import takes a host
longer than all that most of our modules do there. The arguments have been checked before they were sent.
Standard library only, Python 3.9.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

MORE_PLACES = ("/sbin", "/usr/sbin", "/usr/local/sbin")
"""Where programs lie that the PATH of a login need not have."""

given: dict[str, Any] = {}
"""`params` and `check_mode` of the run; put here before the module starts."""


class AnsibleModule:
    """The running module, as far as ours go."""

    def __init__(self, argument_spec: Mapping[str, Any], *, supports_check_mode: bool) -> None:
        del argument_spec, supports_check_mode  # the controller has seen to both
        self.params: dict[str, Any] = given["params"]
        self.check_mode: bool = given["check_mode"]

    def get_bin_path(
        self, arg: str, *, required: bool = False, opt_dirs: Sequence[str] = ()
    ) -> str | None:
        """The path of a program; None where there is none. required: the module fails then."""
        places = [*opt_dirs, *os.environ.get("PATH", os.defpath).split(os.pathsep), *MORE_PLACES]
        for place in filter(None, places):
            path = os.path.join(place, arg)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                return path
        if required:
            self.fail_json(f"{arg} is not on this host. It was looked for in {', '.join(places)}.")
        return None

    def run_command(
        self, args: Sequence[str], environ_update: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of a command; one that is not there fails the module."""
        try:
            done = subprocess.run(
                args,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**os.environ, **(environ_update or {})},
                check=False,
            )
        except OSError as fault:
            self.fail_json(f"{args[0]} cannot be run: {fault.strerror}.", cmd=" ".join(args))
            raise AssertionError from fault  # fail_json has ended the module
        out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return done.returncode, out, err

    def exit_json(self, **result: Any) -> None:
        """End the module with its result."""
        sys.stdout.write(json.dumps({"changed": False, **result}) + "\n")
        sys.exit(0)

    def fail_json(self, msg: str, **result: Any) -> None:
        """End the module as failed."""
        sys.stdout.write(json.dumps({**result, "msg": msg, "failed": True}) + "\n")
        sys.exit(1)
