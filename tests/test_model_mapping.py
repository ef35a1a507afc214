"""Mappings: folds and groups worked by hand, and what is refused."""

import numpy as np
import pytest

from spikeline.model.dense import Dense
from spikeline.model.encode import Latency
from spikeline.model.mapping import Mapping, Unit
from spikeline.model.network import Layer, Network
from spikeline.model.neuron import Neuron
from spikeline.model.readout import Readout
from spikeline.model.refuse import Refused


def network(*sizes: int) -> Network:
    """Make a network with these numbers of neurons."""
    pre, layers = 3, []
    for post in sizes:
        neuron = Neuron(np.zeros(post, int), np.ones(post, int))
        layers.append(Layer(Dense(np.ones((post, pre), int), 2), neuron))
        pre = post
    return Network(4, 3, Latency(), tuple(layers), Readout())


def test_default_is_all_neurons_at_once():
    """Without lanes and sweep each layer has as many of both as neurons: one fold of one group."""
    mapping = Mapping.of(network(7, 5))

    assert (Unit(7, 7, 7), Unit(5, 5, 5)) == mapping.units
    assert [(1, 1), (1, 1)] == [(u.folds, u.groups) for u in mapping.units]


def test_sweep_is_as_wide_as_lanes_by_default():
    """Lanes given alone sweep all at once."""
    assert (Unit(7, 4, 4), Unit(5, 1, 1)) == Mapping.of(network(7, 5), (4, 1)).units


@pytest.mark.parametrize(
    ("neurons", "lanes", "sweep", "folds", "groups"),
    [
        (128, 128, 128, 1, 1),
        (128, 16, 16, 8, 1),
        (128, 16, 4, 8, 4),
        (10, 4, 2, 3, 2),  # 4 + 4 + 2
        (7, 3, 1, 3, 3),  # 3 + 3 + 1
        (7, 1, 1, 7, 1),
        (1, 1, 1, 1, 1),
    ],
)
def test_folds_and_groups_by_hand(neurons, lanes, sweep, folds, groups):
    """Folds are neurons over lanes, rounded up; groups are lanes over sweep."""
    (unit,) = Mapping.of(network(neurons), (lanes,), (sweep,)).units

    assert (folds, groups) == (unit.folds, unit.groups)


@pytest.mark.parametrize(
    ("lanes", "sweep", "message"),
    [
        ((0, 1), None, "Lanes of layer 0 must be in 1..7, its neurons, not 0"),
        ((7, -1), None, "Lanes of layer 1 must be in 1..5, its neurons, not -1"),
        ((8, 5), None, "Lanes of layer 0 must be in 1..7, its neurons, not 8"),
        ((7.0, 5), None, "Lanes of layer 0 must be in 1..7, its neurons, not 7.0"),
        ((True, 5), None, "Lanes of layer 0 must be in 1..7, its neurons, not True"),
        ((7,), None, "Lanes must be given for each of the 2 layers, not for 1"),
        ((), None, "Lanes must be given for each of the 2 layers, not for 0"),
        ((1, 1, 1), None, "Lanes must be given for each of the 2 layers, not for 3"),
        (None, (7,), "Sweep widths must be given for each of the 2 layers, not for 1"),
        (None, (), "Sweep widths must be given for each of the 2 layers, not for 0"),
        ((6, 5), (4, 5), "Sweep width of layer 0 must divide its 6 lanes, not 4"),
        ((6, 5), (3, 0), "Sweep width of layer 1 must divide its 5 lanes, not 0"),
        ((6, 4), (-3, 4), "Sweep width of layer 0 must divide its 6 lanes, not -3"),
        ((6, 4), (3, 2.0), "Sweep width of layer 1 must divide its 4 lanes, not 2.0"),
    ],
)
def test_wrong_mapping_is_refused(lanes, sweep, message):
    """Lanes beyond the neurons, sweeps that do not divide them and wrong numbers are refused."""
    with pytest.raises(Refused) as refused:
        Mapping.of(network(7, 5), lanes, sweep)

    assert message == str(refused.value)
