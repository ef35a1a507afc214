"""Losses against hand values; decisions against the model's."""

from math import exp, log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.errors import InputError
from spikeline.model.readouts import KINDS, readout
from spikeline.quant.readouts import twin
from spikeline.quant.readouts.first_spike import choose_threshold
from spikeline.quant.readouts.losses import LOSSES, crowd, loss, weighting

# Two steps, one sample, two classes; the label is class 0.
H = torch.tensor([[[1.0, 2.0]], [[4.0, 3.0]]])
S = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])
Y = torch.tensor([0])
W = torch.tensor([1.0, 0.5])


def softmax(label: float, *others: float) -> float:
    """Probability of the first of these logits."""
    return exp(label) / (exp(label) + sum(map(exp, others)))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        # Step 0: classes 1, 2 against the threshold 3; step 1: classes 4, 3 alone, weighed 1/2.
        ("hazard", -log(softmax(1, 2, 3) + softmax(3, 1, 2) * softmax(4, 3) / 2)),
        # s: class 0 at step 1, weight 1/2; class 1 at step 0, weight 1; 5 logits a spike.
        ("spikes", -log(softmax(2.5, 5))),
        # h: (1 + 4 / 2, 2 + 3 / 2) / 1.5.
        ("weighted", -log(softmax(3 / 1.5, 3.5 / 1.5))),
        ("every", (-log(softmax(1, 2)) - log(softmax(4, 3)) / 2) / 1.5),
        ("count", log(2)),
        ("final", -log(softmax(4, 3))),
        ("maximum", -log(softmax(4, 3))),
    ],
)
def test_loss_by_hand(kind: str, value: float) -> None:
    """Every loss is what its line in the docstring says."""
    got = loss(kind, S, H, Y, scale=1.0, theta=torch.tensor([3.0]), w=W)
    assert got.item() == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        # Last membranes 4, 3, halved; targets 1, 2: (1, -1/2) squared.
        ("mse", (1 + 0.25) / 2),
        # Both spike once.
        ("spikes-mse", (0 + 1) / 2),
    ],
)
def test_loss_of_targets_by_hand(kind: str, value: float) -> None:
    """Losses for what is no class take targets, one per neuron."""
    got = loss(kind, S, H, torch.tensor([[1.0, 2.0]]), scale=0.5, theta=None, w=W)
    assert got.item() == pytest.approx(value, rel=1e-5)


def test_every_loss_is_worked_by_hand() -> None:
    """The list of losses is that of the tests above."""
    tests = (test_loss_by_hand, test_loss_of_targets_by_hand)
    marks = [test.pytestmark[0] for test in tests]  # type: ignore[attr-defined]
    assert {case[0] for mark in marks for case in mark.args[1]} == set(LOSSES)


def test_weighting_by_hand() -> None:
    """Linear falls by 1 / T, exponential by gamma."""
    assert weighting("linear", 4).tolist() == [1, 0.75, 0.5, 0.25]
    assert weighting("exponential", 3, 2.0).tolist() == [1, 0.5, 0.25]
    assert weighting("even", 2).tolist() == [1, 1]


def test_names_are_refused() -> None:
    """Unknown losses and weightings are refused."""
    with pytest.raises(InputError) as error:
        weighting("steep", 4)
    assert str(error.value) == (
        "Temporal weighting must be one of even, linear, exponential, not 'steep'"
    )
    with pytest.raises(InputError) as error:
        loss("none", S, H, Y, scale=1.0, theta=None, w=W)
    assert str(error.value) == f"Loss must be one of {', '.join(LOSSES)}, not 'none'"
    with pytest.raises(InputError) as error:
        loss("hazard", S, H, Y, scale=1.0, theta=None, w=W)
    assert str(error.value) == "Loss hazard must have a threshold of the last layer"
    with pytest.raises(InputError) as error:
        loss("mse", S, H, Y, scale=1.0, theta=None, w=W)
    assert str(error.value) == "Targets must have the shape (1, 2), one per neuron, not (1,)"


@given(seed=st.integers(0, 1 << 30), kind=st.sampled_from(list(KINDS)), steps=st.integers(1, 5))
def test_decision_is_the_model(seed: int, kind: str, steps: int) -> None:
    """Small numbers, hence ties everywhere: label and step are the model's."""
    random = np.random.default_rng(seed)
    h = random.integers(-2, 3, (steps, 40, 4))
    s = random.random((steps, 40, 4)) < 0.2
    rule = readout(kind, random.integers(-1, 3, steps) if kind == "weighted-sum" else None)
    law = rule.decide(s, h)
    label, step = twin(rule).decide(torch.from_numpy(s).float(), torch.from_numpy(h).float())
    assert np.array_equal(label, law.label) and np.array_equal(step, law.step)


def test_threshold_is_chosen() -> None:
    """The earliest threshold within the steps and the slack.

    Sample 0 (label 0) is right from step 0 with a membrane of 3, sample 1 (label 1) is wrong at
    step 0 with 5 and right at step 1 with 9. Thresholds 1..3 decide both at step 0 and one
    wrongly; 4, 5 decide sample 0 at step 1, sample 1 at step 0; 6 to 9 decide both at step 1.
    """
    h = np.array([[[3, 0], [5, 0]], [[3, 0], [5, 9]]])
    y = np.array([0, 1])
    assert choose_threshold(h, y, slack=0, steps=2) == (6, 1.0, 2.0)
    assert choose_threshold(h, y, slack=0.5, steps=2) == (1, 0.5, 1.0)
    assert choose_threshold(h, y, slack=0, steps=1) == (1, 0.5, 1.0)
    assert choose_threshold(h, y, slack=0, steps=0.5) == (6, 1.0, 2.0)


def test_crowd_by_hand() -> None:
    """Spikes that wait, less the input events still to come, beyond what is spare.

    Events 5, 3, 2; spikes 4, 1, 3. From step 2 on 3 spikes and no event to come: 3. From step 1
    on 4 spikes less 2 events: 2. From step 0 on 8 less 5: 3. The largest is 3; 2 are spare.
    """
    events = torch.tensor([[5.0], [3.0], [2.0]])
    spikes = torch.zeros(3, 1, 4)
    for t, n in enumerate((4, 1, 3)):
        spikes[t, 0, :n] = 1
    assert crowd(events, [spikes], 2).item() == 1
    assert crowd(events, [spikes, spikes], 2).item() == 2
    assert crowd(events, [spikes], 5).item() == 0
