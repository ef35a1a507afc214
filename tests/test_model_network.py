"""The golden run against the law read slowly: Python integers, one neuron and one step at a time.

`slow_run` is written from the law, not from model/; `networks` draws any lawful network of dense
layers, `delayed_networks` any with delays.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.encode import Counts, Graded, Latency
from spikeline.model.network import Layer, Network, accuracy
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import KINDS, readout
from spikeline.model.readouts.protocol import Readout
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.refuse import Refused
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense

from .profiles import examples


@dataclass
class Slow:
    """One sample: input and spikes[layer], membranes[layer] (steps x neurons), and the decision."""

    input: list[list[int]]
    spikes: list[list[list[bool]]]
    membranes: list[list[list[int]]]
    label: int
    step: int
    score: list[int]


def slow_encode(coding, steps: int, sample: np.ndarray) -> list[list[int]]:
    """Encode one sample, one value at a time."""
    if isinstance(coding, Counts):
        rows = [[min(int(x), coding.limit) for x in row] for row in sample]
        return rows + [[0] * sample.shape[1]] * (steps - len(rows))
    s = []
    for t in range(steps):
        if isinstance(coding, Latency):
            floor = coding.floor
            s.append(
                [
                    int(p >= floor and ((255 - p) * steps) // (256 - floor) == t)
                    for p in map(int, sample)
                ]
            )
        else:
            comes = t == 0 or coding.every
            s.append([int(p) // 2**coding.shift if comes else 0 for p in sample])
    return s


def slow_current(synapses, s: list[list[int]], j: int, t: int) -> int:
    """Sum what reaches neuron j at step t from the spikes so far, one tap at a time."""
    if isinstance(synapses, Dense):
        return sum(w * x for w, x in zip(synapses.weights[j].tolist(), s[t], strict=True))
    w, delays = synapses.weights[j].tolist(), synapses.delays.tolist()
    delays = delays[j] if len(delays) > 1 else delays[0]
    taps = [(i, k) for i in range(len(w)) for k in range(len(w[i]))]
    return sum(w[i][k] * s[t - delays[i][k]][i] for i, k in taps if delays[i][k] <= t)


def slow_layer(layer: Layer, s: list[list[int]]) -> tuple[list[list[bool]], list[list[int]]]:
    """Run one layer: leak, integrate, clamp, compare, reset, one neuron at a time."""
    n = layer.neuron
    (m, k), size = n.leak, len(n.bias)
    v, fired, spikes, membranes = [0] * size, [False] * size, [], []
    for t in range(len(s)):
        out, seen = [], []
        for j in range(size):
            current = slow_current(layer.synapses, s, j, t)
            if layer.recurrent is not None:
                current += slow_current(layer.recurrent, spikes, j, t)
            h = (v[j] * m) // 2**k + current * 2**n.shift + int(n.bias[j])
            if n.clamp is not None:
                h = min(max(h, n.clamp[0]), n.clamp[1])
            theta = None if n.threshold is None else int(n.threshold[j])
            crosses = theta is not None and h >= theta
            v[j] = h
            if crosses and n.reset == "zero":
                v[j] = 0
            if crosses and n.reset == "subtract":
                v[j] = h - theta
            out.append(crosses and not (n.once and fired[j]))
            fired[j] = fired[j] or crosses
            seen.append(h)
        spikes.append(out)
        membranes.append(seen)
    return spikes, membranes


def slow_decide(readout: Readout, s: list[list[bool]], h: list[list[int]]):
    """Decide one sample: label, step, score."""
    steps, classes = len(h), len(h[0])
    if readout.kind == "first-spike":
        for t in range(steps):
            firing = [c for c in range(classes) if s[t][c]]
            if firing:
                return min(firing, key=lambda c: (-h[t][c], c)), t, h[t]
        score = h[-1]
    elif readout.kind == "weighted-sum":
        w = readout.weights.tolist()
        score = [sum(w[t] * h[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind == "spike-count":
        score = [sum(s[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind == "spikes":
        return -1, steps - 1, [sum(s[t][c] for t in range(steps)) for c in range(classes)]
    elif readout.kind == "membranes":
        return -1, steps - 1, h[-1]
    elif readout.kind == "max-membrane":
        score = [max(h[t][c] for t in range(steps)) for c in range(classes)]
    else:
        score = h[-1]
    return min(range(classes), key=lambda c: (-score[c], c)), steps - 1, score


def slow_run(network: Network, sample: np.ndarray) -> Slow:
    """Run one sample through the law as it is written."""
    first = s = slow_encode(network.coding, network.steps, sample)
    spikes, membranes = [], []
    for layer in network.layers:
        s, h = slow_layer(layer, s)
        spikes.append(s)
        membranes.append(h)
    return Slow(first, spikes, membranes, *slow_decide(network.readout, s, h))


@st.composite
def layers(draw, pre: int, post: int, fires: bool = False) -> Layer:
    """Draw a layer; `fires` asks for a threshold."""
    bits = draw(st.integers(2, 8))
    integers = st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    row = st.lists(integers, min_size=pre, max_size=pre)
    weights = draw(st.lists(row, min_size=post, max_size=post))
    return Layer(Dense(np.array(weights), bits), draw(neurons(post, fires)))


@st.composite
def neurons(draw, post: int, fires: bool = False) -> Neuron:
    """Draw neurons of any kind; `fires` asks for a threshold."""
    vector = lambda low, high: st.lists(  # noqa: E731
        st.integers(low, high), min_size=post, max_size=post
    ).map(np.array)
    top = draw(st.sampled_from([10, 200, 3000]))
    threshold = draw(vector(1, top)) if fires or draw(st.integers(0, 4)) else None
    k = draw(st.sampled_from([0, 0, 1, 2, 4, 8, 15]))
    m = draw(st.sampled_from([1 << k, (1 << k) - 1, 0]) | st.integers(0, 1 << k))
    clamp = draw(st.none() | st.tuples(st.integers(-300, 0), st.integers(0, 300)))
    once = threshold is not None and draw(st.booleans())
    return Neuron(
        draw(vector(-50, 50)),
        threshold,
        (m, k),
        draw(st.sampled_from([0, 0, 1, 3, 15])),
        clamp,
        "none" if once else draw(st.sampled_from(["none", "zero", "subtract"])),
        once,
    )


def arrays(shape: tuple[int, ...], low: int, high: int) -> st.SearchStrategy[np.ndarray]:
    """Draw arrays of integers in low..high."""
    values = st.lists(st.integers(low, high), min_size=prod(shape), max_size=prod(shape))
    return values.map(lambda drawn: np.reshape(drawn, shape))


@st.composite
def synapses(draw, pre: int, post: int, steps: int, least: int = 0) -> Delayed:
    """Draw synapses with delays in least..steps-1, of synapses or of axons."""
    bits, taps = draw(st.integers(2, 8)), draw(st.integers(1, 3))
    window = max(draw(st.sampled_from([1, 2, 4, 8]) | st.integers(1, 9)), least + 1)
    weights = draw(arrays((post, pre, taps), -(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    shape = (draw(st.sampled_from([1, post])), pre, taps)
    return Delayed(weights, draw(arrays(shape, least, min(window, steps) - 1)), bits, window)


@st.composite
def delayed_layers(
    draw, pre: int, post: int, steps: int, fires: bool = False, recurrent: bool = True
) -> Layer:
    """Draw a layer with delays, or now and then without; recurrent or not, unless forbidden."""
    if not draw(st.integers(0, 4)):
        return draw(layers(pre, post, fires))
    forward, back = draw(synapses(pre, post, steps)), None
    if recurrent and steps > 1 and draw(st.booleans()):
        back = draw(synapses(post, post, steps, 1))
    return Layer(forward, draw(neurons(post, fires)), back)


CODINGS = (
    st.builds(Latency, st.integers(1, 255))
    | st.builds(Graded, st.integers(0, 7), st.booleans())
    | st.builds(Counts, st.integers(1, 255))
)


@st.composite
def readouts(draw, steps: int) -> Readout:
    """Draw a readout."""
    kind = draw(st.sampled_from(list(KINDS)))
    weights = st.lists(st.integers(-99, 99), min_size=steps, max_size=steps).map(np.array)
    return readout(kind, draw(weights) if kind == "weighted-sum" else None)


@st.composite
def networks(draw) -> Network:
    """Draw a small network of any kind, without delays."""
    steps = draw(st.integers(1, 6))
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    coding, readout = draw(CODINGS), draw(readouts(steps))
    return Network(
        steps,
        sizes[0],
        coding,
        tuple(
            draw(layers(pre, post, fires=readout.needs_threshold)) for pre, post in pairwise(sizes)
        ),
        readout,
    )


@st.composite
def delayed_networks(draw, recurrent: bool = True) -> Network:
    """Draw a small network of any kind, with delays."""
    steps = draw(st.integers(1, 9))
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=3))
    coding, readout = draw(CODINGS), draw(readouts(steps))
    fires = readout.needs_threshold
    drawn = [
        draw(delayed_layers(pre, post, steps, fires, recurrent)) for pre, post in pairwise(sizes)
    ]
    return Network(steps, sizes[0], coding, tuple(drawn), readout)


@st.composite
def cases(draw, drawn: st.SearchStrategy[Network] | None = None) -> tuple[Network, np.ndarray]:
    """Draw a network, without delays unless told which, and samples for it, half of them bright."""
    network = draw(networks() if drawn is None else drawn)
    count = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    if isinstance(network.coding, Counts):
        shape = (count, draw(st.integers(1, network.steps)), network.inputs)
        return network, rng.poisson(draw(st.sampled_from([0.2, 1, 20, 400])), shape)
    samples = rng.integers(0, 256, (count, network.inputs)).astype(np.uint8)
    return network, np.where(rng.random(samples.shape) < 0.5, samples, 255)


def delayed_cases(recurrent: bool = True) -> st.SearchStrategy[tuple[Network, np.ndarray]]:
    """Draw a network with delays, and samples for it."""
    return cases(delayed_networks(recurrent))


@examples(250)
@given(cases())
def test_run_equals_law_read_slowly(case):
    """Every input, spike, membrane, count, score and decision is that of the law."""
    judge(*case)


@examples(250)
@given(delayed_cases())
def test_run_with_delays_equals_law_read_slowly(case):
    """So is it with delays of synapses or axons, several taps, and recurrence."""
    judge(*case)


def judge(network: Network, samples: np.ndarray) -> None:
    """Compare all of a run with the law."""
    run = network.run(samples, record=True)

    for n, sample in enumerate(samples):
        slow = slow_run(network, sample)
        assert slow.input == run.input[:, n].tolist()
        assert slow.spikes == [s[:, n].tolist() for s in run.spikes]
        assert slow.membranes == [h[:, n].tolist() for h in run.membranes]
        d = run.decision
        assert (slow.label, slow.step, slow.score) == (d.label[n], d.step[n], d.score[n].tolist())
        passed = [slow.input, *slow.spikes]
        assert [sum(map(sum, s)) for s in passed] == run.counts[:, n].tolist()


def same(a, b) -> bool:
    """Whether two runs decided and counted alike."""
    pairs = [(getattr(a.decision, n), getattr(b.decision, n)) for n in ("label", "step", "score")]
    return all(np.array_equal(x, y) for x, y in [*pairs, (a.counts, b.counts)])


@examples(120)
@given(cases() | delayed_cases(), st.integers(1, 4))
def test_batches_change_nothing(case, size):
    """Any batch size gives the same decisions, counts and records, in the order of the samples."""
    network, samples = case
    whole, parts = network.run(samples, record=True), network.run(samples, record=True, batch=size)

    assert same(whole, parts)
    assert np.array_equal(whole.input, parts.input)
    for name in ("spikes", "membranes"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@examples(120)
@given(cases() | delayed_cases(), st.integers(1, 4))
def test_recording_changes_nothing(case, size):
    """A run that keeps nothing decides and counts as one that keeps everything."""
    network, samples = case
    bare = network.run(samples, batch=size)

    assert same(network.run(samples, record=True), bare)
    assert (None, [], []) == (bare.input, bare.spikes, bare.membranes)


def chain(*layers: Layer, kind: str = "first-spike", **rest) -> Network:
    """Join layers over one input that comes as its value at step 0."""
    arguments = {"steps": 2, "inputs": 1, "coding": Graded(), **rest}
    return Network(layers=layers, readout=readout(kind), **arguments)


def layer(weights, threshold=None, **rest) -> Layer:
    """Make a layer without bias."""
    threshold = None if threshold is None else np.array(threshold)
    return Layer(
        Dense(np.array(weights), 8), Neuron(np.zeros(len(weights), int), threshold, **rest)
    )


def late(delay: int, back: int = 1) -> Layer:
    """Make a layer of one neuron, recurrent, with these delays."""
    one = np.array([[[1]]])
    synapses, recurrent = (Delayed(one, d * one, 2, 8) for d in (delay, back))
    return Layer(synapses, Neuron(np.array([0]), np.array([1])), recurrent)


@st.composite
def recurrent_layers(draw) -> tuple[Layer, int, np.ndarray]:
    """Draw a recurrent layer, the largest value of its input, and input."""
    pre, post, steps = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(2, 8))
    law = draw(layers(pre, post) | delayed_layers(pre, post, steps, recurrent=False))
    law = Layer(law.synapses, law.neuron, draw(synapses(post, post, steps, 1)))
    limit = draw(st.integers(1, 3))
    return law, limit, draw(arrays((steps, 3, pre), 0, limit)).astype(np.uint8)


@examples(100)
@given(recurrent_layers())
def test_unrolled_layer_is_the_same(case):
    """Given its spikes of the step before as inputs, a layer without recurrence is the same."""
    law, limit, s = case
    spikes, h = law.run(s, limit)
    back = np.concatenate([np.zeros_like(spikes[:1]), spikes[:-1]])
    unrolled = law.unrolled()

    assert unrolled.recurrent is None
    for found, expected in zip(
        unrolled.run(np.concatenate([s, back], axis=2), limit), (spikes, h), strict=True
    ):
        assert np.array_equal(found, expected)
    assert Layer(law.synapses, law.neuron).unrolled().synapses is law.synapses


def test_delays_of_layers_add_up():
    """A value at step 0 arrives at 2 and fires; that arrives in the next layer at 2 + 1, or 2."""
    for delay, steps in ((1, [3, 4]), (0, [2, 3, 4])):
        network = chain(late(2), late(delay), steps=5)
        run = network.run(np.array([[1]]), record=True)
        # Without a reset and with itself as input a neuron goes on firing.
        assert [2, 3, 4] == np.flatnonzero(run.spikes[0]).tolist()
        assert steps == np.flatnonzero(run.spikes[1]).tolist()
        # The recurrent spikes come on top: 1; 1 + 1; 2 + 1.
        assert [0, 0, 1, 2, 3] == run.membranes[0][:, 0, 0].tolist()


def test_spike_crosses_all_layers_in_one_step():
    """A value of 5 fires 5 >= 5, then 2 >= 2, both at step 0; the decision falls there."""
    network = chain(layer([[1]], [5], once=True), layer([[1], [2]], [2, 2], once=True))

    run = network.run(np.array([[5], [4]]), record=True)

    assert [[[True], [False]], [[False], [False]]] == run.spikes[0].tolist()
    assert [[1, 2], [0, 0]] == run.membranes[1][0].tolist()
    assert ([1, 0], [0, 1]) == (run.decision.label.tolist(), run.decision.step.tolist())
    assert [[5, 4], [1, 0], [1, 0]] == run.counts.tolist()


def test_tick_hears_of_every_batch():
    """Seven samples in batches of three are three, three and one."""
    heard = []
    chain(layer([[1]], [5])).run(np.zeros((7, 1), int), batch=3, tick=heard.append)

    assert [3, 3, 1] == heard


def test_shape_and_declarations():
    """The shape counts inputs and neurons; a layer declares what its source does."""
    network = chain(layer([[1], [1]], [5, 5], once=True), layer([[1, 1]], [2]), layer([[1]], [1]))

    assert ("1-2-1-1", 1) == (network.shape, network.classes)
    assert [(255, True), (1, True), (1, False)] == network.declared()


def test_accuracy_is_share_of_hits():
    """Two of four."""
    assert 0.5 == accuracy(np.array([1, 2, 3, 4]), np.array([1, 0, 3, 0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: chain(layer([[1]], [1]), steps=0), "Network steps must be in 1..32768, not 0"),
        (
            lambda: chain(layer([[1]], [1]), steps=32769),
            "Network steps must be in 1..32768, not 32769",
        ),
        (
            lambda: chain(layer([[1]], [1]), steps="2"),
            "Network steps must be an integer in 1..32768, not '2'",
        ),
        (
            lambda: chain(layer([[1]], [1]), steps=2.0),
            "Network steps must be an integer in 1..32768, not 2.0",
        ),
        (
            lambda: chain(layer([[1]], [1]), steps=True),
            "Network steps must be an integer in 1..32768, not True",
        ),
        (
            lambda: chain(layer([[1]], [1]), inputs=0),
            "Network inputs must be in 1..16777216, not 0",
        ),
        (
            lambda: chain(layer([[1]], [1]), inputs=1.0),
            "Network inputs must be an integer in 1..16777216, not 1.0",
        ),
        (lambda: chain(), "Network must have at least one layer"),
        (
            lambda: chain(layer([[1, 1]], [1])),
            "Layer 0 must take 1 inputs, as what comes before it gives, not 2",
        ),
        (
            lambda: chain(layer([[1]], [1]), layer([[1, 1]], [1])),
            "Layer 1 must take 1 inputs, as what comes before it gives, not 2",
        ),
        (lambda: chain(layer([[1]])), "Readout first-spike must follow neurons with a threshold"),
        (
            lambda: chain(layer([[1]]), kind="spikes"),
            "Readout spikes must follow neurons with a threshold",
        ),
        (
            lambda: chain(layer([[1]]), kind="spike-count"),
            "Readout spike-count must follow neurons with a threshold",
        ),
        (
            lambda: Network(2, 1, Graded(), (layer([[1]]),), WeightedSum(np.array([1, 2, 3]))),
            "Readout weights must number 2, one per step, not 3",
        ),
        (
            lambda: chain(layer([[1]], [1]), late(2)),
            "Layer 1 delays must be below the 2 steps of the network, not 2",
        ),
        (
            lambda: chain(late(2, 7), steps=5),
            "Layer 0 recurrent delays must be below the 5 steps of the network, not 7",
        ),
        (
            lambda: Layer(Dense(np.array([[1]]), 2), Neuron(np.array([0, 0]), None)),
            "Layer neurons must number 1, as its weights have rows, not 2",
        ),
        (
            # 2**15 steps of (5 * 255 * 127) << 15 each: 161925 << 30.
            lambda: chain(layer([[127] * 5], [1], shift=15), steps=1 << 15, inputs=5),
            "Layer 0 must keep its membranes below 2**47, not reach 173865644851200",
        ),
        (
            # 2**15 steps of (4 * 255 * 127 + 12 * 128) << 15 each: 131076 << 30.
            lambda: chain(
                Layer(
                    Delayed(np.full((1, 1, 4), 127), np.zeros((1, 1, 4), int), 8, 1),
                    Neuron(np.array([0]), np.array([1]), shift=15),
                    Delayed(np.full((1, 1, 12), -128), np.ones((1, 1, 12), int), 8, 2),
                ),
                steps=1 << 15,
            ),
            "Layer 0 must keep its membranes below 2**47, not reach 140741783322624",
        ),
        (
            # 2**14 steps of (4 * 255 * 127) << 15 each, times weights of 2**31 - 1 at every step.
            lambda: Network(
                1 << 14,
                4,
                Graded(),
                (layer([[127] * 4], [1], shift=15),),
                WeightedSum(np.full(1 << 14, (1 << 31) - 1)),
            ),
            "Readout weights must keep scores below 2**63, not reach 2446941415624289473831895040",
        ),
        (
            lambda: chain(layer([[1]], [1])).run(np.zeros((0, 1), int)),
            "Samples must number at least one, not 0",
        ),
    ],
)
def test_wrong_network_is_refused(make, message):
    """Numbers out of range, layers that do not fit and readouts that cannot read are refused."""
    with pytest.raises(Refused) as refused:
        make()

    assert message == str(refused.value)
