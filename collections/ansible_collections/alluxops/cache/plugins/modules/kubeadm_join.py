#!/usr/bin/python
# Copyright: the alluxops contributors
# Apache License 2.0 (see LICENSE)
"""Run kubeadm join on a host, or start the kubelet of one that has joined."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_join
short_description: Run kubeadm join on a host, or start the kubelet of one that has joined
version_added: 0.1.0
author: alluxops contributors
description:
  - The host's half of M(alluxops.cache.node_join), which makes the token. It is not used by itself.
  - The configuration, and the token in it, is a file that only root can read, removed when kubeadm has ended.
  - Where the run is gone that started it, kubeadm is ended. A join that is at work nevertheless is waited for.
options:
  step:
    description:
      - C(join) runs kubeadm; C(rejoin) first removes what an interrupted join of the same cluster left; C(start) starts
        the kubelet.
    type: str
    choices: [join, rejoin, start]
    required: true
  config:
    description: kubeadm's JoinConfiguration, as JSON.
    type: str
    default: ''
  token:
    description: The token in it, to be kept out of what is printed.
    type: str
    default: ''
  timeout_s:
    description: How many seconds kubeadm may take, and how many one of another run is waited for.
    type: int
    default: 300
attributes:
  check_mode:
    description: Does nothing and says that it would.
    support: full
"""

EXAMPLES = r"""
- name: Start the kubelet
  alluxops.cache.kubeadm_join:
    step: start
  become: true
"""

RETURN = r"""
code: {description: Exit code of kubeadm., type: int, returned: always}
output: {description: "What kubeadm printed, without the token.", type: str, returned: always}
"""

import contextlib
import glob
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.alluxops.cache.plugins.module_utils import host_lock
from ansible_collections.alluxops.cache.plugins.module_utils.errors import CacheError

BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
JOINED = "/etc/kubernetes/kubelet.conf"
LEFT_BY_A_JOIN = (BOOTSTRAP, JOINED, "/etc/kubernetes/pki/ca.crt")
TIMED_OUT = 124
STDOUT = 1
LOOK_EVERY_S = 1.0
LOCK = "alluxops-join.lock"
"""In one of FOLDERS: locked for as long as a join of ours is at work."""

PREFIX = "alluxops-join-"
FOLDERS = ("/run", "/tmp")  # noqa: S108 - mkstemp's own file, in memory where there is /run


def without(text: str, token: str) -> str:
    """Text without the token and its secret half."""
    for word in filter(None, (token, token.partition(".")[2])):
        text = text.replace(word, "***")
    return text


def folder() -> str:
    """Where what lives no longer than the host is up goes."""
    return next(place for place in FOLDERS if os.path.isdir(place))


@contextlib.contextmanager
def alone(wait_s: float) -> Iterator[tuple[int, bool]]:
    """The lock of joins on this host, and whether another one was waited for. Raises CacheError after wait_s."""
    path = os.path.join(folder(), LOCK)
    # Only root may open it: who could, could lock it.
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        busy = CacheError(
            f"another run has been joining this host for {wait_s:.0f} s.",
            fix=f"wait for it, or end it: `fuser {path}` shows which it is.",
        )
        yield lock, host_lock.take(lock, wait_s, busy)
    finally:
        os.close(lock)


def is_abandoned(output: int) -> bool:
    """Whether nobody reads any more what this process prints: its run is dead, or has lost the host."""
    poll = select.poll()
    poll.register(output, 0)  # an end that is gone is told unasked
    return bool(poll.poll(0))


def join(config: str, timeout_s: int, lock: int) -> tuple[int, str]:
    """Exit code and output of kubeadm; where it fails, nothing with the token is left."""
    code, output = run_kubeadm(config, timeout_s, lock)
    if code != 0:
        # It holds the token, which the next run makes anew.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(BOOTSTRAP)
    return code, output


def run_kubeadm(config: str, timeout_s: int, lock: int) -> tuple[int, str]:
    """Run kubeadm with the configuration in a file of its own."""
    for left in glob.glob(f"{folder()}/{PREFIX}*"):  # by a run that was killed
        os.unlink(left)
    handle, path = tempfile.mkstemp(prefix=PREFIX, suffix=".yaml", dir=folder())
    try:
        with os.fdopen(handle, "w") as file:  # mkstemp makes it 0600
            file.write(config)
        return watched(["kubeadm", "join", f"--config={path}"], timeout_s, lock)
    finally:
        os.unlink(path)


def watched(command: list[str], timeout_s: int, lock: int, output: int = STDOUT) -> tuple[int, str]:
    """Exit code and output of a command, which is ended when it takes too long, or when its run is gone.

    output: what this process prints to.
    """
    deadline = time.monotonic() + timeout_s
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(lock,),  # it holds the lock too, should this process be killed
    ) as process:
        while True:
            try:
                said, _none = process.communicate(timeout=LOOK_EVERY_S)
                return process.returncode, said.decode("utf-8", "replace")
            except subprocess.TimeoutExpired:
                why = "its run is gone" if is_abandoned(output) else ""
                if time.monotonic() > deadline:
                    why = f"it took longer than {timeout_s} s"
                if why:
                    process.kill()
                    said, _none = process.communicate()
                    text = said.decode("utf-8", "replace")
                    return TIMED_OUT, f"{text}\nkubeadm was ended: {why}."


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": ["join", "rejoin", "start"], "required": True},
            "config": {"type": "str", "default": "", "no_log": True},
            "token": {"type": "str", "default": "", "no_log": True},
            "timeout_s": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    options = module.params
    if module.check_mode:
        module.exit_json(changed=True, code=0, output="")
    try:
        with alone(options["timeout_s"]) as (lock, has_waited):
            step = options["step"]
            if (
                has_waited and step != "start"
            ):  # since the plan, the other has joined the host or left something
                step = "start" if os.path.exists(JOINED) else "rejoin"
            code, output = take(module, step, lock)
    except CacheError as error:
        module.fail_json(**error.result())
    module.exit_json(changed=True, code=code, output=without(output, options["token"]))


def take(module: AnsibleModule, step: str, lock: int) -> tuple[int, str]:
    """Take the step; exit code and output of what ended it."""
    options = module.params
    systemctl = module.get_bin_path("systemctl", required=True)
    if step == "rejoin":
        module.run_command([systemctl, "stop", "kubelet"])
        for path in LEFT_BY_A_JOIN:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    enabled, said, complaint = module.run_command([systemctl, "enable", "kubelet"])
    if enabled != 0:
        return enabled, complaint or said
    if step == "start":
        code, said, complaint = module.run_command([systemctl, "restart", "kubelet"])
        return code, complaint or said
    return join(options["config"], options["timeout_s"], lock)


if __name__ == "__main__":
    main()
