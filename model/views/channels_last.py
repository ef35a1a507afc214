"""A map that comes channel by channel, as images of torch do, in the order of maps."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..check import integer
from ..errors import InputError
from ..values import Values

__all__ = ["ChannelsLast"]


@dataclass(frozen=True, slots=True)
class ChannelsLast:
    """Address ``channel * places + place`` becomes ``place * channels + channel``.

    Parameters
    ----------
    channels : int
    """

    kind: ClassVar[str] = "channels_last"

    channels: int

    def __post_init__(self) -> None:
        channels = integer("ChannelsLast channels", self.channels, 1, 1 << 16)
        object.__setattr__(self, "channels", channels)

    def size(self, pre: int) -> int:
        """Count the addresses behind the view of `pre`."""
        if pre % self.channels:
            raise InputError(
                f"ChannelsLast must look at equally many addresses of {self.channels} channels,"
                f" not at {pre} in all"
            )
        return pre

    def values(self, values: Values) -> Values:
        """Tell what an address behind the view may be."""
        return values

    def table(self, pre: int) -> np.ndarray:
        """Tell where each of `pre` addresses is moved."""
        places = pre // self.channels
        at = np.arange(pre)
        return (at % places * self.channels + at // places)[:, None]

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Look at events (..., pre) through the view."""
        x = s.reshape(*s.shape[:-1], self.channels, -1)
        return x.swapaxes(-1, -2).reshape(s.shape)
