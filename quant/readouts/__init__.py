"""Readouts while training: the decision in torch is the model's; and the losses."""

from ...model.readouts.protocol import Readout as Golden
from .final_membrane import FinalMembrane
from .first_spike import FirstSpike
from .max_membrane import MaxMembrane
from .membranes import Membranes
from .protocol import Readout
from .spike_count import SpikeCount
from .spikes import Spikes
from .weighted_sum import WeightedSum

__all__ = ["KINDS", "twin"]

KINDS: dict[str, type[Readout]] = {
    "first-spike": FirstSpike,
    "weighted-sum": WeightedSum,
    "spike-count": SpikeCount,
    "max-membrane": MaxMembrane,
    "final-membrane": FinalMembrane,
    "spikes": Spikes,
    "membranes": Membranes,
}


def twin(readout: Golden) -> Readout:
    """Make the twin of a readout."""
    return KINDS[readout.kind](readout)
