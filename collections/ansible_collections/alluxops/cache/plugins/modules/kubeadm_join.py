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
    description: How many seconds kubeadm may take.
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
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
LEFT_BY_A_JOIN = (BOOTSTRAP, "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt")
TIMED_OUT = 124
PREFIX = "alluxops-join-"
FOLDERS = ("/run", "/tmp")  # noqa: S108 - mkstemp's own file, in memory where there is /run


def without(text: str, token: str) -> str:
    """Text without the token and its secret half."""
    for word in filter(None, (token, token.partition(".")[2])):
        text = text.replace(word, "***")
    return text


def join(config: str, timeout_s: int) -> tuple[int, str]:
    """Exit code and output of kubeadm; where it fails, nothing with the token is left."""
    code, output = run_kubeadm(config, timeout_s)
    if code != 0:
        # It holds the token, which the next run makes anew.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(BOOTSTRAP)
    return code, output


def run_kubeadm(config: str, timeout_s: int) -> tuple[int, str]:
    """Run kubeadm with the configuration in a file of its own."""
    folder = next(place for place in FOLDERS if os.path.isdir(place))
    for left in glob.glob(f"{folder}/{PREFIX}*"):  # by a run that was killed
        os.unlink(left)
    handle, path = tempfile.mkstemp(prefix=PREFIX, suffix=".yaml", dir=folder)
    try:
        with os.fdopen(handle, "w") as file:  # mkstemp makes it 0600
            file.write(config)
        done = subprocess.run(
            ["kubeadm", "join", f"--config={path}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as ended:
        said = (ended.stdout or b"").decode("utf-8", "replace")
        return TIMED_OUT, f"{said}\nkubeadm took longer than {timeout_s} s and was ended."
    finally:
        os.unlink(path)
    return done.returncode, done.stdout.decode("utf-8", "replace")


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
    systemctl = module.get_bin_path("systemctl", required=True)
    if options["step"] == "rejoin":
        module.run_command([systemctl, "stop", "kubelet"])
        for path in LEFT_BY_A_JOIN:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    enabled, said, complaint = module.run_command([systemctl, "enable", "kubelet"])
    if enabled != 0:
        module.exit_json(changed=True, code=enabled, output=complaint or said)
    if options["step"] == "start":
        code, said, complaint = module.run_command([systemctl, "restart", "kubelet"])
        module.exit_json(changed=True, code=code, output=complaint or said)
    code, output = join(options["config"], options["timeout_s"])
    module.exit_json(changed=True, code=code, output=without(output, options["token"]))


if __name__ == "__main__":
    main()
