"""Readouts: every tie, worked by hand."""

import numpy as np
import pytest

from spikeline.model.errors import InputError
from spikeline.model.readouts import KINDS, readout
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.first_spike import FirstSpike
from spikeline.model.readouts.max_membrane import MaxMembrane
from spikeline.model.readouts.membranes import Membranes
from spikeline.model.readouts.protocol import Readout
from spikeline.model.readouts.spike_count import SpikeCount
from spikeline.model.readouts.spikes import Spikes
from spikeline.model.readouts.weighted_sum import WeightedSum


def decide(readout: Readout, h: list[list[int]], s: list[list[int]] | None = None):
    """Decide one sample from h and s (steps, classes): label, step, score."""
    membranes = np.array(h)[:, None]
    spikes = np.zeros(membranes.shape, bool) if s is None else np.array(s, bool)[:, None]
    d = readout.decide(spikes, membranes)
    return int(d.label[0]), int(d.step[0]), d.score[0].tolist()


@pytest.mark.parametrize(
    ("s", "h", "label", "step", "score"),
    [
        # The earliest step wins, though class 0 stands higher at that step and in the end.
        ([[0, 0], [0, 1], [1, 1]], [[9, 0], [9, 4], [9, 4]], 1, 1, [9, 4]),
        # Two at one step: the higher membrane at that step, though the other ends higher.
        ([[1, 1], [0, 0]], [[5, 6], [50, 7]], 1, 0, [5, 6]),
        # Two at one step, equal there: the lower index, though the other ends higher.
        ([[0, 1, 1], [0, 0, 0]], [[9, 6, 6], [0, 6, 7]], 1, 0, [9, 6, 6]),
        # Negative membranes of the others do not disturb; one class alone spikes with the lowest.
        ([[0, 0, 1]], [[-1, 3, 1]], 2, 0, [-1, 3, 1]),
        # Nobody fires: the largest final membrane, though another stood higher before.
        ([[0, 0], [0, 0]], [[9, 0], [1, 2]], 1, 1, [1, 2]),
        # Nobody fires and the final membranes are equal: the lowest index.
        ([[0, 0, 0], [0, 0, 0]], [[0, 0, 0], [-3, -2, -2]], 1, 1, [-3, -2, -2]),
        # A spike at the last step of all still counts.
        ([[0, 0], [1, 0]], [[0, 0], [1, 2]], 0, 1, [1, 2]),
    ],
    ids=[
        "earliest",
        "membrane_then",
        "index",
        "only_spiking",
        "nobody",
        "nobody_tied",
        "last_step",
    ],
)
def test_first_spike_by_hand(s, h, label, step, score):
    """Earliest step, then membrane at that step, then index; without a spike the final membrane."""
    assert (label, step, score) == decide(FirstSpike(), h, s)


def test_weighted_sum_by_hand():
    """Weights 4, 2, -1 give class 0: 4*1 + 2*5 - 9 = 5 and class 1: 4*2 + 2*0 + 3 = 11."""
    readout = WeightedSum(np.array([4, 2, -1]))

    assert (1, 2, [5, 11]) == decide(readout, [[1, 2], [5, 0], [9, -3]])
    # Equal sums: 4 * 1 + 2 * 0 = 4 * 0 + 2 * 2; the lowest index.
    assert (0, 2, [4, 4]) == decide(readout, [[1, 0], [0, 2], [0, 0]])


def test_spike_count_by_hand():
    """Two spikes beat one whatever the membranes; equal counts go to the lowest index."""
    readout = SpikeCount()

    assert (1, 2, [1, 2, 2]) == decide(readout, [[9, 0, 1]] * 3, [[1, 0, 1], [0, 1, 0], [0, 1, 1]])
    assert (0, 0, [0, 0]) == decide(readout, [[0, 5]])


def test_max_membrane_by_hand():
    """The highest membrane of any step wins, though another class ends higher; ties go low."""
    readout = MaxMembrane()

    assert (1, 2, [7, 8]) == decide(readout, [[0, 8], [0, 0], [7, 0]])
    assert (0, 1, [8, 8]) == decide(readout, [[0, 8], [8, 0]])
    assert (1, 1, [-2, -1]) == decide(readout, [[-2, -3], [-4, -1]])


def test_final_membrane_by_hand():
    """Only the last step counts; ties go low."""
    readout = FinalMembrane()

    assert (1, 1, [1, 2]) == decide(readout, [[9, 0], [1, 2]])
    assert (0, 1, [2, 2]) == decide(readout, [[0, 9], [2, 2]])


def test_spikes_by_hand():
    """No class; the number of spikes of each neuron, at the last step."""
    spikes = [[1, 0, 1], [0, 0, 1]]

    assert (-1, 1, [1, 0, 2]) == decide(Spikes(), [[9, 0, 1]] * 2, spikes)


def test_membranes_by_hand():
    """No class; the membranes of the last step, whoever spikes."""
    assert (-1, 1, [-3, 2]) == decide(Membranes(), [[9, 0], [-3, 2]], [[1, 0], [0, 0]])


def test_samples_are_decided_apart():
    """Each sample of a batch has its own step of decision."""
    s = np.zeros((3, 3, 2), bool)  # (steps, samples, classes)
    s[2, 0, 1] = s[0, 1, 0] = True
    h = np.arange(18).reshape(3, 3, 2)

    d = FirstSpike().decide(s, h)

    assert ([1, 0, 1], [2, 0, 2]) == (d.label.tolist(), d.step.tolist())
    assert [[12, 13], [2, 3], [16, 17]] == d.score.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_decisions_are_int64(kind):
    """Labels, steps and scores are 64-bit integers for every kind."""
    rule = readout(kind, np.array([1, 2]) if kind == "weighted-sum" else None)

    d = rule.decide(np.zeros((2, 3, 4), bool), np.zeros((2, 3, 4), np.int64))

    assert [np.int64] * 3 == [d.label.dtype, d.step.dtype, d.score.dtype]
    assert ((3,), (3,), (3, 4)) == (d.label.shape, d.step.shape, d.score.shape)
    assert (kind == "first-spike") == rule.early
    assert (kind not in ("spikes", "membranes")) == rule.classifies == (d.label >= 0).all()


INTS = "Readout weights must be signed integers of shape (steps,)"
GIVEN = "Readout weights must be given for weighted-sum and for nothing else"


@pytest.mark.parametrize(
    ("kind", "weights", "message"),
    [
        (
            "first",
            None,
            f"Readout kind must be one of {', '.join(KINDS)}, not 'first'",
        ),
        ("weighted-sum", None, GIVEN),
        ("first-spike", [1], GIVEN),
        ("weighted-sum", [1.0], f"{INTS}, not float64 (1,)"),
        ("weighted-sum", [[1]], f"{INTS}, not int64 (1, 1)"),
        (
            "weighted-sum",
            [1 << 31],
            "Readout weights must be in -2147483648..2147483647 to fit 32 bits, not 2147483648",
        ),
    ],
)
def test_wrong_readout_is_refused(kind, weights, message):
    """Unknown kinds, and weights that are missing, unwanted or no 32-bit integers are refused."""
    with pytest.raises(InputError) as refused:
        readout(kind, None if weights is None else np.array(weights))

    assert message == str(refused.value)
