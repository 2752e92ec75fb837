"""Removing a lab: everything that carries its name, however a killed `up` or `down` left it."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lab import cgroups, inventory, loops, mounts, network
from lab.addresses import Addresses
from lab.errors import LabError
from lab.processes import Process
from lab.progress import Reporter
from lab.state import LabState, load, locked, recorded_names, save

NSPAWN_RUN = Path("/run/systemd/nspawn")


def down(name: str, reporter: Reporter) -> bool:
    """Remove the lab of this name; the caller holds its lock. False where there was none."""
    sweep()
    state = load(name) or find_lost(name)
    if state is None:
        return False
    with reporter.step(f"remove lab {name}"):
        clients = remove(state)
    if clients:
        names = ", ".join(f"{program} ({pid})" for pid, program in sorted(clients.items()))
        reporter.note(
            f"{names} had connections to lab {name} and still runs: unreachable routes for"
            f" {', '.join(state.addresses.ranges)} stay, so that what it sends does not leave this"
            f" machine. End it, then `make lab-down LAB={name}` removes them."
        )
    return True


def sweep() -> None:
    """Remove routes that an earlier `down` had to leave for a client's sake."""
    if not network.sealed_ranges():
        return
    with locked("slots", "another lab is being made by {holder}; run this again"):
        records = (load(name) for name in recorded_names())
        network.sweep_seals({state.slot for state in records if state is not None})


def remove(state: LabState) -> dict[int, str]:
    """End every process of the lab, then undo what was made.

    The record goes last, so that a killed run is finished by the next. Returns the clients for
    whose sake the unreachable routes stayed: process number to name.
    """
    paths = state.paths
    if state.ready:
        save(replace(state, ready=False))
    clients = _others(state)
    groups = cgroups.groups_of(state)
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(cgroups.kill, groups))
    for group in groups:
        cgroups.remove(group)
    loops.detach_all(state)
    network.down_links(state)
    network.close_clients(state)
    mounts.unmount_all(paths.root)
    _remove_nspawn_traces(state)
    inventory.remove(state)
    if paths.root.is_dir():
        for child in paths.root.iterdir():
            if child != paths.state:
                _delete(child)
    network.down_filter(state)
    _check_gone(state)
    living = _outliving(clients)
    if not living:
        network.down_seal(state)
    if paths.root.is_dir():
        _delete(paths.root)
    for parent in (paths.root.parent, paths.root.parent.parent):
        if parent.name in {"labs", "alluxops"} and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
    return living


def _outliving(clients: dict[int, tuple[str, Process]]) -> dict[int, str]:
    """Clients that did not end when their connections were closed: number to name."""
    end = time.monotonic() + 2
    while True:
        living = {pid: name for pid, (name, process) in clients.items() if process.is_alive()}
        if not living or time.monotonic() > end:
            return living
        time.sleep(0.05)


def _others(state: LabState) -> dict[int, tuple[str, Process]]:
    """Clients of the lab that are not the lab's own: number to name and identity."""
    own = {pid for group in cgroups.groups_of(state) for pid in cgroups.processes(group)}
    found = {}
    for pid, name in network.clients(state).items():
        process = Process.of(pid)
        if pid not in own and process is not None:
            found[pid] = (name, process)
    return found


def find_lost(name: str) -> LabState | None:
    """A lab whose state directory was removed by hand: its bridge still says whose it is."""
    for bridge, alias in network.bridges().items():
        slot = Addresses(int(bridge[3:])).slot
        state = LabState(name=name, slot=slot, nodes=())
        if alias == network.alias(state):
            return state
    return None


def leftovers(state: LabState) -> list[str]:
    """What of the lab still exists on this machine, one phrase each."""
    found = [f"cgroup {group}" for group in cgroups.groups_of(state)]
    found += [f"mount {place}" for place in mounts.below(state.paths.root)]
    return found + network.leftovers(state)


def _check_gone(state: LabState) -> None:
    if found := leftovers(state):
        raise LabError(
            f"lab {state.name} left {len(found)} things behind: {', '.join(found[:5])}",
            fix=f"run `make lab-down LAB={state.name}` again",
        )


def _remove_nspawn_traces(state: LabState) -> None:
    # systemd-nspawn removes them itself unless it is killed.
    for folder in ("propagate", "unix-export"):
        for path in (NSPAWN_RUN / folder).glob(f"{state.addresses.bridge}-n*"):
            mounts.unmount_all(path)
            _delete(path)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
