"""A journal's disk without a free block for some seconds."""

from __future__ import annotations

from tests.chaos.faults.fault import Fault


class FullDisk(Fault):
    """One master's disk: with three masters a majority still writes."""

    def inject(self) -> str:
        """Fill it."""
        node = self.chance.choice(self.scene.state.joined)
        self.scene.disks.fill(node)
        return f"the journal's disk on {node.name}"

    def heal(self) -> None:
        """Give the space back."""
        for node in self.scene.state.joined:
            self.scene.disks.free(node)
