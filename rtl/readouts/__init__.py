"""Readouts in gates, one component per kind; the law is in model/readouts/."""

from ...model.network import Network
from ...model.width import Bounds
from ...plan.unit import Unit
from .final_membrane import FinalMembrane
from .first_spike import FirstSpike
from .max_membrane import MaxMembrane
from .membranes import Membranes
from .protocol import Readout
from .spike_count import SpikeCount
from .spikes import Spikes
from .weighted_sum import WeightedSum

__all__ = ["KINDS", "readout"]

KINDS: dict[str, type[Readout]] = {
    "first-spike": FirstSpike,
    "weighted-sum": WeightedSum,
    "spike-count": SpikeCount,
    "max-membrane": MaxMembrane,
    "final-membrane": FinalMembrane,
    "spikes": Spikes,
    "membranes": Membranes,
}


def readout(network: Network, unit: Unit, bounds: Bounds, width: int) -> Readout:
    """Make the readout of a network."""
    return KINDS[network.readout.kind](network, unit, bounds, width)
