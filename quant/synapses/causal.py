"""Trainable twin of model/synapses/causal.py: a kernel of integers that also sees the steps before.

A row of the matrix of dense.py is what one output sees in all of these steps, as in conv.py.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from ...model.check import choice, flag, integer
from ...model.maps import Map, pair
from ...model.synapses import causal as golden
from ...model.synapses.conv import LARGEST
from ...model.synapses.delayed import WINDOW
from ...model.synapses.local import grouped
from .conv import convolved, of_channels
from .dense import STANDARDISE, Dense, width
from .synapses import Feedback, Synapses

__all__ = ["Causal", "Conv3d"]


class Causal(Synapses):
    """A trainable kernel that has steps.

    Parameters
    ----------
    before : Map
    out : int
        Output channels.
    kernel : (steps, rows, columns)
    stride, padding : (rows, columns)
    dilation : (steps, rows, columns)
    groups, bits, steps : int
    standardise, gain : as of `Dense`
    """

    def __init__(
        self,
        before: Map,
        out: int,
        kernel: tuple[int, int, int],
        bits: int,
        steps: int,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int, int] = (1, 1, 1),
        groups: int = 1,
        standardise: str = "row",
        gain: bool = True,
    ) -> None:
        super().__init__()
        self.before, self.bits = before, bits
        self.shape = out, before.channels // groups, *kernel
        self.how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        law = golden.Causal(np.zeros(self.shape, np.int8), bits, before.shape, **self.how)
        self.after, self.ago, self.window = law.after, list(law.delays), law.latest + 1
        self.pre, self.post = before.size, self.after.size
        seen = int(np.prod(self.shape[1:]))
        self.matrix = Dense(seen, out, bits, steps, standardise=standardise, gain=gain)

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make that of a frozen kernel."""
        out, _, ago, rows, columns = law.weights.shape
        how: dict[str, Any] = {
            name: getattr(law, name) for name in ("stride", "padding", "dilation", "groups")
        }
        kernel = (ago, rows, columns)
        made = cls(law.before, out, kernel, width(law), steps, **how, standardise="none")
        made.matrix.take(torch.from_numpy(law.weights.astype(np.float32)))
        return made

    @property
    def unit(self) -> float:
        """Integers that a real membrane of 1 is."""
        return self.matrix.unit

    def integers(self) -> Tensor:
        """Make the deployed weights, whole numbers (out, in / groups, steps, rows, columns)."""
        return self.matrix.integers().view(self.shape)

    def _seen(self, x: Tensor, w: Tensor) -> Tensor:
        """Convolve maps with a step of the kernel."""
        how = {**self.how, "dilation": self.how["dilation"][1:]}
        return convolved(x, w.to(x.dtype), self.before, how, self.training)

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted, delayed events (steps, samples, pre) to currents (steps, samples, post)."""
        w = self.integers()
        current = x.new_zeros(*x.shape[:-1], self.post)
        for k, delay in enumerate(self.ago):
            if delay < len(x):
                seen = self._seen(x[: len(x) - delay], w[:, :, k])
                late = seen.new_zeros(delay, *seen.shape[1:])
                current = current + torch.cat([late, seen])
        return current

    def feedback(self) -> Feedback:
        """Make the function of a loop: a convolution with the last events of each delay."""
        w = self.integers()

        def current(events: list[Tensor]) -> Tensor:
            total = torch.zeros_like(events[-1][..., :1])
            for k, delay in enumerate(self.ago):
                if delay < len(events):
                    total = total + self._seen(events[-1 - delay], w[:, :, k])
            return total

        return current

    def export(self, sign: Tensor | None = None) -> golden.Causal:
        """Freeze the kernel, each output channel's weights times its sign."""
        w = self.integers().detach()
        if sign is not None:
            w = w * of_channels("Causal", sign, len(w))[:, None, None, None, None]
        weights = w.cpu().numpy().astype(np.int64)
        return golden.Causal(weights, self.bits, self.before.shape, **self.how)


@dataclass(frozen=True, slots=True)
class Conv3d:
    """A kernel that also sees the steps before, as torch.nn.Conv3d over (steps, rows, columns).

    Its last step is the one at hand: padding before step 0 is as much as the kernel sees back, and
    there is none behind the last step, so that an output comes in every step. There is no bias.

    Parameters
    ----------
    out : int
        Output channels.
    kernel_size : int, or (steps, rows, columns)
    stride, padding : int, or (rows, columns)
        Padding is of zeros, at both ends.
    dilation : int, or (steps, rows, columns)
    groups : int
        Input and output channels are cut into this many groups, that do not meet; as many as there
        are input channels makes it depthwise.
    bits, standardise, gain : as of Linear
        A row is all weights of an output channel.
    """

    kind: ClassVar[str] = "conv3d"

    out: int
    kernel_size: int | tuple[int, int, int]
    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int, int] = 1
    groups: int = 1
    bits: int = 4
    standardise: str = "row"
    gain: bool = True

    def __post_init__(self) -> None:
        integer("Conv3d out", self.out, 1, 1 << 16)
        integer("Conv3d groups", self.groups, 1, 1 << 16)
        integer("Conv3d bits", self.bits, 2, 16)
        self._kernel()
        self._how()
        choice("Conv3d standardise", self.standardise, STANDARDISE)
        flag("Conv3d gain", self.gain)

    @property
    def least(self) -> int:
        """Smallest delay: the last step of the kernel has none."""
        return 0

    def recurrent(self) -> Self:
        """Give itself: its connection brings the delay of 1."""
        return self

    def _kernel(self) -> tuple[int, int, int]:
        return golden.triple("Conv3d kernel_size", self.kernel_size, 1, WINDOW)

    def _how(self) -> dict[str, tuple[int, ...]]:
        return {
            "stride": pair("Conv3d stride", self.stride, 1, LARGEST),
            "padding": pair("Conv3d padding", self.padding, 0, LARGEST),
            "dilation": golden.triple("Conv3d dilation", self.dilation, 1, LARGEST),
        }

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make of the one before them, if that is known."""
        if before is None:
            return None
        each = grouped("Conv3d", before, self.out, self.groups)
        none = np.zeros((self.out, each, *self._kernel()), np.int8)
        how = self._how()
        return golden.Causal(none, self.bits, before.shape, **how, groups=self.groups).after  # type: ignore[arg-type]

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Causal:
        """Make the kernel, see `SynapsesSpec`."""
        return Causal(
            before,
            self.out,
            self._kernel(),
            self.bits,
            steps,
            **self._how(),  # type: ignore[arg-type]
            groups=self.groups,
            standardise=self.standardise,
            gain=self.gain,
        )
