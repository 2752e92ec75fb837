"""A task's process must not outlive its playbook."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_it() -> None:
    """Let the kernel kill this process when its parent dies.

    Ansible runs each task in a process of its own, which goes on alone when ansible-playbook is killed. By then the
    lease is free, and another run may be at work on the same objects.
    """
    if sys.platform != "linux":
        return
    started_by = multiprocessing.parent_process()
    parent = os.getppid() if started_by is None else started_by.pid
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        os.kill(os.getpid(), signal.SIGKILL)
