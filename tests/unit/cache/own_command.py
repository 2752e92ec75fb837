"""A playbook run by Ansible's own command on this machine, with this checkout's roles and collection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.repository import ROOT


def ansible_playbook(
    folder: Path,
    inventory: str,
    playbook: Path | str,
    *argv: str,
    collections: Path = ROOT / "collections",
) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`, which is its home too, against hosts of this inventory's text."""
    (folder / "hosts.ini").write_text(inventory)
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return subprocess.run(
        [program, "-i", "hosts.ini", str(playbook), *argv],
        env={
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_CONFIG": "",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
