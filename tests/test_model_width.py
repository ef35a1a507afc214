"""Width proofs against every input there is, for layers small enough to try them all."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.dense import Dense
from spikeline.model.encode import Counts, Graded
from spikeline.model.network import Layer, Network
from spikeline.model.neuron import Neuron
from spikeline.model.readout import Readout
from spikeline.model.width import Bounds, bounds, prove, score_bounds, signed_width, worst

from .profiles import examples
from .test_model_network import cases

# Steps and limits for which every input of up to three synapses can be tried.
SMALL = {1: [(6, 1), (4, 3)], 2: [(4, 1), (3, 2)], 3: [(3, 1), (2, 2)]}


def every_input(pre: int, steps: int, limit: int, once: bool) -> np.ndarray:
    """List every input within the declaration (inputs, steps, pre)."""
    alone = [
        x for x in product(range(limit + 1), repeat=steps) if not once or np.count_nonzero(x) < 2
    ]
    return np.array(list(product(alone, repeat=pre)), np.int64).transpose(0, 2, 1)


def reached(layer: Layer, s: np.ndarray) -> dict[str, set[int]]:
    """Try inputs (inputs, steps, pre) on a layer of one neuron as the hardware would.

    Returns all values of a step's current, of the accumulator after any subset of the step's
    events (which holds every order of adding), and of the membrane.
    """
    n, w = layer.neuron, layer.synapses.weights[0].astype(np.int64)
    (m, k), b = n.leak, int(n.bias[0])
    theta = 1 << 40 if n.threshold is None else int(n.threshold[0])
    subsets = np.array(list(product([0, 1], repeat=len(w))))
    v = np.zeros(len(s), np.int64)
    seen = {"current": set(), "accumulator": set(), "membrane": set()}
    for t in range(s.shape[1]):
        partial = (s[:, t] * w) @ subsets.T
        accumulator = (v * m // 2**k + b)[:, None] + partial * 2**n.shift
        h = accumulator[:, -1]
        if n.clamp is not None:
            h = np.minimum(np.maximum(h, n.clamp[0]), n.clamp[1])
        after = {"none": h, "zero": 0, "subtract": h - theta}[n.reset]
        v = np.where(h >= theta, after, h)
        seen["current"].update(partial.ravel().tolist())
        seen["accumulator"].update(accumulator.ravel().tolist())
        seen["membrane"].update(h.tolist())
    return seen


@st.composite
def single(draw, resets=("none", "zero", "subtract")) -> tuple[Layer, int, int, bool]:
    """Draw a layer of one neuron with what its input declares: steps, limit, once."""
    pre = draw(st.integers(1, 3))
    steps, limit = draw(st.sampled_from(SMALL[pre]))
    k = draw(st.sampled_from([0, 1, 3]))
    theta = draw(st.none() | st.integers(1, 12) | st.integers(1, 100))
    neuron = Neuron(
        np.array([draw(st.integers(-9, 9))]),
        None if theta is None else np.array([theta]),
        (draw(st.sampled_from([1 << k, (1 << k) - 1]) | st.integers(0, 1 << k)), k),
        draw(st.integers(0, 2)),
        draw(st.none() | st.tuples(st.integers(-30, 0), st.integers(0, 30))),
        draw(st.sampled_from(resets)),
    )
    weights = draw(st.lists(st.integers(-8, 7), min_size=pre, max_size=pre))
    return Layer(Dense(np.array([weights]), 4), neuron), steps, limit, draw(st.booleans())


@examples(400)
@given(single())
def test_no_input_leaves_the_bounds(case):
    """No input, added in any order, takes current, accumulator or membrane out of its interval."""
    layer, steps, limit, once = case
    proven = bounds(*case)

    seen = reached(layer, every_input(layer.synapses.pre, steps, limit, once))
    for name, values in seen.items():
        low, high = (int(x[0]) for x in getattr(proven, name))
        assert low <= min(values)
        assert max(values) <= high


@examples(400)
@given(single())
def test_bounds_are_reached(case):
    """Some input gives the lower end of every interval, and without a reset the upper end."""
    layer, steps, limit, once = case
    proven = bounds(*case)

    seen = reached(layer, every_input(layer.synapses.pre, steps, limit, once))
    for name, values in seen.items():
        low, high = (int(x[0]) for x in getattr(proven, name))
        assert low == min(values)
        assert high == max(values) or layer.neuron.reset != "none"


@examples(300)
@given(single(), st.booleans())
def test_worst_input_reaches_the_bound(case, high):
    """The worst input is lawful and drives accumulator and membrane to their ends."""
    layer, steps, limit, once = case
    proven = bounds(*case)

    s = worst(*case, neuron=0, high=high)

    assert ((steps, layer.synapses.pre), np.uint8) == (s.shape, s.dtype)
    assert s.max(initial=0) <= limit
    assert not once or np.count_nonzero(s, axis=0).max() <= 1
    seen, end = reached(layer, s[None].astype(np.int64)), max if high else min
    for name in ("accumulator", "membrane"):
        reaches = end(seen[name]) == int(getattr(proven, name)[high][0])
        assert reaches or (high and layer.neuron.reset != "none")


def test_worst_input_by_hand():
    """Weights 3, -2, 1: upward inputs 0 and 2 come, last where the bias is positive too."""
    up, down = [2, 0, 2], [0, 2, 0]
    none = [0, 0, 0]

    assert [up, up] == worst(by_hand(), 2, 2, False, 0, True).tolist()
    assert [down, down] == worst(by_hand(), 2, 2, False, 0, False).tolist()
    assert [none, up] == worst(by_hand(1), 2, 2, True, 0, True).tolist()
    assert [down, none] == worst(by_hand(1), 2, 2, True, 0, False).tolist()
    assert [up, none] == worst(by_hand(-1), 2, 2, True, 0, True).tolist()
    assert [none, down] == worst(by_hand(-1), 2, 2, True, 0, False).tolist()


def wide(reset: str) -> Layer:
    """Make a layer of realistic size with leak, biases of both signs and a shift."""
    rng = np.random.default_rng(7)
    neuron = Neuron(rng.integers(-99, 99, 20), rng.integers(1, 500, 20), (15, 4), 2, reset=reset)
    return Layer(Dense(rng.integers(-8, 8, (20, 300)), 4), neuron)


@pytest.mark.parametrize("once", [True, False], ids=["once", "often"])
@pytest.mark.parametrize("limit", [1, 255])
def test_worst_inputs_of_a_wide_layer_reach_every_bound(limit, once):
    """Each of 20 neurons of 300 inputs reaches both ends of its own interval, none beyond it."""
    layer, steps = wide("none"), 12
    low, high = bounds(layer, steps, limit, once).membrane

    for up, end in ((False, low), (True, high)):
        s = np.stack([worst(layer, steps, limit, once, j, up) for j in range(20)], axis=1)
        h = layer.run(s, limit)[1]
        assert (low <= h).all() and (h <= high).all()
        assert end.tolist() == (h.max(axis=0) if up else h.min(axis=0)).diagonal().tolist()


@pytest.mark.parametrize("once", [True, False], ids=["once", "often"])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_random_inputs_of_a_wide_layer_with_reset_stay_inside(reset, once):
    """Sparse, dense, worst and random inputs leave no membrane outside its interval."""
    layer, steps = wide(reset), 12
    low, high = bounds(layer, steps, 1, once).membrane
    rng = np.random.default_rng(3)
    s = rng.random((steps, 400, 300)) < rng.random(400)[:, None]
    if once:
        s = np.arange(steps)[:, None, None] == rng.integers(0, steps * 2, (400, 300))
    worsts = [worst(layer, steps, 1, once, j, up) for j in range(20) for up in (False, True)]

    h = layer.run(np.concatenate([s, np.stack(worsts, axis=1)], axis=1).astype(np.uint8), 1)[1]

    assert (low <= h).all() and (h <= high).all()


def by_hand(bias: int = 0, threshold: int | None = None, **rest) -> Layer:
    """Make one neuron with the weights 3, -2, 1, so that [a, c] = [-2, 4]."""
    threshold = None if threshold is None else np.array([threshold])
    return Layer(Dense(np.array([[3, -2, 1]]), 4), Neuron(np.array([bias]), threshold, **rest))


@pytest.mark.parametrize(
    ("layer", "declared", "accumulator", "membrane"),
    [
        # Three steps of -2..4.
        (by_hand(), (3, 1, False), (-6, 12), (-6, 12)),
        # All of it once.
        (by_hand(), (3, 1, True), (-2, 4), (-2, 4)),
        # Values up to 5, shifted by 2: -2 * 5 * 4 and 4 * 5 * 4.
        (by_hand(shift=2), (3, 5, True), (-40, 80), (-40, 80)),
        # A bias of 1 in every step: lowest at step 0, -2 + 1; highest at step 2, 4 + 3.
        (by_hand(1), (3, 1, True), (-1, 7), (-1, 7)),
        # And of -1: lowest at step 2, -2 - 3; highest at step 0, 4 - 1.
        (by_hand(-1), (3, 1, True), (-5, 3), (-5, 3)),
        # Half is kept: 4, 2 + 4 = 6, 3 + 4 = 7; -2, -1 - 2 = -3, -2 - 2 = -4.
        (by_hand(leak=(1, 1)), (3, 1, False), (-4, 7), (-4, 7)),
        # The accumulator overshoots the clamp by one step: -3 - 2 and 5 + 4.
        (by_hand(clamp=(-3, 5)), (9, 1, False), (-5, 9), (-3, 5)),
        # Once: 10, 20 -> 15, 15 + 10 and 4 more; lowest at step 0, 10 - 2.
        (by_hand(10, clamp=(-3, 15)), (3, 1, True), (8, 29), (8, 15)),
        # Reset to zero: at most theta - 1 = 4 is kept, then 4 more; downward nothing fires.
        (by_hand(0, 5, reset="zero"), (3, 1, False), (-6, 8), (-6, 8)),
        # No reset where theta is out of reach.
        (by_hand(0, 13, reset="zero"), (3, 1, False), (-6, 12), (-6, 12)),
        (by_hand(0, 13, reset="subtract"), (3, 1, False), (-6, 12), (-6, 12)),
        # Reset by subtraction: the same, as 8 - 5 = 3 is below 4.
        (by_hand(0, 5, reset="subtract"), (3, 1, False), (-6, 8), (-6, 8)),
        # Theta 1: 4 - 1 = 3, 3 + 4 - 1 = 6, 6 + 4 = 10.
        (by_hand(0, 1, reset="subtract"), (3, 1, False), (-6, 10), (-6, 10)),
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
def test_bounds_by_hand(layer, declared, accumulator, membrane):
    """Intervals are those worked out beside each case."""
    proven = bounds(layer, *declared)

    limit = declared[1]
    assert (-2 * limit, 4 * limit) == tuple(int(x[0]) for x in proven.current)
    assert accumulator == tuple(int(x[0]) for x in proven.accumulator)
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
    layers = [
        Layer(Dense(np.array([[1]]), 2), Neuron(np.array([0]), one, once=once))
        for once in (True, False, False)
    ]

    proven = prove(Network(4, 1, Graded(), tuple(layers), Readout()))

    assert [255, 1, 4] == [int(p.membrane[1][0]) for p in proven]


@examples(150)
@given(cases())
def test_no_score_leaves_its_interval(case):
    """Scores stay in their interval, and so does every sum on the way to them."""
    network, samples = case
    low, high = score_bounds(network, prove(network)[-1])

    run = network.run(samples, record=True)
    scores = [run.decision.score, np.zeros(1)]
    if network.readout.kind == "weighted-sum":
        scores.append(np.cumsum(network.readout.weights[:, None, None] * run.membranes[-1], axis=0))
    assert all(low <= s.min() and s.max() <= high for s in scores)


@pytest.mark.parametrize(
    ("readout", "ends"),
    [
        (Readout("first-spike"), (-6, 12)),
        (Readout("final-membrane"), (-6, 12)),
        (Readout("spike-count"), (0, 3)),
        # h in -6..12: 2 * -6 - 12 = -24, then 24 + 6 = 30; 0 adds nothing.
        (Readout("weighted-sum", np.array([2, -1, 0])), (-24, 30)),
    ],
    ids=lambda x: getattr(x, "kind", ""),
)
def test_score_bounds_by_hand(readout, ends):
    """Three steps of a current of -2..4, without threshold in effect."""
    layer = by_hand(0, 99)
    last = bounds(layer, 3, 1, False)

    assert ends == score_bounds(Network(3, 3, Counts(), (layer,), readout), last)
