"""Width proofs against every input there is, for layers small enough to try them all."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.bounds import bounds, prove, score_bounds
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.synapses import Synapses
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.values import Values
from spikeline.model.width import Bounds, signed_width

from .builders import worst
from .strategies import arrays, cases, examples

# Steps and limits for which every input of up to three synapses can be tried.
SMALL = {1: [(6, 1), (4, 3)], 2: [(4, 1), (3, 2)], 3: [(3, 1), (2, 2)]}


@dataclass(frozen=True)
class Declared(Counts):
    """Counts, of which an input may have no more in a sample than in one step."""

    once: bool = False

    @property
    def values(self) -> Values:
        """What an input may be."""
        return Values(self.limit, self.limit if self.once else None)


def layer_of(
    synapses: Synapses,
    neuron: Neuron,
    recurrent: Synapses | None = None,
    *,
    steps: int = 3,
    limit: int = 1,
    once: bool = False,
    shift: int = 0,
) -> Network:
    """Make a network of one layer, `one`, whose inputs keep what is declared."""
    fed = [Connection(("input",), synapses, shift=shift)]
    if recurrent is not None:
        fed.append(Connection(("one",), recurrent, shift=shift))
    layers = {"one": Layer(tuple(fed), neuron)}
    coding = Declared(limit, once)
    return Network(steps, {"input": synapses.pre}, coding, layers, FinalMembrane())


def proven_of(network: Network) -> Bounds:
    """Prove the bounds of the one layer."""
    return bounds(network, network.last)


def membranes(network: Network, s: np.ndarray) -> np.ndarray:
    """Run inputs (steps, inputs, pre): the membranes of the one layer."""
    return network.run(s.transpose(1, 0, 2), record=True).membranes["one"]


def every_input(network: Network) -> np.ndarray:
    """List every input within the declaration (inputs, steps, pre)."""
    limit, total = network.coding.values.limit, network.coding.values.total
    alone = [
        x
        for x in product(range(limit + 1), repeat=network.steps)
        if total is None or sum(x) <= total
    ]
    return np.array(list(product(alone, repeat=network.width)), np.int64).transpose(0, 2, 1)


def events(synapses: Synapses, s: np.ndarray, t: int, j: int) -> list[np.ndarray]:
    """List what each tap of neuron j adds at step t, each (inputs,)."""
    w = synapses.weights.reshape(synapses.post, synapses.pre, -1)[j].astype(np.int64)
    delays = np.zeros_like(w)
    if synapses.kind == "delayed":
        delays = synapses.delays[j if len(synapses.delays) > 1 else 0]
    return [w[i, k] * s[:, t - d, i] for (i, k), d in np.ndenumerate(delays) if d <= t]


def reached(network: Network, s: np.ndarray) -> dict[str, np.ndarray]:
    """Try inputs (inputs, steps, pre) on the one layer as the hardware would.

    Returns the least and the largest value, each (neurons,), of a step's current, of the
    accumulator after any subset of the step's events (which holds every order of adding), and of
    the membrane.
    """
    layer = network.last
    n, size = layer.neuron, layer.size
    (m, k), b = n.leak, n.bias.astype(np.int64)
    theta = np.full(size, 1 << 40) if n.threshold is None else n.threshold.astype(np.int64)
    v, fired = np.zeros((len(s), size), np.int64), np.zeros((len(s), size), bool)
    spikes = np.zeros((*s.shape[:2], size), np.int64)
    seen = {"current": [], "accumulator": [], "membrane": []}
    for t in range(s.shape[1]):
        least, most = np.zeros_like(v), np.zeros_like(v)
        for j in range(size):
            for c in layer.connections:
                taps = events(c.synapses, s if c.sources == ("input",) else spikes, t, j)
                # Of all subsets, that of the negative events is the least.
                least[:, j] += sum(np.minimum(x, 0) for x in taps) * 2**c.shift
                most[:, j] += sum(np.maximum(x, 0) for x in taps) * 2**c.shift
        down = v * m // 2**k
        start = np.where((v < 0) & (n.rounding == "zero"), -(-v * m // 2**k), down) + b
        h = start + least + most
        if n.clamp is not None:
            h = np.minimum(np.maximum(h, n.clamp[0]), n.clamp[1])
        seen["current"] += [least, most]
        seen["accumulator"] += [start + least, start + most]
        seen["membrane"] += [h]
        spikes[:, t] = (h >= theta) & ~(fired & n.once)
        v = np.where(h >= theta, {"none": h, "zero": 0, "subtract": h - theta}[n.reset], h)
        fired |= h >= theta
    ends = {name: np.concatenate(x) for name, x in seen.items()}
    return {name: np.array([x.min(axis=0), x.max(axis=0)]) for name, x in ends.items()}


@st.composite
def neurons(draw, size: int, resets: tuple[str, ...], fires: bool = False) -> Neuron:
    """Draw neurons with small numbers; `fires` asks for a threshold."""
    values = lambda of: st.lists(of, min_size=size, max_size=size).map(np.array)  # noqa: E731
    k = draw(st.sampled_from([0, 1, 3]))
    theta = values(st.integers(1, 12)) | values(st.integers(1, 100))
    theta = draw(theta if fires else st.none() | theta)
    reset = draw(st.sampled_from(resets))
    return Neuron(
        draw(values(st.integers(-9, 9))),
        theta,
        (draw(st.sampled_from([1 << k, (1 << k) - 1]) | st.integers(0, 1 << k)), k),
        draw(st.none() | st.tuples(st.integers(-30, 0), st.integers(0, 30))),
        reset,
        theta is not None and reset == "none" and draw(st.booleans()),
        draw(st.sampled_from(["floor", "zero"])),
    )


@st.composite
def taps(draw, post: int, pre: int, steps: int, most: int, least: int = 0) -> Delayed:
    """Draw synapses with small delays, of up to so many taps."""
    weights = draw(arrays((post, pre, draw(st.integers(1, most))), -8, 7))
    window = draw(st.integers(least + 1, steps))
    shape = (draw(st.sampled_from([1, post])), *weights.shape[1:])
    return Delayed(weights, draw(arrays(shape, least, window - 1)), 4, window)


RESETS = ("none", "zero", "subtract")


@st.composite
def single(draw, resets: tuple[str, ...] = RESETS, delays: bool = False) -> Network:
    """Draw a layer of one neuron, each input of one tap."""
    pre = draw(st.integers(1, 3))
    steps, limit = draw(st.sampled_from(SMALL[pre]))
    neuron = draw(neurons(1, resets))
    dense = Dense(draw(arrays((1, pre), -8, 7)), 4)
    synapses = draw(taps(1, pre, steps, 1)) if delays else dense
    declared = {"steps": steps, "limit": limit, "once": draw(st.booleans())}
    return layer_of(synapses, neuron, shift=draw(st.integers(0, 2)), **declared)


@st.composite
def several(draw) -> Network:
    """Draw a layer of one or two neurons, with several taps, and mostly recurrent."""
    pre, post = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    steps, limit = draw(st.sampled_from(SMALL[pre]))
    synapses, recurrent = draw(taps(post, pre, steps, 3 if pre == 1 else 2)), None
    if draw(st.integers(0, 3)):
        recurrent = draw(taps(post, post, steps, 2, 1))
    neuron = draw(neurons(post, RESETS, recurrent is not None))
    declared = {"steps": steps, "limit": limit, "once": draw(st.booleans())}
    return layer_of(synapses, neuron, recurrent, shift=draw(st.integers(0, 2)), **declared)


@examples(400)
@given(single())
def test_no_input_leaves_the_bounds(case):
    """No input, added in any order, takes current, accumulator or membrane out of its interval."""
    stays_inside(case)


@examples(250)
@given(single(delays=True))
def test_no_input_leaves_the_bounds_with_delays(case):
    """Nor does one that arrives later."""
    stays_inside(case)


@examples(400)
@given(several())
def test_no_input_leaves_the_bounds_with_taps_and_recurrence(case):
    """Nor one that arrives through several taps, or that the neurons feed to themselves."""
    stays_inside(case)


def stays_inside(network: Network) -> None:
    """Try every input."""
    proven = proven_of(network)

    seen = reached(network, every_input(network))
    for name, (least, most) in seen.items():
        low, high = getattr(proven, name)
        assert (low <= least).all() and (most <= high).all(), name


def delays_of(network: Network) -> bool:
    """Whether the inputs of the one layer are delayed."""
    return network.last.connections[0].synapses.latest > 0


@examples(400)
@given(single() | single(delays=True))
def test_bounds_are_reached(network):
    """Some input gives both ends of every interval; with a reset the lower one, without delays."""
    proven = proven_of(network)

    seen = reached(network, every_input(network))
    for name, (least, most) in seen.items():
        low, high = getattr(proven, name)
        resets = name != "current" and network.last.neuron.reset != "none"
        assert low == least or (resets and delays_of(network))
        assert high == most or resets


@examples(400)
@given(single() | single(delays=True), st.booleans())
def test_worst_input_reaches_the_bound(network, high):
    """The worst input is lawful and drives accumulator and membrane to their ends."""
    proven = proven_of(network)

    s = lawful_worst(network, 0, high)

    seen = reached(network, s[None].astype(np.int64))
    resets = network.last.neuron.reset != "none" and (high or delays_of(network))
    for name in ("accumulator", "membrane"):
        assert seen[name][int(high)] == getattr(proven, name)[high] or resets


@examples(200)
@given(several(), st.booleans())
def test_worst_input_is_lawful_with_several_taps(network, high):
    """With several taps and recurrence it need not reach the bounds, but keeps what is declared."""
    for neuron in range(network.last.size):
        lawful_worst(network, neuron, high)


def lawful_worst(network: Network, neuron: int, high: bool) -> np.ndarray:
    """Give the worst input, of the right form and within what is declared."""
    s, values = worst(network, "one", neuron, high), network.coding.values
    assert ((network.steps, network.width), np.uint8) == (s.shape, s.dtype)
    assert s.max(initial=0) <= values.limit
    assert values.total is None or s.sum(axis=0, dtype=int).max() <= values.total
    return s


def test_worst_input_by_hand():
    """Weights 3, -2, 1: upward inputs 0 and 2 come, last where the bias is positive too."""
    up, down = [2, 0, 2], [0, 2, 0]
    none = [0, 0, 0]

    assert [up, up] == worst(by_hand(steps=2, limit=2), "one", 0, True).tolist()
    assert [down, down] == worst(by_hand(steps=2, limit=2), "one", 0, False).tolist()
    assert [none, up] == worst(by_hand(1, steps=2, limit=2, once=True), "one", 0, True).tolist()
    assert [down, none] == worst(by_hand(1, steps=2, limit=2, once=True), "one", 0, False).tolist()
    assert [up, none] == worst(by_hand(-1, steps=2, limit=2, once=True), "one", 0, True).tolist()
    assert [none, down] == worst(by_hand(-1, steps=2, limit=2, once=True), "one", 0, False).tolist()


def test_worst_input_with_delays_by_hand():
    """Weights 3, -2, 1 after 0, 1 and 2 steps: what comes once is sent so that all meet."""
    none = [0, 0, 0]

    # Highest at step 2, so input 2 comes at 0 and input 0 at 2; lowest first at step 1.
    assert [[0, 0, 2], none, [2, 0, 0]] == worst(
        delayed(limit=2, once=True), "one", 0, True
    ).tolist()
    assert [[0, 2, 0], none, none] == worst(delayed(limit=2, once=True), "one", 0, False).tolist()
    # With a bias of -4 it is highest at step 0, where only input 0 arrives, and lowest at step 2.
    assert [[2, 0, 0], none, none] == worst(
        delayed(-4, limit=2, once=True), "one", 0, True
    ).tolist()
    assert [none, [0, 2, 0], none] == worst(
        delayed(-4, limit=2, once=True), "one", 0, False
    ).tolist()
    # What comes often comes in every step.
    assert [[2, 0, 2]] * 3 == worst(delayed(limit=2), "one", 0, True).tolist()
    # Each neuron has its own delays: to reach neuron 1 after 2, 1 and 0 steps.
    both = Delayed(
        np.array([[[3], [-2], [1]]] * 2), np.array([[[0], [1], [2]], [[2], [1], [0]]]), 4, 3
    )
    two = layer_of(both, Neuron(np.array([0, 0]), None), once=True)
    assert [[0, 0, 1], none, [1, 0, 0]] == worst(two, "one", 0, True).tolist()
    assert [[1, 0, 0], none, [0, 0, 1]] == worst(two, "one", 1, True).tolist()


def wide(reset: str, window: int, limit: int, once: bool) -> Network:
    """Make a layer of realistic size with leak, biases of both signs and a shift, maybe delays."""
    rng = np.random.default_rng(7)
    neuron = Neuron(rng.integers(-99, 99, 20), rng.integers(1, 500, 20), (15, 4), reset=reset)
    w, synapses = rng.integers(-8, 8, (20, 300)), None
    synapses = Dense(w, 4)
    if window > 1:
        synapses = Delayed(w[:, :, None], rng.integers(0, window, (20, 300, 1)), 4, window)
    return layer_of(synapses, neuron, steps=12, limit=limit, once=once, shift=2)


@pytest.mark.parametrize("window", [1, 12])
@pytest.mark.parametrize("once", [True, False], ids=["once", "often"])
@pytest.mark.parametrize("limit", [1, 255])
def test_worst_inputs_of_a_wide_layer_reach_every_bound(limit, once, window):
    """Each of 20 neurons of 300 inputs reaches both ends of its own interval, none beyond it."""
    network = wide("none", window, limit, once)
    low, high = proven_of(network).membrane

    for up, end in ((False, low), (True, high)):
        h = membranes(network, np.stack([worst(network, "one", j, up) for j in range(20)], axis=1))
        assert (low <= h).all() and (h <= high).all()
        assert end.tolist() == (h.max(axis=0) if up else h.min(axis=0)).diagonal().tolist()


@pytest.mark.parametrize("window", [1, 12])
@pytest.mark.parametrize("once", [True, False], ids=["once", "often"])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_random_inputs_of_a_wide_layer_with_reset_stay_inside(reset, once, window):
    """Sparse, dense, worst and random inputs leave no membrane outside its interval."""
    network, steps = wide(reset, window, 1, once), 12
    low, high = proven_of(network).membrane
    rng = np.random.default_rng(3)
    s = rng.random((steps, 400, 300)) < rng.random(400)[:, None]
    if once:
        s = np.arange(steps)[:, None, None] == rng.integers(0, steps * 2, (400, 300))
    worsts = [worst(network, "one", j, up) for j in range(20) for up in (False, True)]

    h = membranes(network, np.concatenate([s, np.stack(worsts, axis=1)], axis=1).astype(int))

    assert (low <= h).all() and (h <= high).all()


@examples(200)
@given(cases())
def test_no_membrane_of_a_network_leaves_its_interval(case):
    """In any network, what the layer before declares holds, and so does the interval."""
    network, samples = case
    run = network.run(samples, record=True)

    proven = prove(network)
    assert proven.keys() == run.membranes.keys()
    for name, h in run.membranes.items():
        low, high = proven[name].membrane
        assert (low <= h).all() and (h <= high).all()


DECLARED = ("steps", "limit", "once", "shift")


def one(bias: int = 0, threshold: int | None = None, **rest) -> Neuron:
    """Make a neuron."""
    return Neuron(np.array([bias]), None if threshold is None else np.array([threshold]), **rest)


def by_hand(*constants: int, **rest) -> Network:
    """Make one neuron with the weights 3, -2, 1, so that [a, c] = [-2, 4]."""
    declared = {name: rest.pop(name) for name in DECLARED if name in rest}
    return layer_of(Dense(np.array([[3, -2, 1]]), 4), one(*constants, **rest), **declared)


@pytest.mark.parametrize(
    ("network", "accumulator", "membrane"),
    [
        # Three steps of -2..4.
        (by_hand(), (-6, 12), (-6, 12)),
        # All of it once.
        (by_hand(once=True), (-2, 4), (-2, 4)),
        # Values up to 5, shifted by 2: -2 * 5 * 4 and 4 * 5 * 4.
        (by_hand(shift=2, limit=5, once=True), (-40, 80), (-40, 80)),
        # A bias of 1 in every step: lowest at step 0, -2 + 1; highest at step 2, 4 + 3.
        (by_hand(1, once=True), (-1, 7), (-1, 7)),
        # And of -1: lowest at step 2, -2 - 3; highest at step 0, 4 - 1.
        (by_hand(-1, once=True), (-5, 3), (-5, 3)),
        # Half is kept: 4, 2 + 4 = 6, 3 + 4 = 7; -2, -1 - 2 = -3, -2 - 2 = -4.
        (by_hand(leak=(1, 1)), (-4, 7), (-4, 7)),
        # The accumulator overshoots the clamp by one step: -3 - 2 and 5 + 4.
        (by_hand(clamp=(-3, 5), steps=9), (-5, 9), (-3, 5)),
        # Once: 10, 20 -> 15, 15 + 10 and 4 more; lowest at step 0, 10 - 2.
        (by_hand(10, clamp=(-3, 15), once=True), (8, 29), (8, 15)),
        # Reset to zero: at most theta - 1 = 4 is kept, then 4 more; downward nothing fires.
        (by_hand(0, 5, reset="zero"), (-6, 8), (-6, 8)),
        # No reset where theta is out of reach.
        (by_hand(0, 13, reset="zero"), (-6, 12), (-6, 12)),
        (by_hand(0, 13, reset="subtract"), (-6, 12), (-6, 12)),
        # Reset by subtraction: the same, as 8 - 5 = 3 is below 4.
        (by_hand(0, 5, reset="subtract"), (-6, 8), (-6, 8)),
        # Theta 1: 4 - 1 = 3, 3 + 4 - 1 = 6, 6 + 4 = 10.
        (by_hand(0, 1, reset="subtract"), (-6, 10), (-6, 10)),
    ],
    ids=[
        "often",
        "once",
        "graded",
        "bias_up",
        "bias_down",
        "leak",
        "clamp",
        "clamp_once",
        "zero",
        "zero_never",
        "subtract_never",
        "subtract",
        "subtract_one",
    ],
)
def test_bounds_by_hand(network, accumulator, membrane):
    """Intervals are those worked out beside each case."""
    proven = proven_of(network)

    scale = network.coding.limit << network.last.connections[0].shift
    assert (-2 * scale, 4 * scale) == tuple(int(x[0]) for x in proven.current)
    assert accumulator == tuple(int(x[0]) for x in proven.accumulator)
    assert membrane == tuple(int(x[0]) for x in proven.membrane)


def delayed(*constants: int, **rest) -> Network:
    """Make one neuron with the weights 3, -2, 1 after 0, 1 and 2 steps."""
    declared = {name: rest.pop(name) for name in DECLARED if name in rest}
    synapses = Delayed(np.array([[[3], [-2], [1]]]), np.array([[[0], [1], [2]]]), 4, 3)
    return layer_of(synapses, one(*constants, **rest), **declared)


def taps_of(weights: list[int], delays: list[int]) -> Delayed:
    """Make several taps from one input to one neuron."""
    return Delayed(np.array([[weights]]), np.array([[delays]]), 4, 3)


@pytest.mark.parametrize(
    ("network", "current", "membrane"),
    [
        # 0..3, -2..3, -2..4: 3 + 3 + 4 and -2 - 2.
        (delayed(), (-2, 4), (-4, 10)),
        (delayed(limit=5), (-10, 20), (-20, 50)),
        # Shifted by 1, with a bias of 2: 8, 8 + 8, 16 + 10; 2, 2 - 2, 0 - 2.
        (delayed(2, shift=1), (-4, 8), (-2, 26)),
        # All of it once.
        (delayed(once=True), (-2, 4), (-2, 4)),
        # 1 + 3, 2 + 3, 3 + 4; 1 - 0, 2 - 2, 3 - 2.
        (delayed(1, once=True), (-2, 4), (0, 7)),
        # -1 + 3, -2 + 3, -3 + 4; -1, -2 - 2, -3 - 2.
        (delayed(-1, once=True), (-2, 4), (-5, 2)),
        # Half is kept: 3, 1 + 3, 2 + 4; 0, -2, -1 - 2.
        (delayed(leak=(1, 1)), (-2, 4), (-3, 6)),
        # With 3 in every step: 3 + 3 fires, and from 0 on 3 - 2, below the 3 of step 0.
        # At most theta - 1 = 3 is kept: 3 + 4 + 3.
        (delayed(3, 4, reset="zero"), (-2, 4), (1, 10)),
        # 6 - 4 is less than 3, but 9 - 4 + 4 + 3.
        (delayed(3, 4, reset="subtract"), (-2, 4), (1, 12)),
        # Once the same downward; upward 3 + 3, 3 + 3 + 3, and 9 + 4 or 3 + 4 + 3.
        (delayed(3, 4, reset="zero", once=True), (-2, 4), (1, 10)),
        # Where theta is out of reach nothing goes on from 0: 3, 6 - 2, 4 + 3 - 2 (once 9 - 2).
        (delayed(3, 99, reset="zero"), (-2, 4), (3, 19)),
        (delayed(3, 99, reset="zero", once=True), (-2, 4), (3, 13)),
        # Taps of one input count alone: 3, 3, 3 and 0, -2, -2, though -2 never comes without 3.
        (layer_of(taps_of([3, -2], [0, 1]), one(), once=True), (-2, 3), (-2, 3)),
        (layer_of(taps_of([3, -2], [1, 1]), one()), (-2, 3), (-4, 6)),
        # Recurrent taps count once per step, from step 1 on: 10, 10 + 12, 22 + 12.
        (
            layer_of(taps_of([5], [0]), one(0, 1), taps_of([2], [1]), limit=2, once=True),
            (0, 12),
            (0, 34),
        ),
        # Where neurons fire once and inputs come once, all together: 10, 12, 12.
        (
            layer_of(
                taps_of([5], [0]), one(0, 1, once=True), taps_of([2], [1]), limit=2, once=True
            ),
            (0, 12),
            (0, 12),
        ),
        # But not where inputs come often.
        (
            layer_of(taps_of([5], [0]), one(0, 1, once=True), taps_of([2], [1]), limit=2),
            (0, 12),
            (0, 34),
        ),
    ],
    ids=[
        "often",
        "graded",
        "shift",
        "once",
        "bias_up",
        "bias_down",
        "leak",
        "zero",
        "subtract",
        "zero_once",
        "zero_never",
        "zero_never_once",
        "taps",
        "taps_equal",
        "recurrent",
        "recurrent_once",
        "recurrent_often",
    ],
)
def test_bounds_with_delays_by_hand(network, current, membrane):
    """Intervals are those worked out beside each case."""
    proven = proven_of(network)

    assert current == tuple(int(x[0]) for x in proven.current)
    assert membrane == tuple(int(x[0]) for x in proven.accumulator)
    assert membrane == tuple(int(x[0]) for x in proven.membrane)


@pytest.mark.parametrize(
    ("low", "high", "width"),
    [
        (0, 0, 1),
        (-1, 0, 1),
        (0, 1, 2),
        (-2, 1, 2),
        (-3, 1, 3),
        (-128, 127, 8),
        (-129, 0, 9),
        (5, 8, 5),
    ],
)
def test_signed_width_by_hand(low, high, width):
    """-2**(n-1)..2**(n-1)-1 are n bits."""
    assert width == signed_width(low, high)


def test_signed_width_is_least_that_holds():
    """Over all pairs of 7-bit numbers, the width holds both and one bit less does not."""
    for low in range(-64, 64):
        for high in range(low, 64):
            n = signed_width(low, high)
            assert -(1 << (n - 1)) <= low and high < 1 << (n - 1)
            assert n == 1 or not (-(1 << (n - 2)) <= low and high < 1 << (n - 2))


def test_width_of_a_layer_holds_all_its_neurons():
    """One neuron needs -9, another 8: five bits for both."""
    ends = np.array([-9, 0]), np.array([0, 8])

    assert 5 == Bounds(ends, ends, ends).width("membrane")


def test_prove_takes_the_declaration_of_each_source():
    """Graded values come once up to 255; neurons that fire once spike once, others every step."""
    one = np.array([1])
    stack = [
        (Dense(np.array([[1]]), 2), Neuron(np.array([0]), one, once=once))
        for once in (True, False, False)
    ]

    proven = prove(chain(4, 1, Graded(), stack, FirstSpike()))

    assert ["layer0", "layer1", "layer2"] == list(proven)
    assert [255, 1, 4] == [int(p.membrane[1][0]) for p in proven.values()]


@examples(200)
@given(cases())
def test_no_score_leaves_its_interval(case):
    """Scores stay in their interval, and so does every sum on the way to them."""
    network, samples = case
    low, high = score_bounds(network, prove(network)[network.output])

    run = network.run(samples, record=True)
    scores = [run.decision.score, np.zeros(1)]
    if network.readout.kind == "weighted-sum":
        h = run.membranes[network.output]
        scores.append(np.cumsum(network.readout.weights[:, None, None] * h, axis=0))
    assert all(low <= s.min() and s.max() <= high for s in scores)


@pytest.mark.parametrize(
    ("readout", "ends"),
    [
        (FirstSpike(), (-6, 12)),
        (FinalMembrane(), (-6, 12)),
        (SpikeCount(), (0, 3)),
        # h in -6..12: 2 * -6 - 12 = -24, then 24 + 6 = 30; 0 adds nothing.
        (WeightedSum(np.array([2, -1, 0])), (-24, 30)),
    ],
    ids=lambda x: getattr(x, "kind", ""),
)
def test_score_bounds_by_hand(readout, ends):
    """Three steps of a current of -2..4, without threshold in effect."""
    network = replace(by_hand(0, 99), readout=readout)

    assert ends == score_bounds(network, proven_of(network))
