"""Synapses with delays: sums and a recurrent course worked by hand, exactness, and refusals."""

import numpy as np
import pytest

from spikeline.model.errors import InputError
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense

from .builders import Law


@pytest.mark.parametrize(
    ("weights", "delays", "window", "s", "current"),
    [
        # What comes at step 0 arrives at 2, what comes at 3 and 4 would arrive at 5 and 6: lost.
        ([[[3]]], [[[2]]], 3, [[1], [0], [0], [1], [1]], [[0], [0], [3], [0], [0]]),
        # 2, then 2 - 5, then -5, then 2; its -5 would arrive at 4.
        ([[[2, -5]]], [[[0, 1]]], 2, [[1], [1], [0], [1]], [[2], [-3], [-5], [2]]),
        # Taps with the same delay add up: 3 + 4 after one step.
        ([[[3, 4]]], [[[1, 1]]], 2, [[1], [0], [1]], [[0], [7], [0]]),
        # And so does 127 + 127 + 127, beyond 8 bits.
        ([[[127, 127, 127]]], [[[1, 1, 1]]], 2, [[1], [0]], [[0], [381]]),
        # No delays: every step for itself.
        ([[[3], [-1]]], [[[0], [0]]], 1, [[1, 0], [1, 1], [0, 1]], [[3], [2], [-1]]),
        # Five delays, the last of them.
        ([[[6]]], [[[4]]], 5, [[1]] + [[0]] * 5, [[0], [0], [0], [0], [6], [0]]),
        # A delay for every synapse. Input 0 comes at 0: 1 to neuron 0 at 2, 10 to neuron 1 at 0;
        # input 1 comes at 1: 2 to neuron 0 at 1, 20 to neuron 1 at 2.
        (
            [[[1], [2]], [[10], [20]]],
            [[[2], [0]], [[0], [1]]],
            3,
            [[1, 0], [0, 1], [0, 0]],
            [[0, 10], [2, 0], [1, 20]],
        ),
        # A delay for every input: 1 and 10 at step 0 + 2, 2 and 20 at step 1 + 1.
        (
            [[[1], [2]], [[10], [20]]],
            [[[2], [1]]],
            3,
            [[1, 0], [0, 1], [0, 0]],
            [[0, 0], [0, 0], [3, 30]],
        ),
        # Counts: 255 and 2 of weight -3, and 7 of weight 2 one step later.
        (
            [[[-3, 2]]],
            [[[0, 1]]],
            4,
            [[255], [7], [2]],
            [[-765], [510 - 21], [14 - 6]],
        ),
    ],
    ids=["one", "two", "equal", "wide", "none", "five", "synaptic", "axonal", "counts"],
)
def test_current_by_hand(weights, delays, window, s, current):
    """Currents are those worked out beside each case."""
    delayed = Delayed(np.array(weights), np.array(delays), 8, window)

    found = delayed.current(np.array(s, np.uint8), 255)

    assert current == found.tolist()
    assert np.int64 == found.dtype


@pytest.mark.parametrize("taps", [1, 3])
def test_current_is_exact_beyond_float32(taps):
    """519 taps of value 255 and weight 127, all at once, give 16,807,815: odd and above 2**24."""
    shape = (1, 519 // taps, taps)
    delayed = Delayed(np.full(shape, 127), np.ones(shape, int), 8, 2)

    current = delayed.current(np.full((2, 519 // taps), 255, np.uint8), 255)

    assert 127 * 255 * 519 == 16_807_815 > 1 << 24
    assert [[0], [16_807_815]] == current.tolist()


def drawn(seed: int) -> tuple[Delayed, np.ndarray, int]:
    """Draw synapses of 4 inputs and 3 neurons, their spikes in 7 steps of 2 samples, their limit.

    Delays are of synapses or of axons, some beyond the last step.
    """
    rng = np.random.default_rng(seed)
    bits, taps, window, limit = (int(rng.integers(*x)) for x in ((2, 9), (1, 4), (1, 10), (1, 256)))
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (3, 4, taps))
    delays = rng.integers(0, window, (rng.choice([1, 3]), 4, taps))
    return Delayed(weights, delays, bits, window), rng.integers(0, limit + 1, (7, 2, 4)), limit


@pytest.mark.parametrize("seed", range(40))
def test_current_equals_slow_sum(seed):
    """Any taps and values give the sum of Python integers, for each sample alone."""
    delayed, s, limit = drawn(seed)
    w, d = delayed.weights.tolist(), np.broadcast_to(delayed.delays, delayed.weights.shape).tolist()
    slow = np.zeros((7, 2, 3), int).tolist()
    for t, n, i in np.ndindex(7, 2, 4):
        for j in range(3):
            for weight, delay in zip(w[j][i], d[j][i], strict=True):
                if t + delay < 7:
                    slow[t + delay][n][j] += weight * int(s[t, n, i])

    assert slow == delayed.current(s.astype(np.uint8), limit).tolist()
    assert [row[1] for row in slow] == delayed.current(s[:, 1].astype(np.uint8), limit).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_kernels_scatter_the_current(seed):
    """Adding each step, by kernels, to the currents that it reaches gives the current of all."""
    delayed, s, limit = drawn(seed)
    current = np.zeros((7, 2, 3), np.int64)

    for t in range(7):
        for delay, weights in delayed.kernels(7 - t):
            current[t + delay] += s[t] @ weights.T

    assert delayed.current(s.astype(np.uint8), limit).tolist() == current.tolist()


@pytest.mark.parametrize("window", [1, 6])
def test_no_delay_equals_dense(window):
    """One tap of delay 0 is a fully connected layer, in currents and over whole samples."""
    rng = np.random.default_rng(window)
    w, s = rng.integers(-8, 8, (3, 5)), rng.integers(0, 4, (6, 2, 5)).astype(np.uint8)
    dense, delayed = Dense(w, 4), Delayed(w[:, :, None], np.zeros((1, 5, 1), int), 4, window)
    neuron = Neuron(np.array([1, 0, -1]), np.array([9, 5, 7]), (7, 3), reset="zero")

    assert dense.current(s, 3).tolist() == delayed.current(s, 3).tolist()
    for one, other in zip(
        Law(dense, neuron).run(s, 3), Law(delayed, neuron).run(s, 3), strict=True
    ):
        assert one.tolist() == other.tolist()
    for synapses in (dense, delayed):
        assert (3, 5, 0, 0) == (synapses.post, synapses.pre, synapses.earliest, synapses.latest)
        ((delay, weights),) = synapses.taps()
        assert (0, w.tolist()) == (delay, weights.tolist())
        assert [(1, int(w[2, 1]), 0)] == [x for x in synapses.terms(2) if x[0] == 1]


def test_used_delays_are_those_that_arrive():
    """Of the delays 0, 3, 3 and 7, in 7 steps only 0 and 3 reach a step."""
    delayed = Delayed(np.ones((1, 2, 2), int), np.array([[[3, 0], [7, 3]]]), 2, 8)

    def used(steps: int) -> list[int]:
        return [delay for delay, _ in delayed.kernels(steps)]

    assert ([0, 3], [0, 3, 7]) == (used(7), used(8))
    assert ([0], [0, 3]) == (used(3), used(4))


def test_arrays_are_copies_of_the_stored_types():
    """Weights are 8 or 16 bits, delays 16, and changing an array afterwards changes no network."""
    w, d = np.array([[[1, 2]]], np.int8), np.array([[[0, 1023]]], np.int16)
    delayed = Delayed(w, d, np.int64(4), np.int64(1024))

    w[:] = d[:] = 0

    assert ([[[1, 2]]], [[[0, 1023]]]) == (delayed.weights.tolist(), delayed.delays.tolist())
    assert (np.int8, np.int16) == (delayed.weights.dtype, delayed.delays.dtype)
    assert (int, int) == (type(delayed.bits), type(delayed.window))
    wide = Delayed(np.array([[[-256, 255]]]), d, 9, 1)
    assert (np.int16, [[[-256, 255]]]) == (wide.weights.dtype, wide.weights.tolist())


def recurrent(weights, delays, **rest) -> tuple[Dense, Neuron, Delayed]:
    """Make a layer of one input, of weight 1 to neuron 0, that reaches the others through it."""
    back = Delayed(np.array(weights), np.array(delays), 4, 4)
    theta = np.array([2, 3])[: back.post]
    neuron = Neuron(np.zeros(back.post, int), theta, **rest)
    return Dense(np.eye(back.post, 1, dtype=int), 2), neuron, back


@pytest.mark.parametrize(
    ("layer", "s", "membranes", "spikes"),
    [
        # Neuron 0 gives 3 to neuron 1 one step later, which gives -2 back two steps later:
        # 1; 2 fires; 1, 3 fires; 2 fires; 1 - 2, 3 fires (and would be felt at 6); -1 + 1.
        (
            recurrent([[[0], [-2]], [[3], [0]]], [[[1], [2]], [[1], [1]]], reset="zero"),
            [1, 1, 1, 1, 1, 1],
            [[1, 0], [2, 0], [1, 3], [2, 0], [-1, 3], [0, 0]],
            [[0, 0], [1, 0], [0, 1], [1, 0], [0, 1], [0, 0]],
        ),
        # A neuron excites itself through two taps, by 2 after one step and by -3 after three:
        # 2 fires; 2 fires; 2 fires; 2 - 3 = -1; -1 - 3 = -4; -4 - 3.
        (
            recurrent([[[2, -3]]], [[[1, 3]]], reset="zero"),
            [2, 0, 0, 0, 0, 0],
            [[2], [2], [2], [-1], [-4], [-7]],
            [[1], [1], [1], [0], [0], [0]],
        ),
        # It fires once, and so is felt once: 2 fires; 4; 4; 4 - 3.
        (
            recurrent([[[2, -3]]], [[[1, 3]]], once=True),
            [2, 0, 0, 0],
            [[2], [4], [4], [1]],
            [[1], [0], [0], [0]],
        ),
    ],
    ids=["pair", "self", "once"],
)
def test_recurrent_course_by_hand(layer, s, membranes, spikes):
    """Membranes and spikes are those worked out beside each case, for each sample alone."""
    x = np.array([[[v], [0]] for v in s], np.uint8)

    fired, h = Law(*layer).run(x, 2)

    assert membranes == h[:, 0].tolist()
    assert spikes == fired[:, 0].astype(int).tolist()
    assert not h[:, 1].any() and not fired[:, 1].any()


WEIGHTS = "Delayed weights must be signed integers of shape (post, pre, taps)"
DELAYS = "Delayed delays must be signed integers of shape (post or 1, pre, taps)"
SHAPE = "Delayed delays must have the shape (2, 3, 1) of the weights, or (1, 3, 1)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 1}, "Delayed weight width must be in 2..16, not 1"),
        ({"bits": 17}, "Delayed weight width must be in 2..16, not 17"),
        ({"bits": 4.0}, "Delayed weight width must be an integer in 2..16, not 4.0"),
        (
            {"weights": np.full((2, 3, 1), 8)},
            "Delayed weights must be in -8..7 to fit 4 bits, not 8",
        ),
        ({"weights": np.ones((2, 3), int)}, f"{WEIGHTS}, not int64 (2, 3)"),
        ({"weights": np.ones((2, 3, 0), int)}, f"{WEIGHTS}, not int64 (2, 3, 0)"),
        ({"weights": np.ones((2, 3, 1))}, f"{WEIGHTS}, not float64 (2, 3, 1)"),
        ({"window": 0}, "Delayed window must be in 1..1024, not 0"),
        ({"window": 1025}, "Delayed window must be in 1..1024, not 1025"),
        ({"window": 4.0}, "Delayed window must be an integer in 1..1024, not 4.0"),
        ({"window": True}, "Delayed window must be an integer in 1..1024, not True"),
        ({"window": None}, "Delayed window must be an integer in 1..1024, not None"),
        ({"delays": np.ones((3, 1), int)}, f"{DELAYS}, not int64 (3, 1)"),
        ({"delays": np.ones((2, 3, 1))}, f"{DELAYS}, not float64 (2, 3, 1)"),
        ({"delays": np.ones((2, 3, 1), np.uint8)}, f"{DELAYS}, not uint8 (2, 3, 1)"),
        ({"delays": np.ones((0, 3, 1), int)}, f"{DELAYS}, not int64 (0, 3, 1)"),
        ({"delays": np.ones((3, 3, 1), int)}, f"{SHAPE}, not (3, 3, 1)"),
        ({"delays": np.ones((2, 1, 1), int)}, f"{SHAPE}, not (2, 1, 1)"),
        ({"delays": np.ones((1, 3, 2), int)}, f"{SHAPE}, not (1, 3, 2)"),
        ({"delays": np.full((1, 3, 1), -1)}, "Delayed delays must be in 0..3, not -1"),
        ({"delays": np.full((1, 3, 1), 4)}, "Delayed delays must be in 0..3, not 4"),
        ({"delays": np.full((1, 3, 1), 65536)}, "Delayed delays must be in 0..3, not 65536"),
        ({"window": 1}, "Delayed delays must be in 0..0, not 1"),
    ],
)
def test_wrong_synapses_are_refused(arguments, message):
    """Weights, windows and delays outside their range, of a wrong type or shape are refused."""
    right = {"weights": np.ones((2, 3, 1), int), "delays": np.ones((2, 3, 1), int)}

    with pytest.raises(InputError) as refused:
        Delayed(**{**right, "bits": 4, "window": 4, **arguments})

    assert message == str(refused.value)


@pytest.mark.parametrize(
    ("weights", "delays", "message"),
    [
        ((2, 3, 1), 1, "Layer layer0 must take 2 inputs, as what comes before it gives, not 3"),
        ((3, 2, 1), 1, "Layer neurons must number 3, as its weights have rows, not 2"),
        ((2, 1, 2), 1, "Layer layer0 must take 2 inputs, as what comes before it gives, not 1"),
        ((2, 2, 3), 0, "Layer layer0 recurrent delays must be at least 1, not 0"),
    ],
)
def test_wrong_recurrence_is_refused(weights, delays, message):
    """Recurrent synapses go from all neurons to all neurons, and a step later at the earliest."""
    back = Delayed(np.ones(weights, int), np.full(weights, delays), 2, 3)
    if not delays:
        back.delays[:, 1:] = 2  # one delay of 0 is enough
    layer = Dense(np.ones((2, 1), int), 2), Neuron(np.zeros(2, int), np.ones(2, int)), back

    with pytest.raises(InputError) as refused:
        Law(*layer).run(np.zeros((4, 1, 1), int), 1)

    assert message == str(refused.value)
