"""Parallel spiking neurons: courses worked by hand for each form, their bounds, what is refused."""

import numpy as np
import pytest

from spikeline.model.bounds import bounds
from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.parallel import Parallel
from spikeline.model.readouts import readout
from spikeline.model.synapses.dense import Dense


def one(weight: list, threshold: list, bias: int = 0, **rest) -> Parallel:
    """Make a layer of one neuron, from rows of weights and a threshold for each."""
    return Parallel(np.array([bias]), np.array([threshold]), np.array([weight]), **rest)


def course(neuron: Parallel, currents: list[int]) -> tuple[list[int], list[int]]:
    """Run one neuron: its spikes and its membranes."""
    s, h = neuron.run(np.array(currents)[:, None, None])
    return s[:, 0, 0].astype(int).tolist(), h[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("neuron", "currents", "spikes", "membranes"),
    [
        # 2*3; 2*1 + 1*3; 2*-4 + 1*1; 2*5 + 1*-4.
        (one([[2, 1]], [6]), [3, 1, -4, 5], [1, 0, 0, 1], [6, 5, -7, 6]),
        # With a bias of 1 before the filter, none before step 0: 2*4; 2*2 + 4; 2*-3 + 2.
        (one([[2, 1]], [6], bias=1), [3, 1, -4], [1, 1, 0], [8, 8, -4]),
        # Two steps back: 3; 1; -4 + 3; 5 + 1.
        (one([[1, 1]], [2], dilation=2), [3, 1, -4, 5], [1, 0, 0, 1], [3, 1, -1, 6]),
        # A threshold below 0 is reached by nothing at all.
        (one([[1]], [-1]), [0, -1, -2], [1, 1, 0], [0, -1, -2]),
        # A row of weights and a threshold for each step: 3; 2*1 - 3; 0 + 5*1.
        (one([[1, 9], [2, -1], [0, 5]], [4, -1, 6]), [3, 1, 7], [0, 1, 0], [3, -1, 5]),
        # Whole samples: 3 + 2*1 + 4*7; 0; 7 - 3.
        (
            one([[1, 2, 4], [0, 0, 0], [-1, 0, 1]], [33, 1, 4], whole=True),
            [3, 1, 7],
            [1, 0, 1],
            [33, 0, 4],
        ),
    ],
)
def test_course_by_hand(neuron, currents, spikes, membranes):
    """Spikes and membranes are those worked out beside each case, step by step as well."""
    assert (spikes, membranes) == course(neuron, currents)
    if not neuron.whole:
        state, found = neuron.start(), []
        for current in currents:
            s, h, state = neuron.step(state, np.array([current]))
            found.append((int(s[0]), int(h[0])))
        assert list(zip(spikes, membranes, strict=True)) == found


def test_channels_and_places_have_their_own_constants():
    """Neuron n is of channel n % channels: its bias, its thresholds and its kernel."""
    neuron = Parallel(
        np.array([0, 1]), np.array([[5], [9]]), np.array([[[2, 1]], [[1, 3]]]), places=2
    )
    currents = np.array([[[1, 1, 2, 2]], [[2, 2, 1, 1]]])

    s, h = neuron.run(currents)

    # Channel 0: 2*1, 2*2 + 1; 2*2, 2*1 + 2. Channel 1: 2, 3 + 3*2; 3, 2 + 3*3.
    assert [[[2, 2, 4, 3]], [[5, 9, 4, 11]]] == h.tolist()
    assert [[[0, 0, 0, 0]], [[1, 1, 0, 1]]] == s.astype(int).tolist()


def network(
    neuron: Parallel, weights: list[list[int]], steps: int, most: int = 1, **rest
) -> Network:
    """Make a network of one layer."""
    synapses = Dense(np.array(weights), 8)
    connections = (Connection(("input",), synapses, **rest),)
    layers = {"layer0": Layer(connections, neuron)}
    inputs = {"input": len(weights[0])}
    return Network(steps, inputs, Counts(most), layers, readout("spike-count"))


def test_bounds_are_reached():
    """The ends of the membrane are those of inputs that were made to reach them."""
    net = network(one([[3, -2]], [1], bias=1), [[5, -1]], 3, most=2)
    found = bounds(net, net.last)

    # A step's events bring -2..10, and the bias 1. Up: 3 * 11 + 2 * 1, down: 3 * -1 - 2 * 11; where
    # a tap counts, or not yet.
    assert (-2, 10) == tuple(int(x[0]) for x in found.current)
    assert (-1, 11) == tuple(int(x[0]) for x in found.accumulator)
    assert (-25, 35) == tuple(int(x[0]) for x in found.membrane)
    low = net.run(np.array([[[2, 0], [0, 2]]]), record=True).membranes["layer0"]
    high = net.run(np.array([[[0, 2], [2, 0]]]), record=True).membranes["layer0"]
    assert (-25, 35) == (int(low[1].min()), int(high[1].max()))


@pytest.mark.parametrize("whole", [False, True])
def test_no_membrane_leaves_its_bounds(whole):
    """Random samples stay within, with and without a total of the inputs."""
    rng = np.random.default_rng(5)
    for once in (False, True):
        for _ in range(30):
            steps, neurons = int(rng.integers(1, 6)), int(rng.integers(1, 4))
            taps = steps if whole else int(rng.integers(1, steps + 1))
            rows = steps if whole else int(rng.choice([1, steps]))
            neuron = Parallel(
                rng.integers(-3, 4, neurons),
                rng.integers(-20, 90, (neurons, rows)),
                rng.integers(-8, 8, (int(rng.choice([1, neurons])), rows, taps)),
                whole=whole,
            )
            c = Connection(("input",), Dense(rng.integers(-8, 8, (neurons, 5)), 4))
            layer = Layer((c,), neuron)
            x = rng.integers(0, 2, (steps, 40, 5))
            if once:
                x *= x.cumsum(0) <= 1
            _, h = neuron.run(c.synapses.current(x, 1))
            arriving = c.synapses.arriving(1, steps)
            proven = layer.neuron.reach(arriving, arriving if once else None)
            assert (h >= proven.membrane[0]).all() and (h <= proven.membrane[1]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"weight": [[1, 2]]},
            "Parallel weight must be signed integers of shape (kernels, rows, taps)",
        ),
        ({"weight": [[[128]]]}, "Parallel weight must be in -128..127 to fit 8 bits, not 128"),
        (
            {"weight": [[[1]]] * 3},
            "Parallel weight must be one kernel, or one for each of the 2 channe",
        ),
        ({"weight": [[[1], [1]]]}, "Parallel threshold must have the 2 rows of the weight, not 1"),
        (
            {"threshold": [[1]]},
            "Parallel threshold must be of the 2 channels of the bias, not of 1",
        ),
        (
            {"threshold": [[0.5], [1.0]]},
            "Parallel threshold must be signed integers of shape (channels",
        ),
        ({"dilation": 0}, "Parallel dilation must be in 1..32768, not 0"),
        ({"dilation": 1.5}, "Parallel dilation must be an integer in 1..32768, not 1.5"),
        ({"whole": 1}, "Parallel whole must be true or false, not 1"),
        (
            {"whole": True, "weight": [[[1, 2]]]},
            "Parallel weight of whole samples must have as many",
        ),
        ({"places": 0}, "Parallel places must be in 1..16777216, not 0"),
    ],
)
def test_wrong_neuron_is_refused(arguments, message):
    """Every parameter outside its range, of another type or against another one is refused."""
    given = {"bias": [0, 0], "threshold": [[1], [1]], "weight": [[[1]]]} | arguments
    arrays = {name: np.array(given[name]) for name in ("bias", "threshold", "weight")}

    with pytest.raises(InputError) as refused:
        Parallel(**(given | arrays))

    assert str(refused.value).startswith(message)


def test_network_refuses_what_does_not_suit_it():
    """Rows are as many as steps, taps no more; whole samples are seen outside loops alone."""
    for neuron, message in (
        (
            one([[1], [2]], [1, 1]),
            "Layer layer0: Parallel weight must have a row for each of 3 steps,",
        ),
        (
            one([[1, 2]], [1], dilation=3),
            "Layer layer0: Parallel taps must reach less than 3 steps bac",
        ),
        (
            one([[1]], [1], whole=True),
            "Layer layer0: Parallel weight must have a row for each of 3 ste",
        ),
    ):
        with pytest.raises(InputError) as refused:
            network(neuron, [[1]], 3)
        assert str(refused.value).startswith(message)

    whole = one([[1, 0], [0, 1]], [1, 1], whole=True)
    fed = Connection(("input",), Dense(np.array([[1]]), 2))
    back = Connection(("layer0",), Dense(np.array([[1]]), 2), delay=1)
    with pytest.raises(InputError) as refused:
        layers = {"layer0": Layer((fed, back), whole)}
        Network(2, {"input": 1}, Counts(1), layers, readout("spike-count"))
    assert "Layer layer0 must be in no loop, as its neurons see whole samples" == str(refused.value)


def test_file_keeps_them(tmp_path):
    """What is saved is loaded: the same fields, the same hash."""
    from spikeline.model.store import content_hash, load

    net = network(one([[3, -2]], [-1], bias=1, dilation=2), [[5, -1]], 3)
    net.save(tmp_path / "net.safetensors")

    found = load(tmp_path / "net.safetensors")

    assert content_hash(net) == content_hash(found)
    assert (2, False) == (found.last.neuron.dilation, found.last.neuron.whole)
    assert net.last.neuron.weight.tolist() == found.last.neuron.weight.tolist()
