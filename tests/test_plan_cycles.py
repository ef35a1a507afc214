"""The cycle model by hand; tests/test_rtl_top.py shows that the hardware keeps to it."""

import numpy as np
import pytest

from spikeline.flow.zoo.zoo import resolve
from spikeline.model.codings.counts import Counts
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan.cycles import sweeps, work
from spikeline.plan.mapping import Mapping
from spikeline.plan.neurons import leaking
from spikeline.plan.pipeline import chunks, latency, picks, reporting, rest
from spikeline.plan.unit import QUEUE, Unit

from .builders import Law, chain_of

ONE = np.ones((2, 2, 1), int)
CELLS = Neuron(np.zeros(2, int), np.array([2, 9]), reset="zero")


def layer(window: int, back: int = 0) -> Law:
    """Make two neurons with two inputs; the first fires when 2 arrived, the second never does."""
    synapses = Delayed(ONE, (window - 1) * ONE, 2, window) if window > 1 else Dense(ONE[..., 0], 2)
    return Law(synapses, CELLS, Delayed(ONE, back * ONE, 2, back + 1) if back else None)


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
    net = chain_of(5, 2, Counts(3), [made], SpikeCount())
    x = np.zeros((1, 5, 2), int)
    x[0, [0, 1, 4], [0, 1, 0]] = [2, 1, 3]
    run = net.run(x, record=True)

    found = work(net, Mapping.of(net, (lanes,), None, 0, delay), run)
    assert {name: x.tolist() for name, x in found.items()} == {"layer0": [expected]}


def test_sweeps_by_hand() -> None:
    """All folds in every step; over maps those that an event reached, one at least, later."""
    network = resolve("digits-cnn").network
    images = np.zeros((2, 64), np.uint8)
    images[1, 0] = 255  # reaches four places, in the first step
    run = network.run(images, record=True)
    found = sweeps(network, Mapping.of(network), run)
    assert found["layer0"].tolist() == [4 * 3, 6 + 3 * 3]
    assert found["layer2"].tolist() == [4, 4]
    found = sweeps(network, Mapping.of(network, (8, 32, 5)), run)
    assert found["layer0"].tolist() == [4 * 3, 10 + 3 * 3]
    assert found["layer2"].tolist() == [8, 8]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        # Picking, reporting, and the lanes behind each stage of serialization.
        (Unit(1, 1, 1), (0, 1, [])),
        (Unit(16, 16, 16), (0, 1, [1])),
        (Unit(17, 17, 17), (0, 2, [8, 1])),
        (Unit(32, 32, 16), (1, 3, [1])),
        (Unit(34, 34, 17), (1, 3, [1])),
        (Unit(40, 20, 20), (0, 2, [5, 1])),
        (Unit(48, 48, 16), (2, 4, [1])),
        (Unit(256, 256, 16), (2, 4, [1])),
    ],
)
def test_stages_of_a_sweep_by_hand(unit, expected):
    """One of two groups is picked in a cycle, of more in two; 17 lanes take one more."""
    assert (picks(unit), reporting(unit), chunks(unit)) == expected


@pytest.mark.parametrize(
    ("leak", "cycles"), [((1, 0), 0), ((0, 0), 1), ((1, 1), 1), ((7, 3), 1), ((5, 3), 2)]
)
def test_rest_of_a_sweep_by_hand(leak, cycles):
    """The leak, and in groups picking and the way back too."""
    neuron = Neuron(np.zeros(1, int), np.ones(1, int), leak=leak, reset="zero")

    assert leaking(neuron) == rest(neuron, Unit(4, 2, 2)) == cycles
    assert rest(neuron, Unit(4, 4, 2)) == cycles + 2
    assert rest(neuron, Unit(4, 4, 1)) == cycles + 3


@pytest.mark.parametrize("engine", ["dense", "line", "wheel"])
def test_queues_hide_the_way_through_the_lanes(engine):
    """A queue holds what every sweep gives until the place of the first one is free again."""
    unit = Unit(68, 68, 17, engine)

    assert latency(unit) + reporting(unit) + 3 <= QUEUE
