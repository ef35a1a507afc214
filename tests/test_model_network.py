"""The golden run against the law read slowly (tests/scalar.py), and what a network refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network, accuracy, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout as make_readout
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.protocol import Readout
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.values import Values

from .scalar import slow_run
from .strategies import arrays, cases, examples, neurons, taps


@examples(250)
@given(cases())
def test_run_equals_law_read_slowly(case):
    """Every input, spike, membrane, count, score and decision is that of the law."""
    judge(*case)


@examples(25)
@given(cases(small=False, most=1))
def test_run_of_a_larger_network_equals_law_read_slowly(case):
    """So it is with layers of up to 40 neurons."""
    judge(*case)


def judge(network: Network, samples: np.ndarray) -> None:
    """Compare all of a run with the law."""
    run = network.run(samples, record=True)

    assert list(network.layers) == list(run.spikes) == list(run.membranes)
    for n, sample in enumerate(samples):
        slow = slow_run(network, sample)
        assert slow.input == run.input[:, n].tolist()
        assert slow.spikes == {name: s[:, n].tolist() for name, s in run.spikes.items()}
        assert slow.membranes == {name: h[:, n].tolist() for name, h in run.membranes.items()}
        d = run.decision
        assert (slow.label, slow.step, slow.score) == (d.label[n], d.step[n], d.score[n].tolist())
        passed = {name: sum(map(sum, s)) for name, s in slow.spikes.items()}
        for name, size in network.inputs.items():
            at = network.offset(name)
            passed[name] = sum(sum(row[at : at + size]) for row in slow.input)
        assert passed == {name: count[n] for name, count in run.counts.items()}
        assert sum(map(sum, slow.input)) == run.events[n]


def same(a, b) -> bool:
    """Whether two runs decided and counted alike."""
    pairs = [(getattr(a.decision, n), getattr(b.decision, n)) for n in ("label", "step", "score")]
    pairs += [(a.counts[n], b.counts[n]) for n in a.counts]
    return a.counts.keys() == b.counts.keys() and all(np.array_equal(x, y) for x, y in pairs)


@examples(60)
@given(cases(most=5), st.integers(1, 4))
def test_batches_change_nothing(case, size):
    """Any batch size gives the same decisions, counts and records, in the order of the samples."""
    network, samples = case
    whole, parts = network.run(samples, record=True), network.run(samples, record=True, batch=size)

    assert same(whole, parts)
    assert np.array_equal(whole.input, parts.input)
    for name in ("spikes", "membranes"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[layer], other[layer]) for layer in one)


@examples(60)
@given(cases(most=5), st.integers(1, 4))
def test_recording_changes_nothing(case, size):
    """A run that keeps nothing decides and counts as one that keeps everything."""
    network, samples = case
    bare = network.run(samples, batch=size)

    assert same(network.run(samples, record=True), bare)
    assert (None, {}, {}) == (bare.input, bare.spikes, bare.membranes)


def network(
    *stack: tuple, readout: str | Readout = "first-spike", shift: int = 0, **rest
) -> Network:
    """Make a chain over one input that comes as its value at step 0; `shift` is of all currents."""
    readout = make_readout(readout) if isinstance(readout, str) else readout
    arguments = {"steps": 2, "inputs": 1, "coding": Graded(), "readout": readout, **rest}
    if not shift:
        return chain(stack=stack, **arguments)
    ((synapses, neuron, *own),) = stack
    fed = [Connection(("input",), synapses, shift=shift)]
    fed += [Connection(("layer0",), back, shift=shift) for back in own]
    arguments["inputs"] = {"input": arguments["inputs"]}
    return Network(layers={"layer0": Layer(tuple(fed), neuron)}, **arguments)


def layer(weights, threshold=None, **rest) -> tuple[Dense, Neuron]:
    """Make a layer without bias."""
    threshold = None if threshold is None else np.array(threshold)
    return Dense(np.array(weights), 8), Neuron(np.zeros(len(weights), int), threshold, **rest)


def late(delay: int, back: int = 1) -> tuple[Delayed, Neuron, Delayed]:
    """Make a layer of one neuron, recurrent, with these delays."""
    one = np.array([[[1]]])
    synapses, recurrent = (Delayed(one, d * one, 2, 8) for d in (delay, back))
    return synapses, Neuron(np.array([0]), np.array([1])), recurrent


@st.composite
def recurrent_layers(draw) -> tuple[tuple[Delayed, Neuron, Delayed], int, np.ndarray]:
    """Draw a recurrent layer, the largest value of its input, and input."""
    pre, post, steps = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(2, 8))
    synapses, neuron = draw(taps(pre, post, steps)), draw(neurons(post, fires=True))
    limit = draw(st.integers(1, 3))
    s = draw(arrays((3, steps, pre), 0, limit))
    return (synapses, neuron, draw(taps(post, post, steps, 1))), limit, s


@examples(60)
@given(recurrent_layers())
def test_unrolled_layer_is_the_same(case):
    """Given its own spikes as an input, a layer without recurrence is the same."""
    (forward, neuron, back), limit, s = case
    steps, readout = s.shape[1], FinalMembrane()
    stack = [(forward, neuron, back)]
    looped = chain(steps, forward.pre, Counts(limit), stack, readout).run(s, record=True)
    own = looped.spikes["layer0"].transpose(1, 0, 2).astype(int)
    fed = Connection(("input",), forward), Connection(("own",), back)
    inputs = {"input": forward.pre, "own": back.pre}
    unrolled = Network(steps, inputs, Counts(limit), {"layer0": Layer(fed, neuron)}, readout)

    run = unrolled.run(np.concatenate([s, own], axis=2), record=True)
    for name in ("spikes", "membranes"):
        assert np.array_equal(getattr(run, name)["layer0"], getattr(looped, name)["layer0"])


def test_delays_of_layers_add_up():
    """A value at step 0 arrives at 2 and fires; that arrives in the next layer at 2 + 1, or 2."""
    for delay, steps in ((1, [3, 4]), (0, [2, 3, 4])):
        run = network(late(2), late(delay), steps=5).run(np.array([[1]]), record=True)
        # Without a reset and with itself as input a neuron goes on firing.
        assert [2, 3, 4] == np.flatnonzero(run.spikes["layer0"]).tolist()
        assert steps == np.flatnonzero(run.spikes["layer1"]).tolist()
        # The recurrent spikes come on top: 1; 1 + 1; 2 + 1.
        assert [0, 0, 1, 2, 3] == run.membranes["layer0"][:, 0, 0].tolist()


def test_spike_crosses_all_layers_in_one_step():
    """A value of 5 fires 5 >= 5, then 2 >= 2, both at step 0; the decision falls there."""
    two = network(layer([[1]], [5], once=True), layer([[1], [2]], [2, 2], once=True))

    run = two.run(np.array([[5], [4]]), record=True)

    assert [[[True], [False]], [[False], [False]]] == run.spikes["layer0"].tolist()
    assert [[1, 2], [0, 0]] == run.membranes["layer1"][0].tolist()
    assert ([1, 0], [0, 1]) == (run.decision.label.tolist(), run.decision.step.tolist())
    counts = {name: count.tolist() for name, count in run.counts.items()}
    assert {"input": [5, 4], "layer0": [1, 0], "layer1": [1, 0]} == counts


def test_tick_hears_of_every_batch():
    """Seven samples in batches of three are three, three and one."""
    heard = []
    network(layer([[1]], [5])).run(np.zeros((7, 1), int), batch=3, on_progress=heard.append)

    assert [3, 3, 1] == heard


def test_shape_and_declarations():
    """The shape counts inputs and neurons; a connection declares what its source does."""
    three = network(layer([[1], [1]], [5, 5], once=True), layer([[1, 1]], [2]), layer([[1]], [1]))

    assert ("1-2-1-1", 1, 1) == (three.shape, three.classes, three.width)
    declared = [three.values(x.connections[0]) for x in three.layers.values()]
    assert [Values(255, 255), Values(1, 1), Values(1, None)] == declared


def test_accuracy_is_share_of_hits():
    """Two of four."""
    assert 0.5 == accuracy(np.array([1, 2, 3, 4]), np.array([1, 0, 3, 0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(layer([[1]], [1]), steps=0), "Network steps must be in 1..32768, not 0"),
        (
            lambda: network(layer([[1]], [1]), steps=32769),
            "Network steps must be in 1..32768, not 32769",
        ),
        (
            lambda: network(layer([[1]], [1]), steps="2"),
            "Network steps must be an integer in 1..32768, not '2'",
        ),
        (
            lambda: network(layer([[1]], [1]), steps=2.0),
            "Network steps must be an integer in 1..32768, not 2.0",
        ),
        (
            lambda: network(layer([[1]], [1]), steps=True),
            "Network steps must be an integer in 1..32768, not True",
        ),
        (
            lambda: network(layer([[1]], [1]), inputs=0),
            "Network input input must be in 1..16777216, not 0",
        ),
        (
            lambda: network(layer([[1]], [1]), inputs=1.0),
            "Network input input must be an integer in 1..16777216, not 1.0",
        ),
        (lambda: network(), "Network must have at least one layer"),
        (
            lambda: network(layer([[1, 1]], [1])),
            "Layer layer0 must take 1 inputs, as what comes before it gives, not 2",
        ),
        (
            lambda: network(layer([[1]], [1]), layer([[1, 1]], [1])),
            "Layer layer1 must take 1 inputs, as what comes before it gives, not 2",
        ),
        (lambda: network(layer([[1]])), "Readout first-spike must follow neurons with a threshold"),
        (
            lambda: network(layer([[1]]), readout="spike-count"),
            "Readout spike-count must follow neurons with a threshold",
        ),
        (
            lambda: network(layer([[1]]), readout=WeightedSum(np.array([1, 2, 3]))),
            "Readout weights must number 2, one per step, not 3",
        ),
        (
            lambda: network(layer([[1]], [1]), late(2)),
            "Layer layer1 delays must be below the 2 steps of the network, not 2",
        ),
        (
            lambda: network(late(2, 7), steps=5),
            "Layer layer0 recurrent delays must be below the 5 steps of the network, not 7",
        ),
        (
            lambda: network((Dense(np.array([[1]]), 2), Neuron(np.array([0, 0]), None))),
            "Layer neurons must number 1, as its weights have rows, not 2",
        ),
        (
            # 2**15 steps of (5 * 255 * 127) << 15 each: 161925 << 30.
            lambda: network(layer([[127] * 5], [1]), steps=1 << 15, inputs=5, shift=15),
            "Layer layer0 must keep its membranes below 2**47, not reach 173865644851200",
        ),
        (
            # 2**15 steps of (4 * 255 * 127 + 13 * 127) << 15 each: 131191 << 30.
            lambda: network(
                (
                    Delayed(np.full((1, 1, 4), 127), np.zeros((1, 1, 4), int), 8, 1),
                    Neuron(np.array([0]), np.array([1])),
                    Delayed(np.full((1, 1, 13), 127), np.ones((1, 1, 13), int), 8, 2),
                ),
                steps=1 << 15,
                shift=15,
            ),
            "Layer layer0 must keep its membranes below 2**47, not reach 140865263632384",
        ),
        (
            # 2**14 steps of (4 * 255 * 127) << 15 each, times weights of 2**31 - 1 at every step.
            lambda: network(
                layer([[127] * 4], [1]),
                steps=1 << 14,
                inputs=4,
                shift=15,
                readout=WeightedSum(np.full(1 << 14, (1 << 31) - 1)),
            ),
            "Readout weights must keep scores below 2**63, not reach 2446941415624289473831895040",
        ),
        (
            lambda: network(layer([[1]], [1])).run(np.zeros((0, 1), int)),
            "Samples must number at least one, not 0",
        ),
    ],
)
def test_wrong_network_is_refused(make, message):
    """Numbers out of range, layers that do not fit and readouts that cannot read are refused."""
    with pytest.raises(InputError) as refused:
        make()

    assert message == str(refused.value)
