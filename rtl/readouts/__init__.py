"""Readouts in gates, one component per kind; the law is in model/readouts/."""

from ...model.bounds import Bounds
from ...model.network import Network
from ...plan.unit import Unit
from .final_membrane import FinalMembrane
from .first_spike import FirstSpike
from .max_membrane import MaxMembrane
from .scan import Scan
from .spike_count import SpikeCount
from .weighted_sum import WeightedSum

__all__ = ["KINDS", "readout"]

KINDS: dict[str, type[Scan]] = {
    "first-spike": FirstSpike,
    "weighted-sum": WeightedSum,
    "spike-count": SpikeCount,
    "max-membrane": MaxMembrane,
    "final-membrane": FinalMembrane,
}


def readout(network: Network, unit: Unit, bounds: Bounds, width: int) -> Scan:
    """Make the readout of a network."""
    return KINDS[network.readout.kind](network, unit, bounds, width)
