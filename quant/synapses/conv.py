"""Trainable twin of model/synapses/conv.py: a kernel of integers in the forward.

A row of the matrix of dense.py is what one output sees: all weights of an output channel. So
standardisation, gain, initialisation and unit are those of dense.py with that many inputs.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ...model.check import choice, flag, integer
from ...model.errors import InputError
from ...model.maps import Map, pair
from ...model.synapses import conv as golden
from ...model.synapses.local import grouped
from .dense import STANDARDISE, Dense, width
from .synapses import Feedback, Synapses

__all__ = ["Conv", "Conv1d", "Conv2d", "convolved", "of_channels"]


def convolved(x: Tensor, w: Tensor, before: Map, how: dict[str, Any], training: bool) -> Tensor:
    """Convolve maps.

    Parameters
    ----------
    x : (..., inputs)
        Whole numbers, of a map.
    w : (out, in / groups, rows, columns)
    before : Map
    how : dict
        Further arguments of torch.nn.functional.conv2d; ``stride`` is among them.
    training : bool
        Whether speed counts; what is computed is the same.

    Returns
    -------
    (..., outputs)
    """
    maps = x.reshape(-1, before.rows, before.columns, before.channels).permute(0, 3, 1, 2)
    # In float32 torch (2.13, oneDNN) adds wrongly for some strides of maps with one channel.
    kind = x.dtype if training and how["stride"] == (1, 1) else torch.float64
    current = nn.functional.conv2d(maps.to(kind), w.to(kind), **how).to(x.dtype)
    return current.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)


def of_channels(name: str, sign: Tensor, out: int) -> Tensor:
    """Check that the signs of a normalisation are those of the `out` output channels."""
    if len(sign) != out:
        raise InputError(
            f"{name} must feed neurons of {out} channels to be normalised, not of {len(sign)}"
        )
    return sign


class Conv(Synapses):
    """A trainable kernel.

    Parameters
    ----------
    before : Map
    out : int
        Output channels.
    kernel : (rows, columns)
    stride, padding, dilation : (rows, columns)
    groups, bits, steps : int
    standardise, gain : as of `Dense`
    """

    def __init__(
        self,
        before: Map,
        out: int,
        kernel: tuple[int, int],
        bits: int,
        steps: int,
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        standardise: str = "row",
        gain: bool = True,
    ) -> None:
        super().__init__()
        self.before, self.bits = before, bits
        self.shape = out, before.channels // groups, *kernel
        self.how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        none = np.zeros(self.shape, np.int8)
        self.after = golden.Conv(none, bits, before.shape, **self.how).after
        self.pre, self.post = before.size, self.after.size
        seen = self.shape[1] * kernel[0] * kernel[1]
        self.matrix = Dense(seen, out, bits, steps, standardise=standardise, gain=gain)

    @classmethod
    def thaw(cls, law: Any, steps: int) -> Self:
        """Make that of a frozen kernel."""
        out, _, rows, columns = law.weights.shape
        how: dict[str, Any] = {
            name: getattr(law, name) for name in ("stride", "padding", "dilation", "groups")
        }
        kernel = (rows, columns)
        made = cls(law.before, out, kernel, width(law), steps, **how, standardise="none")
        made.matrix.take(torch.from_numpy(law.weights.astype(np.float32)))
        return made

    @property
    def unit(self) -> float:
        """Integers that a real membrane of 1 is."""
        return self.matrix.unit

    def integers(self) -> Tensor:
        """Make the deployed weights, whole numbers in float32 (out, in / groups, rows, columns)."""
        return self.matrix.integers().view(self.shape)

    def forward(self, x: Tensor) -> Tensor:
        """Sum weighted events (..., pre) to currents (..., post)."""
        return convolved(x, self.integers(), self.before, self.how, self.training)

    def feedback(self) -> Feedback:
        """Make the function of a loop; the weights are made once for all steps."""
        w = self.integers()
        return lambda events: convolved(events[-1], w, self.before, self.how, self.training)

    def export(self, sign: Tensor | None = None) -> golden.Conv:
        """Freeze the kernel, each output channel's weights times its sign."""
        w = self.integers().detach()
        if sign is not None:
            w = w * of_channels("Conv", sign, len(w))[:, None, None, None]
        weights = w.cpu().numpy().astype(np.int64)
        return golden.Conv(weights, self.bits, self.before.shape, **self.how)


@dataclass(frozen=True, slots=True)
class Conv2d:
    """A kernel of weights at every place of a map, as torch.nn.Conv2d without bias.

    Parameters
    ----------
    out : int
        Output channels.
    kernel_size : int, or (rows, columns)
    stride, padding, dilation : int, or (rows, columns)
        Padding is of zeros, at both ends.
    groups : int
        Input and output channels are cut into this many groups, that do not meet; as many as there
        are input channels makes it depthwise.
    bits, standardise, gain : as of Linear
        A row is all weights of an output channel.
    """

    kind: ClassVar[str] = "conv2d"

    out: int
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    groups: int = 1
    bits: int = 4
    standardise: str = "row"
    gain: bool = True

    def __post_init__(self) -> None:
        name = type(self).__name__
        integer(f"{name} out", self.out, 1, 1 << 16)
        integer(f"{name} groups", self.groups, 1, 1 << 16)
        integer(f"{name} bits", self.bits, 2, 16)
        for field, low in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            pair(f"{name} {field}", getattr(self, field), low, golden.LARGEST)
        choice(f"{name} standardise", self.standardise, STANDARDISE)
        flag(f"{name} gain", self.gain)

    @property
    def least(self) -> int:
        """Smallest delay: there are none."""
        return 0

    def recurrent(self) -> Self:
        """Give itself: its connection brings the delay of 1."""
        return self

    def _pairs(self) -> dict[str, tuple[int, int]]:
        """Give what is said of rows and columns, for both."""
        names = ("kernel_size", "stride", "padding", "dilation")
        return {name: pair(name, getattr(self, name), 0, golden.LARGEST) for name in names}

    def after(self, before: Map | None) -> Map | None:
        """Tell the map that they make of the one before them, if that is known."""
        if before is None:
            return None
        pairs = self._pairs()
        each = grouped(type(self).__name__, before, self.out, self.groups)
        shape = (self.out, each, *pairs.pop("kernel_size"))
        none = np.zeros(shape, np.int8)
        return golden.Conv(none, self.bits, before.shape, **pairs, groups=self.groups).after

    def build(
        self, before: Map, after: Map, steps: int, connected: np.ndarray | None = None
    ) -> Conv:
        """Make the kernel, see `SynapsesSpec`."""
        pairs = self._pairs()
        return Conv(
            before,
            self.out,
            pairs.pop("kernel_size"),
            self.bits,
            steps,
            **pairs,
            groups=self.groups,
            standardise=self.standardise,
            gain=self.gain,
        )


class Conv1d(Conv2d):
    """A kernel of weights along a map of one row, as torch.nn.Conv1d without bias.

    Parameters
    ----------
    out, kernel_size, stride, padding, dilation, groups : int
    bits, standardise, gain : as of Linear
    """

    kind: ClassVar[str] = "conv1d"
    __slots__ = ()

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride", "padding", "dilation"):
            integer(f"Conv1d {name}", getattr(self, name), 0, golden.LARGEST)
        Conv2d.__post_init__(self)

    def _pairs(self) -> dict[str, tuple[int, int]]:
        """Give what is said of columns, and of the only row."""
        alone = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
        return {name: (row, getattr(self, name)) for name, row in alone.items()}
