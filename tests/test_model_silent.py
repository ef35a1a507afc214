"""Samples to train with: at least one makes an event."""

import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.codings.silent import AT_ONCE, refuse_silent
from spikeline.model.errors import InputError


@pytest.mark.parametrize(
    ("coding", "shape", "low", "high", "said"),
    [
        (Latency(), (300, 6), 0, 1, "0..1, of which latency coding with floor 64"),
        (Latency(200), (3, 2, 3), 7, 199, "7..199, of which latency coding with floor 200"),
        (Latency(1), (3, 6), 0, 0, "0..0, of which latency coding with floor 1"),
        (Counts(3), (3, 4, 6), 0, 0, "0..0, of which counts coding with limit 3"),
    ],
)
def test_samples_that_make_no_event_are_refused(coding, shape, low, high, said):
    """The sentence names their range, and the floor."""
    samples = np.full(shape, high, np.uint8)
    samples.flat[0] = low
    with pytest.raises(InputError) as refused:
        refuse_silent(coding, samples, 4, 6)
    assert str(refused.value) == (
        f"Training samples must make events, not lie in {said} makes none:"
        " scale them to 0..255, or change the coding"
    )


@pytest.mark.parametrize("coding", [Latency(64), Graded(), Counts()])
def test_one_event_in_the_last_sample_is_enough(coding):
    """All samples are looked at."""
    shape = (AT_ONCE + 1, 4, 6) if coding.counted else (AT_ONCE + 1, 6)
    samples = np.zeros(shape, np.uint8)
    samples[-1, ..., -1] = 64
    refuse_silent(coding, samples, 4, 6)


def test_no_samples_are_left_to_others():
    """Nothing is told of an empty array."""
    refuse_silent(Latency(), np.zeros((0, 6), np.uint8), 4, 6)
