"""Run the alluxops playbooks: a typed API over ansible-runner, and the command `alluxops`.

Shape of the package, from the outside in:

    cli          options, exit codes, what is printed in the end
    progress     live lines on a terminal, plain lines in a pipe
    request      what a user asks for -> the command, its environment and its files (pure)
    run          the request -> a running ansible-playbook -> typed events -> an outcome
    supervisor   the process between the wrapper and ansible-playbook: nothing outlives a killed run
    dashboard, shell, cluster   the guide's steps 5 and 6, straight to the Kubernetes API

It knows playbooks, never the insides of roles.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("alluxops")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0.0.0+checkout"
