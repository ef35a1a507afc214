"""Surrogates: a hard step forward, a bump of area 1 backward."""

from math import pi

import pytest
import torch

from spikeline.quant.neurons.surrogate import (
    ATan,
    Sigmoid,
    Surrogate,
    Triangle,
    floor,
    round_half_even,
    trunc,
)

KINDS = [ATan(2.0), ATan(5.0), Sigmoid(4.0), Triangle(1.0), Triangle(2.0)]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_forward_is_the_step(kind: Surrogate) -> None:
    """The comparison is `>=`: 0 is above."""
    x = torch.tensor([-1.0, -1e-30, -0.0, 0.0, 1e-30, 2.0])
    assert kind(x).tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("kind", "x", "slope"),
    [
        # (a / 2) / (1 + (pi a x / 2)^2) with a = 2: 1 at 0; 1 / (1 + pi^2 / 4) at 1/2.
        (ATan(2.0), 0.0, 1.0),
        (ATan(2.0), 0.5, 1 / (1 + pi**2 / 4)),
        # a p (1 - p) with a = 4: 4 / 4 at 0; at x = ln(3) / 4, p = 3/4, so 4 * 3/16.
        (Sigmoid(4.0), 0.0, 1.0),
        (Sigmoid(4.0), 0.27465307, 0.75),
        # a max(0, 1 - a |x|) with a = 2: 2 at 0, half of it at 1/4, 0 beyond 1/2.
        (Triangle(2.0), 0.0, 2.0),
        (Triangle(2.0), -0.25, 1.0),
        (Triangle(2.0), 0.75, 0.0),
    ],
    ids=str,
)
def test_slope_by_hand(kind: Surrogate, x: float, slope: float) -> None:
    """The gradient is the stated bump, times what comes from above."""
    v = torch.tensor([x], requires_grad=True)
    (kind(v) * 3).sum().backward()
    assert v.grad is not None and v.grad.item() == pytest.approx(3 * slope, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_area_is_one(kind: Surrogate) -> None:
    """The bump integrates to 1, so that it stands for a step of height 1."""
    x = torch.linspace(-500, 500, 400_001, dtype=torch.float64)
    assert torch.trapezoid(kind.slope(x), x).item() == pytest.approx(1, abs=2e-3)


def test_rounding_passes_the_gradient() -> None:
    """Rounding gives whole numbers, ties to even, toward minus infinity or zero; gradients pass."""
    x = torch.tensor([-2.5, -1.2, 0.5, 1.5, 2.7], requires_grad=True)
    assert round_half_even(x).tolist() == [-2, -1, 0, 2, 3]
    assert floor(x).tolist() == [-3, -2, 0, 1, 2]
    assert trunc(x).tolist() == [-2, -1, 0, 1, 2]
    (round_half_even(x) * 2 + floor(x) + trunc(x)).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [4] * 5
