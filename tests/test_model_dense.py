"""Fully connected synapses: sums worked by hand, and exactness where floating point could fail."""

import numpy as np
import pytest

from spikeline.model.errors import InputError
from spikeline.model.synapses.dense import Dense

WEIGHTS = np.array([[1, -2, 3], [-8, 7, 0]])


def test_current_is_sum_of_weights_of_spiking_inputs():
    """Inputs 0 and 2 spike: 1 + 3 = 4 and -8 + 0 = -8; all spike: 2 and -1; none: 0 and 0."""
    current = Dense(WEIGHTS, 4).current(np.array([[1, 0, 1], [1, 1, 1], [0, 0, 0]], np.uint8), 1)

    assert [[4, -8], [2, -1], [0, 0]] == current.tolist()
    assert np.int64 == current.dtype


def test_current_weighs_graded_values():
    """The values 2, 5, 255 give 2 - 10 + 765 = 757 and -16 + 35 = 19."""
    current = Dense(WEIGHTS, 4).current(np.array([[2, 5, 255]], np.uint8), 255)

    assert [[757, 19]] == current.tolist()


@pytest.mark.parametrize("leading", [(3,), (2, 3), (0, 4)], ids=str)
def test_current_keeps_leading_axes(leading):
    """Only the last axis is summed over; the first one is that of the steps."""
    s = np.ones((*leading, 3), np.uint8)

    current = Dense(WEIGHTS, 4).current(s, 1)

    assert (*leading, 2) == current.shape
    assert (current == [2, -1]).all()


def test_current_is_exact_beyond_float32():
    """519 inputs of value 255 and weight 127 give 16,807,815: odd and above 2**24."""
    current = Dense(np.full((1, 519), 127), 8).current(np.full((1, 519), 255, np.uint8), 255)

    assert 127 * 255 * 519 == 16_807_815 > 1 << 24
    assert [[16_807_815]] == current.tolist()


@pytest.mark.parametrize("limit", [1, 3, 255])
@pytest.mark.parametrize("bits", range(2, 17))
def test_current_equals_slow_sum(bits, limit):
    """Weights of every width and values up to the limit give the sum of Python integers."""
    rng = np.random.default_rng(bits * 1000 + limit)
    w = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (5, 40))
    s = rng.integers(0, limit + 1, (7, 40)).astype(np.uint8)

    slow = [[sum(int(w[j, i]) * int(x[i]) for i in range(40)) for j in range(5)] for x in s]

    assert slow == Dense(w, bits).current(s, limit).tolist()


@pytest.mark.parametrize("bits", range(2, 17))
def test_weights_of_full_range_are_kept(bits):
    """The least and the greatest weight of every width fit it."""
    extremes = [[-(1 << (bits - 1)), (1 << (bits - 1)) - 1]]

    dense = Dense(np.array(extremes), bits)

    assert extremes == dense.weights.tolist()
    kind = np.int8 if bits <= 8 else np.int16
    assert (kind, 1, 2) == (dense.weights.dtype, dense.post, dense.pre)


def test_weights_are_a_copy():
    """Changing the array afterwards changes no network."""
    w = np.array([[1, 2]], np.int8)
    dense = Dense(w, 4)

    w[:] = 0

    assert [[1, 2]] == dense.weights.tolist()


@pytest.mark.parametrize(
    ("weights", "bits", "message"),
    [
        ([[8]], 4, "Dense weights must be in -8..7 to fit 4 bits, not 8"),
        ([[0, -9]], 4, "Dense weights must be in -8..7 to fit 4 bits, not -9"),
        ([[2]], 2, "Dense weights must be in -2..1 to fit 2 bits, not 2"),
        ([[256]], 8, "Dense weights must be in -128..127 to fit 8 bits, not 256"),
        ([[0]], 1, "Dense weight width must be in 2..16, not 1"),
        ([[0]], 17, "Dense weight width must be in 2..16, not 17"),
        ([[0]], True, "Dense weight width must be an integer in 2..16, not True"),
        ([[0]], 4.0, "Dense weight width must be an integer in 2..16, not 4.0"),
        ([[0]], "4", "Dense weight width must be an integer in 2..16, not '4'"),
        (
            [1, 2],
            4,
            "Dense weights must be signed integers of shape (post, pre), not int64 (2,)",
        ),
        (
            [[0.5]],
            4,
            "Dense weights must be signed integers of shape (post, pre), not float64 (1, 1)",
        ),
        (
            np.zeros((0, 3), np.int8),
            4,
            "Dense weights must be signed integers of shape (post, pre), not int8 (0, 3)",
        ),
        (
            np.zeros((1, 1), np.uint8),
            4,
            "Dense weights must be signed integers of shape (post, pre), not uint8 (1, 1)",
        ),
    ],
)
def test_wrong_weights_are_refused(weights, bits, message):
    """Weights outside their width, of a wrong type or shape, and wrong widths are refused."""
    with pytest.raises(InputError) as refused:
        Dense(np.asarray(weights), bits)

    assert message == str(refused.value)
