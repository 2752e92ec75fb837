"""A journal's disk without a free block for some seconds."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault
from tests.chaos.release import MASTER


class FullDisk(Fault):
    """One master's disk: with three masters a majority still writes, one that stands alone does not."""

    def inject(self) -> str:
        """Fill it."""
        release = self.scene.release
        placed = {pod["spec"].get("nodeName") for pod in release.pods(MASTER)}
        joined = self.scene.state.joined
        # While no master is there, one may come on any node, as in a restore.
        node = self.chance.choice([one for one in joined if one.name in placed] or joined)
        self.scene.disks.fill(node)
        return f"the journal's disk on {node.name}"

    def heal(self) -> None:
        """Give the space back."""
        for node in self.scene.state.joined:
            self.scene.disks.free(node)
