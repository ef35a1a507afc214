"""Neurons: courses worked by hand for every kind, and the leak over every 8-bit value."""

import numpy as np
import pytest

from spikeline.model.errors import InputError
from spikeline.model.neurons.neuron import Neuron


def course(neuron: Neuron, currents: list[int]) -> tuple[list[int], list[int], int]:
    """Run one neuron: its spikes, its membranes, and what it keeps in the end."""
    state, spikes, membranes = neuron.start(), [], []
    for current in currents:
        s, h, state = neuron.step(state, np.array([current]))
        spikes.append(int(s[0]))
        membranes.append(int(h[0]))
    return spikes, membranes, int(state.v[0])


def one(bias: int = 0, threshold: int | None = None, **rest) -> Neuron:
    """Make a layer of one neuron."""
    return Neuron(np.array([bias]), None if threshold is None else np.array([threshold]), **rest)


@pytest.mark.parametrize(
    ("neuron", "currents", "spikes", "membranes", "kept"),
    [
        # 3, 3+4=7, 7-9=-2, -2+7=5: it fires at 5 exactly (>=), and goes on firing without a reset.
        (one(0, 5), [3, 4, -9, 7], [0, 1, 0, 1], [3, 7, -2, 5], 5),
        # The second crossing stays silent, the membrane goes on.
        (one(0, 5, once=True), [5, 0, -9, 20], [1, 0, 0, 0], [5, 5, -4, 16], 16),
        # 3, 7 -> 0, 4, 4+1=5 -> 0.
        (one(0, 5, reset="zero"), [3, 4, 4, 1], [0, 1, 0, 1], [3, 7, 4, 5], 0),
        # 3, 7 -> 2, 2+12=14 -> 9, 9 -> 4.
        (one(0, 5, reset="subtract"), [3, 4, 12, 0], [0, 1, 1, 1], [3, 7, 14, 9], 4),
        # A bias of 2 in every step: 2, 4, 6; of -2: -2, -4, and +5 gives -1.
        (one(2, 5), [0, 0, 0], [0, 0, 1], [2, 4, 6], 6),
        (one(-2, 5), [0, 0, 5], [0, 0, 0], [-2, -4, -1], -1),
        # Half is kept, rounded down: 5, 5>>1=2 then +0=2, 1, 0; -5, -5>>1=-3, -2, -1, -1.
        (one(leak=(1, 1)), [5, 0, 0, 0], [0] * 4, [5, 2, 1, 0], 0),
        (one(leak=(1, 1)), [-5, 0, 0, 0, 0], [0] * 5, [-5, -3, -2, -1, -1], -1),
        # The same toward zero: -5, -2, -1, 0.
        (one(leak=(1, 1), rounding="zero"), [-5, 0, 0, 0, 0], [0] * 5, [-5, -2, -1, 0, 0], 0),
        (one(leak=(1, 1), rounding="zero"), [5, 0, 0, 0], [0] * 4, [5, 2, 1, 0], 0),
        # No memory: only current and bias.
        (one(1, leak=(0, 4)), [5, -3], [0, 0], [6, -2], -2),
        # The clamp is once per step, after everything: 9->6, 6-20=-14->-4, -4+5=1.
        (one(clamp=(-4, 6)), [9, -20, 5], [0, 0, 0], [6, -4, 1], 1),
        # It comes before the comparison: a threshold above it is never reached, one at it is.
        (one(0, 7, clamp=(-4, 6)), [9, 9], [0, 0], [6, 6], 6),
        (one(0, 6, clamp=(-4, 6), reset="subtract"), [9, 9], [1, 1], [6, 6], 0),
        # Leak first, then integrate: (10 * 3) >> 2 = 7, 7+1=8 fires and resets, 0+3=3.
        (one(0, 8, leak=(3, 2), reset="zero"), [7, 4, 3], [0, 1, 0], [7, 9, 3], 3),
    ],
)
def test_course_by_hand(neuron, currents, spikes, membranes, kept):
    """Spikes, membranes before reset and the value kept are those worked out beside each case."""
    assert (spikes, membranes, kept) == course(neuron, currents)


def test_decay_of_every_byte_rounds_toward_minus_infinity():
    """decay(v) is the floor of v * m / 2**k for every 8-bit v and every (m, k) with k <= 7."""
    v = np.arange(-128, 128)
    for k in range(8):
        for m in range((1 << k) + 1):
            decayed = one(leak=(m, k)).decay(v).tolist()
            assert [(x * m) // 2**k for x in range(-128, 128)] == decayed


def test_decay_of_every_byte_rounds_toward_zero_where_declared():
    """Then it is the whole part of v * m / 2**k, so that v and -v decay alike."""
    v = np.arange(-128, 128)
    for k in range(8):
        for m in range((1 << k) + 1):
            decayed = one(leak=(m, k), rounding="zero").decay(v).tolist()
            assert [int(x * m / 2**k) for x in range(-128, 128)] == decayed


def test_small_negative_values_never_decay():
    """Rounded down, with 15/16 the values -1 to -15 stand still, -16 becomes -15; 15 reaches 0."""
    neuron = one(leak=(15, 4))

    assert list(range(-15, 1)) == neuron.decay(np.arange(-15, 1)).tolist()
    assert [-15, 14, 0] == neuron.decay(np.array([-16, 15, 1])).tolist()
    v = np.array(127)
    for _ in range(200):
        v = neuron.decay(v)
    assert 0 == v


@pytest.mark.parametrize(
    ("leak", "leaks"), [((1, 0), False), ((16, 4), False), ((15, 4), True), ((0, 0), True)]
)
def test_leak_of_one_leaks_nothing(leak, leaks):
    """m = 2**k keeps every value."""
    assert leaks == one(leak=leak).leaks
    assert leaks == (one(leak=leak).decay(np.array(100)) != 100)


def test_neurons_of_a_layer_are_independent():
    """Each neuron has its own bias, threshold and fired bit, and each sample its own state."""
    neuron = Neuron(np.array([0, 1]), np.array([2, 3]), once=True)
    state = neuron.start(2)

    s, h, state = neuron.step(state, np.array([[2, 2], [0, 0]]))
    assert ([[True, True], [False, False]], [[2, 3], [0, 1]]) == (s.tolist(), h.tolist())
    s, h, state = neuron.step(state, np.array([[0, 0], [2, 0]]))
    assert ([[False, False], [True, False]], [[2, 4], [2, 2]]) == (s.tolist(), h.tolist())
    assert [[True, True], [True, False]] == state.fired.tolist()


def test_step_leaves_its_arguments_alone():
    """State goes in and comes out; neither it nor the current is changed in place."""
    neuron = one(1, 2, reset="zero", clamp=(-9, 9))
    state, current = neuron.start(1), np.array([[5]])

    neuron.step(state, current)

    assert ([[0]], [[False]], [[5]]) == (state.v.tolist(), state.fired.tolist(), current.tolist())


INTS = "signed integers of shape (channels,)"
LEAK = "Neuron leak must be a multiplier in 0..2**k and a shift k in 0..15"
ONCE = "A neuron that fires once must have a threshold and no reset"
RANGE32 = "-2147483648..2147483647 to fit 32 bits"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": [1, 0]}, "Neuron threshold must be at least 1, not 0"),
        ({"threshold": [-7, 1]}, "Neuron threshold must be at least 1, not -7"),
        (
            {"threshold": [1]},
            "Neuron threshold must have the shape (2,) of the bias, not (1,)",
        ),
        ({"threshold": [1.0, 1.0]}, f"Neuron threshold must be {INTS}, not float64 (2,)"),
        ({"threshold": [1, 1 << 32]}, f"Neuron threshold must be in {RANGE32}, not 4294967296"),
        ({"bias": [0, 1 << 31]}, f"Neuron bias must be in {RANGE32}, not 2147483648"),
        ({"bias": [0, np.nan]}, f"Neuron bias must be {INTS}, not float64 (2,)"),
        ({"bias": [[0, 0]]}, f"Neuron bias must be {INTS}, not int64 (1, 2)"),
        ({"bias": np.zeros(0, int)}, f"Neuron bias must be {INTS}, not int64 (0,)"),
        ({"leak": (17, 4)}, f"{LEAK}, not (17, 4)"),
        ({"leak": (-1, 4)}, f"{LEAK}, not (-1, 4)"),
        ({"leak": (1, 16)}, f"{LEAK}, not (1, 16)"),
        ({"leak": (0, -1)}, f"{LEAK}, not (0, -1)"),
        ({"leak": (1, 0, 0)}, "Neuron leak must be two integers, not (1, 0, 0)"),
        ({"leak": (0.5, 1)}, "Neuron leak must be two integers, not (0.5, 1)"),
        ({"leak": "10"}, "Neuron leak must be two integers, not '10'"),
        ({"leak": 1}, "Neuron leak must be two integers, not 1"),
        ({"leak": (True, 0)}, "Neuron leak must be two integers, not (True, 0)"),
        ({"rounding": "up"}, "Neuron rounding must be one of floor, zero, not 'up'"),
        ({"rounding": None}, "Neuron rounding must be one of floor, zero, not None"),
        ({"rounding": True}, "Neuron rounding must be one of floor, zero, not True"),
        ({"clamp": (1, 5)}, "Neuron clamp must hold 0 and fit 32 bits, not (1, 5)"),
        ({"clamp": (-5, -1)}, "Neuron clamp must hold 0 and fit 32 bits, not (-5, -1)"),
        (
            {"clamp": (0, 1 << 31)},
            "Neuron clamp must hold 0 and fit 32 bits, not (0, 2147483648)",
        ),
        ({"clamp": (-1, float("inf"))}, "Neuron clamp must be two integers, not (-1, inf)"),
        ({"clamp": []}, "Neuron clamp must be two integers, not []"),
        ({"reset": "soft"}, "Neuron reset must be one of none, zero, subtract, not 'soft'"),
        ({"reset": None}, "Neuron reset must be one of none, zero, subtract, not None"),
        ({"once": 1}, "Neuron once must be true or false, not 1"),
        ({"once": True, "reset": "zero"}, ONCE),
        ({"once": True, "threshold": None}, ONCE),
    ],
)
def test_wrong_neuron_is_refused(arguments, message):
    """Every parameter outside its range, of another type or against another one is refused."""
    arguments = {"bias": [0, 0], "threshold": [1, 1], **arguments}
    for name in ("bias", "threshold"):
        arguments[name] = None if arguments[name] is None else np.asarray(arguments[name])

    with pytest.raises(InputError) as refused:
        Neuron(**arguments)

    assert message == str(refused.value)
