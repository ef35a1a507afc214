"""The cycle model by hand; tests/test_rtl_top.py shows that the hardware keeps to it."""

import numpy as np
import pytest

from spikeline.model.cycles import work
from spikeline.model.delayed import Delayed
from spikeline.model.dense import Dense
from spikeline.model.encode import Counts
from spikeline.model.mapping import Mapping
from spikeline.model.network import Layer, Network
from spikeline.model.neuron import Neuron
from spikeline.model.readout import Readout

ONE = np.ones((2, 2, 1), int)
CELLS = Neuron(np.zeros(2, int), np.array([2, 9]), reset="zero")


def layer(window: int, back: int = 0) -> Layer:
    """Make two neurons with two inputs; the first fires when 2 arrived, the second never does."""
    synapses = Delayed(ONE, (window - 1) * ONE, 2, window) if window > 1 else Dense(ONE[..., 0], 2)
    return Layer(synapses, CELLS, Delayed(ONE, back * ONE, 2, back + 1) if back else None)


@pytest.mark.parametrize(
    ("made", "delay", "lanes", "expected"),
    [
        # Values 2, 1 and 3 come at steps 0, 1 and 4, from inputs 0, 1 and 0.
        (layer(1), "auto", 2, 6),
        (layer(1), "auto", 1, 12),
        (layer(2), "wheel", 2, 6),
        # Each is in the window for two steps, the last for one: 1, 1 + 1, 1, 0, 1.
        (layer(2), "line", 2, 5),
        (layer(2), "line", 1, 10),
        # The neuron fires at 0, at 1, as its own spike arrives too, and at 4: events at 1 and 2.
        (layer(1, 1), "auto", 2, 6 + 2),
        # It fires at 0, at 2, when that arrives, and at 4: events at 1 and 3, two steps each.
        (layer(1, 2), "line", 2, 5 + 4),
    ],
)
def test_work_by_hand(made, delay, lanes, expected):
    """Rows that are added: of events by value; by lines, of inputs with one in the window."""
    net = Network(5, 2, Counts(3), (made,), Readout("spike-count"))
    x = np.zeros((1, 5, 2), int)
    x[0, [0, 1, 4], [0, 1, 0]] = [2, 1, 3]
    run = net.run(x, record=True)

    assert work(net, Mapping.of(net, (lanes,), None, 0, delay), run).tolist() == [[expected]]
