"""Surrogates: the step whose gradient is a bump.

    forward     s = x >= 0
    ATan        (a / 2) / (1 + (pi a x / 2)**2)
    Sigmoid     a p (1 - p), p = 1 / (1 + exp(-a x))
    Triangle    a max(0, 1 - a |x|)

Every bump has the area 1. Source of ATan: SpikingJelly (Science Advances 9(40), eadi1480).
"""

from dataclasses import dataclass
from math import pi
from typing import Any

import torch
from torch import Tensor

from ...model.check import real

__all__ = [
    "SURROGATES",
    "ATan",
    "Sigmoid",
    "Surrogate",
    "Triangle",
    "floor",
    "highest",
    "round_half_even",
    "trunc",
]


class Surrogate:
    """A step whose gradient is a bump of area 1."""

    __slots__ = ()

    def slope(self, x: Tensor) -> Tensor:
        """Take the gradient at `x`."""
        raise NotImplementedError

    def __call__(self, x: Tensor) -> Tensor:
        """Compare with 0."""
        return _Step.apply(x, self)


class _Bump(Surrogate):
    """One that `alpha` says the height of."""

    __slots__ = ()
    alpha: float

    def __post_init__(self) -> None:
        real(f"{type(self).__name__} alpha", self.alpha, 1e-6, 1e6)


@dataclass(frozen=True, slots=True)
class ATan(_Bump):
    """The derivative of an arc tangent; its tails are heavy.

    Parameters
    ----------
    alpha : float
        a; twice the height of the bump.
    """

    alpha: float = 2.0

    def slope(self, x: Tensor) -> Tensor:
        """Take the gradient at `x`."""
        return (self.alpha / 2) / (1 + (pi / 2 * self.alpha * x) ** 2)


@dataclass(frozen=True, slots=True)
class Sigmoid(_Bump):
    """The derivative of a logistic function; a quarter of `alpha` high."""

    alpha: float = 4.0

    def slope(self, x: Tensor) -> Tensor:
        """Take the gradient at `x`."""
        p = torch.sigmoid(self.alpha * x)
        return self.alpha * p * (1 - p)


@dataclass(frozen=True, slots=True)
class Triangle(_Bump):
    """A triangle as high as `alpha`, zero beyond 1 / `alpha`."""

    alpha: float = 1.0

    def slope(self, x: Tensor) -> Tensor:
        """Take the gradient at `x`."""
        return self.alpha * (1 - self.alpha * x.abs()).clamp_min(0)


SURROGATES: dict[str, type[Surrogate]] = {"atan": ATan, "sigmoid": Sigmoid, "triangle": Triangle}


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(x)
        ctx.surrogate = surrogate
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grads[0] * ctx.surrogate.slope(x), None


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, how: Any) -> Tensor:
        return how(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


def round_half_even(x: Tensor) -> Tensor:
    """Round to the nearest integer, ties to even; the gradient passes straight through."""
    return _Straight.apply(x, torch.round)


def floor(x: Tensor) -> Tensor:
    """Round toward minus infinity; the gradient passes straight through."""
    return _Straight.apply(x, torch.floor)


def trunc(x: Tensor) -> Tensor:
    """Round toward zero; the gradient passes straight through."""
    return _Straight.apply(x, torch.trunc)


class _Highest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        found, rises = x.clone(), torch.ones_like(x, dtype=torch.bool)
        for t in range(1, len(x)):
            torch.ge(x[t], found[t - 1], out=rises[t])
            torch.maximum(x[t], found[t - 1], out=found[t])
        ctx.save_for_backward(rises)
        return found

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (rises,) = ctx.saved_tensors
        # What the steps that show the same value send back is added up, and goes where it rose.
        total = grads[0].clone()
        for t in range(1, len(total)):
            total[t] += total[t - 1].masked_fill(rises[t], 0)
        for t in range(len(total) - 2, -1, -1):
            torch.where(rises[t + 1], total[t], total[t + 1], out=total[t])
        return total.masked_fill_(~rises, 0)


def highest(x: Tensor) -> Tensor:
    """Give the highest value (steps, ...) up to each step; as torch.cummax, several times as fast.

    The gradient goes to where it was reached, of equal values to the last.
    """
    return _Highest.apply(x)
