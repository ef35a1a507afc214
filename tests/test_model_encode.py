"""Input coding: the formulas over every pixel value, and what is refused."""

import numpy as np
import pytest

from spikeline.model.codings import KINDS
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.codings.pixels import pixels
from spikeline.model.errors import InputError
from spikeline.model.values import Values

PIXELS = np.arange(256, dtype=np.uint8)[:, None]


def test_latency_of_pixels_by_hand():
    """With floor 64 and 8 steps, pixel 255 fires at 0, 231 at 192 // 192 = 1, 64 at 7, 63 never."""
    s = Latency(64).encode(np.array([[255, 232, 231, 64, 63, 0]]), 8, 6)

    # 232: 23 * 8 // 192 = 184 // 192 = 0; 64: 191 * 8 // 192 = 1528 // 192 = 7.
    assert (8, 1, 6) == s.shape
    assert [(0, 0), (0, 1), (1, 2), (7, 3)] == [(t, i) for t, _, i in np.argwhere(s).tolist()]
    assert np.uint8 == s.dtype


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8, 16, 100, 255, 256, 300])
@pytest.mark.parametrize("floor", [1, 2, 63, 64, 128, 200, 254, 255])
def test_latency_of_every_pixel_follows_formula(floor, steps):
    """A pixel from the floor on fires once, at its step; a darker one never before a brighter."""
    s = Latency(floor).encode(PIXELS, steps, 1)[:, :, 0]

    for p in range(256):
        expected = [
            int(p >= floor and t == ((255 - p) * steps) // (256 - floor)) for t in range(steps)
        ]
        assert expected == s[:, p].tolist()
        assert int(p >= floor) == sum(expected)
    table = Latency(floor).table(steps).tolist()
    assert sorted(table, reverse=True) == table
    assert (0, steps) == (table[255], table[floor - 1])


@pytest.mark.parametrize("every", [False, True], ids=["once", "every"])
@pytest.mark.parametrize("shift", range(8))
def test_graded_value_of_every_pixel_is_shifted(shift, every):
    """The value p // 2**shift comes at step 0, and again at every later step only if declared."""
    coding = Graded(shift, every)
    s = coding.encode(PIXELS, 3, 1)[:, :, 0]

    values = [p // 2**shift for p in range(256)]
    later = values if every else [0] * 256
    assert [values, later, later] == s.tolist()
    largest = 255 // 2**shift
    assert Values(largest, None if every else largest, every) == coding.values


def test_counts_are_clipped_and_padded():
    """Counts above the limit are clipped, missing steps are zero, and time comes to the front."""
    samples = np.array([[[0, 1], [2, 9]], [[300, 3], [4, 0]]])  # (samples, steps, inputs)

    s = Counts(3).encode(samples, 3, 2)

    assert [[[0, 1], [3, 3]], [[2, 3], [3, 0]], [[0, 0], [0, 0]]] == s.tolist()
    assert (np.uint8, Values(3, None)) == (s.dtype, Counts(3).values)


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int16", "uint64", "int64"])
def test_counts_take_every_integer_type(kind):
    """A count of 1 below a limit of 255 is 1 in whatever type it comes."""
    assert [[[1]]] == Counts(255).encode(np.ones((1, 1, 1), kind), 1, 1).tolist()


@pytest.mark.parametrize(
    "coding", [Latency(7), Graded(2), Graded(3, every=True), Counts(5)], ids=repr
)
def test_declaration_holds(coding):
    """No value exceeds the limit, and no sum over the steps the total."""
    rng = np.random.default_rng(5)
    shape = (20, 6, 9) if isinstance(coding, Counts) else (20, 9)

    s = coding.encode(rng.integers(0, 256, shape), 6, 9)

    limit, total = coding.values.limit, coding.values.total
    assert s.max() == limit
    assert (s.sum(axis=0, dtype=int).max() <= limit) == (total is not None)
    assert total in (None, limit)


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int64", "float32", "float64"])
def test_pixels_take_whole_numbers_of_every_type(kind):
    """Whole numbers are the same pixels in whatever type they come, and rows are flattened."""
    rows = pixels(np.array([[[0, 1], [1, 0]]], kind), 4)

    assert [[0, 1, 1, 0]] == rows.tolist()
    assert np.uint8 == rows.dtype


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([[np.nan, 0]], "Pixels must be whole numbers in 0..255, not nan"),
        ([[0, np.inf]], "Pixels must be whole numbers in 0..255, not inf"),
        ([[0, -1]], "Pixels must be whole numbers in 0..255, not -1"),
        ([[256, 0]], "Pixels must be whole numbers in 0..255, not 256"),
        ([[0, 0.5]], "Pixels must be whole numbers in 0..255, not 0.5"),
        ([["a", "b"]], "Samples must be numbers, not <U1"),
        ([[1j, 0]], "Samples must be numbers, not complex128"),
        ([[0, 0, 0]], "Samples must have the shape (samples, 2), not (1, 3)"),
        ([0, 0], "Samples must have the shape (samples, 2), not (2,)"),
    ],
)
@pytest.mark.parametrize("coding", [Latency(), Graded()], ids=["latency", "graded"])
def test_wrong_pixels_are_refused(coding, samples, message):
    """What is no whole number in 0..255, or not of the network's size, is refused."""
    with pytest.raises(InputError) as refused:
        coding.encode(np.array(samples), 4, 2)

    assert message == str(refused.value)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.full((1, 2, 2), -1), "Counts must be non-negative integers"),
        (np.zeros((1, 2, 2)), "Counts must be non-negative integers"),
        (
            np.zeros((1, 4, 2), int),
            "Samples must have the shape (samples, up to 3, 2), not (1, 4, 2)",
        ),
        (
            np.zeros((1, 3, 1), int),
            "Samples must have the shape (samples, up to 3, 2), not (1, 3, 1)",
        ),
        (np.zeros((3, 2), int), "Samples must have the shape (samples, up to 3, 2), not (3, 2)"),
    ],
)
def test_wrong_counts_are_refused(samples, message):
    """Negative or fractional counts and counts of the wrong shape are refused."""
    with pytest.raises(InputError) as refused:
        Counts().encode(samples, 3, 2)

    assert message == str(refused.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Latency(0), "Latency floor must be in 1..255, not 0"),
        (lambda: Latency(-1), "Latency floor must be in 1..255, not -1"),
        (lambda: Latency(256), "Latency floor must be in 1..255, not 256"),
        (lambda: Latency(64.0), "Latency floor must be an integer in 1..255, not 64.0"),
        (lambda: Latency(True), "Latency floor must be an integer in 1..255, not True"),
        (lambda: Graded(-1), "Graded shift must be in 0..7, not -1"),
        (lambda: Graded(8), "Graded shift must be in 0..7, not 8"),
        (lambda: Graded("1"), "Graded shift must be an integer in 0..7, not '1'"),
        (lambda: Graded(0, 1), "Graded every must be true or false, not 1"),
        (lambda: Counts(0), "Counts limit must be in 1..255, not 0"),
        (lambda: Counts(256), "Counts limit must be in 1..255, not 256"),
        (lambda: Counts(None), "Counts limit must be an integer in 1..255, not None"),
    ],
)
def test_wrong_coding_is_refused(make, message):
    """Parameters outside their range or of another type are refused."""
    with pytest.raises(InputError) as refused:
        make()

    assert message == str(refused.value)


def test_kinds_are_found_by_name():
    """The table leads from a name to the class that has it."""
    assert {"latency": Latency, "graded": Graded, "counts": Counts} == KINDS
    assert all(name == kind.kind for name, kind in KINDS.items())
