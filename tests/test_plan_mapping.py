"""Mappings: folds and groups worked by hand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from spikeline.model.bounds import prove
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.plan import mapping
from spikeline.plan.engines.wheel import slots
from spikeline.plan.mapping import Mapping, delay_bits, slot_widths
from spikeline.plan.taps import merged
from spikeline.plan.unit import Unit

from .builders import Law, chain_of, with_delays


def network(*sizes: int) -> Network:
    """Make a network with these numbers of neurons."""
    pre, layers = 3, []
    for post in sizes:
        neuron = Neuron(np.zeros(post, int), np.ones(post, int))
        layers.append(Law(Dense(np.ones((post, pre), int), 2), neuron))
        pre = post
    return chain_of(4, 3, Latency(), layers, FirstSpike())


def test_default_is_all_neurons_at_once():
    """Without lanes and sweep each layer has as many of both as neurons: one fold of one group."""
    mapping = Mapping.of(network(7, 5))

    assert mapping.units == {"layer0": Unit(7, 7, 7), "layer1": Unit(5, 5, 5)}
    assert [(1, 1), (1, 1)] == [(u.folds, u.groups) for u in mapping.units.values()]


def test_sweep_is_as_wide_as_lanes_by_default():
    """Lanes given alone sweep all at once."""
    units = Mapping.of(network(7, 5), (4, 1)).units
    assert list(units.values()) == [Unit(7, 4, 4), Unit(5, 1, 1)]


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
    (unit,) = Mapping.of(network(neurons), (lanes,), (sweep,)).units.values()

    assert (folds, groups) == (unit.folds, unit.groups)


@pytest.mark.parametrize(
    ("lanes", "sweep", "message"),
    [
        ((0, 1), None, "Lanes of layer layer0 must be in 1..7, its neurons, not 0"),
        ((7, -1), None, "Lanes of layer layer1 must be in 1..5, its neurons, not -1"),
        ((8, 5), None, "Lanes of layer layer0 must be in 1..7, its neurons, not 8"),
        ((7.0, 5), None, "Lanes of layer layer0 must be in 1..7, its neurons, not 7.0"),
        ((True, 5), None, "Lanes of layer layer0 must be in 1..7, its neurons, not True"),
        ((7,), None, "Lanes must be given for each of the 2 layers, not for 1"),
        ((), None, "Lanes must be given for each of the 2 layers, not for 0"),
        ((1, 1, 1), None, "Lanes must be given for each of the 2 layers, not for 3"),
        (None, (7,), "Sweep widths must be given for each of the 2 layers, not for 1"),
        (None, (), "Sweep widths must be given for each of the 2 layers, not for 0"),
        ((6, 5), (4, 5), "Sweep width of layer layer0 must divide its 6 lanes, not 4"),
        ((6, 5), (3, 0), "Sweep width of layer layer1 must divide its 5 lanes, not 0"),
        ((6, 4), (-3, 4), "Sweep width of layer layer0 must divide its 6 lanes, not -3"),
        ((6, 4), (3, 2.0), "Sweep width of layer layer1 must divide its 4 lanes, not 2.0"),
    ],
)
def test_wrong_mapping_is_refused(lanes, sweep, message):
    """Lanes beyond the neurons, sweeps that do not divide them and wrong numbers are refused."""
    with pytest.raises(InputError) as refused:
        Mapping.of(network(7, 5), lanes, sweep)

    assert message == str(refused.value)


def test_slots_are_the_next_power_of_two():
    """A wheel has a slot for every delay, and as many as go around."""
    assert [slots(d) for d in (1, 2, 3, 4, 5, 8, 9, 25)] == [1, 2, 4, 4, 8, 8, 16, 32]


def test_memory_of_both_engines_by_hand():
    """Three inputs of one bit, eight slots; nothing for a layer without delays."""
    net = with_delays(5, 0)
    units = Mapping.of(net, (3, 4)).units
    # Currents are 0..3, three bits with their sign, in two folds of three lanes.
    taps = merged(net, "layer0")
    assert slot_widths(taps, units["layer0"], prove(net)["layer0"]) == [3, 3, 3]
    # Four steps before, and whether there are any, of three inputs; two steps' values and a flag in
    # two words of two.
    bits = {"line": 5 * 3 + 3 * 4, "wheel": 2 * 8 * 9}
    assert delay_bits(net, units) == {"layer0": bits, "layer1": {}}


def test_values_of_lines_are_as_wide_as_counts():
    """Events of values up to 5 take three bits wherever they are kept."""
    net = with_delays(5)
    counting = replace(net, coding=Counts(5))

    assert delay_bits(counting, Mapping.of(counting).units)["layer0"]["line"] == 13 * 3 + 7 * 4


def test_slots_hold_the_currents_of_their_lane():
    """A lane's slots are as wide as the widest of its neurons needs."""
    w = np.array([[1, 1], [-1, 1], [7, 7], [-8, -8], [0, 0]])[:, :, None]
    law = Law(Delayed(w, np.zeros((1, 2, 1), int), 4, 1), Neuron(np.zeros(5, int), None))
    net = chain_of(1, 2, Latency(), [law], MaxMembrane())

    # 0..2 and 0..14 and 0: 5 bits; -1..1 and -16..0: 5 bits; of all in turn: 5 bits, then alone.
    taps, bounds = merged(net, "layer0"), prove(net)["layer0"]
    assert slot_widths(taps, Unit(5, 2, 2), bounds) == [5, 5]
    assert slot_widths(taps, Unit(5, 5, 5), bounds) == [3, 2, 5, 5, 1]


def test_engines_are_those_asked_for():
    """One word for all layers, or one for each; without delays it means nothing."""
    net = with_delays(3, 0, 5)

    def engines(delay):
        return [unit.engine for unit in Mapping.of(net, delay=delay).units.values()]

    assert engines("auto") == engines("wheel") == ["wheel", "dense", "wheel"]
    assert engines("line") == engines(("line", "wheel", "line")) == ["line", "dense", "line"]
    assert engines(("wheel", "auto", "line")) == ["wheel", "dense", "line"]
    units = Mapping.of(network(7, 5), delay="line").units.values()
    assert {unit.engine for unit in units} == {"dense"}


@pytest.mark.parametrize(
    ("budget", "delay", "expected"),
    [
        (96 + 64 + 256, "auto", ["wheel", "wheel", "wheel"]),
        (96 + 64 + 255, "auto", ["wheel", "wheel", "line"]),
        (96 + 63, "auto", ["line", "wheel", "line"]),
        (0, "auto", ["line", "line", "line"]),
        (0, "wheel", ["wheel", "wheel", "wheel"]),
        # What is asked for takes its part; what is not makes room.
        (256 + 64, ("auto", "auto", "wheel"), ["line", "wheel", "wheel"]),
        (96 + 64, ("auto", "auto", "line"), ["wheel", "wheel", "line"]),
    ],
)
def test_the_largest_wheels_become_lines(monkeypatch, budget, delay, expected):
    """Where the wheels of a network need more memory than the budget, the largest are lines."""
    net = with_delays(5, 3, 9)
    bits = delay_bits(net, Mapping.of(net).units)
    assert [b["wheel"] for b in bits.values()] == [96, 64, 256]
    monkeypatch.setattr(mapping, "BUDGET", budget)

    assert [unit.engine for unit in Mapping.of(net, delay=delay).units.values()] == expected


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        ("fast", "Delay engine of layer layer0 must be one of auto, line, wheel, not 'fast'"),
        (
            ("line", "dense"),
            "Delay engine of layer layer1 must be one of auto, line, wheel, not 'dense'",
        ),
        (("line", 3), "Delay engine of layer layer1 must be one of auto, line, wheel, not 3"),
        (("line",), "Delay engines must be given for each of the 2 layers, not for 1"),
        ((), "Delay engines must be given for each of the 2 layers, not for 0"),
    ],
)
def test_wrong_delay_engines_are_refused(delay, message):
    """Engines that do not exist, and wrong numbers of them, are refused."""
    for net in (with_delays(2, 0), network(7, 5)):
        with pytest.raises(InputError) as refused:
            Mapping.of(net, delay=delay)
        assert message == str(refused.value)


@pytest.mark.parametrize(
    ("lanes", "sweep"), [(1, 1), (16, 16), (17, 17), (18, 9), (32, 16), (34, 34), (120, 15)]
)
def test_wheels_sweep_few_at_once(lanes, sweep):
    """Behind a wheel 8 to 16 neurons are swept at once, or all; behind a line always all."""
    synapses = Delayed(np.ones((lanes, 2, 1), int), np.ones((1, 2, 1), int), 2, 2)
    neuron = Neuron(np.zeros(lanes, int), np.ones(lanes, int))
    net = chain_of(4, 2, Counts(), [Law(synapses, neuron)], SpikeCount())

    assert Mapping.of(net, delay="wheel").units == {"layer0": Unit(lanes, lanes, sweep, "wheel")}
    assert Mapping.of(net, delay="line").units == {"layer0": Unit(lanes, lanes, lanes, "line")}
    assert Mapping.of(net, None, (lanes,), delay="wheel").units["layer0"].sweep == lanes


@pytest.mark.parametrize(("delay", "engine"), [(1, "dense"), (2, "wheel")])
def test_recurrent_layers_have_delays_of_one_less(delay, engine):
    """What comes back in the next step is an input like others; what comes later is delayed."""
    loop = Delayed(np.ones((3, 3, 1), int), np.full((1, 3, 1), delay), 2, delay + 1)
    neuron = Neuron(np.zeros(3, int), np.ones(3, int))
    layers = [Law(Dense(np.ones((3, 2), int), 2), neuron, loop)]
    net = chain_of(4, 2, Counts(), layers, SpikeCount())
    units = Mapping.of(net).units

    assert units == {"layer0": Unit(3, 3, 3, engine)}
    # Currents are at most 2 + 3: 4 bits in each of two slots. Lines: five inputs, two to a word.
    bits = {"wheel": 3 * 2 * 4, "line": 5 * 2 + 6 * 3}
    assert delay_bits(net, units) == {"layer0": bits if delay > 1 else {}}
