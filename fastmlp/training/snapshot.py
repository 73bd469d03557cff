"""Weights to go back to."""

from typing import Any

import numpy as np

from fastmlp.network import Network, writeable

# Parameters that are exchanged at once: all of them would take a third array.
EXCHANGE_BLOCK = 1 << 16


class Snapshot:
    """A copy of what training changes in a network, to go back to.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network):
        self.network: Network = network
        self.parameters: np.ndarray = network.parameters.copy()
        self.statistics: np.ndarray = network.statistics.copy()

    def take(self) -> None:
        """Copy the network as it is."""
        self.parameters[:], self.statistics[:] = self.network.parameters, self.network.statistics

    def restore(self) -> None:
        """Make the network what it was."""
        self.network.parameters[:], self.network.statistics[:] = self.parameters, self.statistics

    def exchange(self) -> None:
        """Make the network what it was, and keep what it is."""
        for ours, theirs in (
            (self.parameters, self.network.parameters),
            (self.statistics, self.network.statistics),
        ):
            for start in range(0, len(ours), EXCHANGE_BLOCK):
                block = slice(start, start + EXCHANGE_BLOCK)
                ours[block], theirs[block] = theirs[block], ours[block].copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.parameters, self.statistics = writeable(self.parameters), writeable(self.statistics)
