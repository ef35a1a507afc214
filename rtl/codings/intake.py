"""What framer and pixels have in common: beats of a sample in, items for the core out."""

from typing import Any

from amaranth.hdl import Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Intake"]


class Intake(wiring.Component):
    """The ports of a framer and of what takes pixels.

    Parameters
    ----------
    beat : shape
    item : shape
        As `stream.vector` lays it out.

    Members
    -------
    i : In(stream.Signature({"beat": beat, "last": 1}))
    o : Out(stream.Signature(item))
    decided : In(3)
        Number of samples decided, modulo 8.
    room : In(1)
        Whether one more sample may be under way.
    starts : Out(1)
        The first beat of a sample is taken.
    refused : Out(16)
        Number of beats dropped, up to 65,535.
    idle : Out(1)
        The next beat begins a sample, nothing is kept of the ones before and nothing is being
        cleared.
    """

    i: stream.Interface
    o: stream.Interface
    decided: Signal
    room: Signal
    starts: Signal
    refused: Signal
    idle: Signal

    def __init__(self, beat: Any, item: Any) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout({"beat": beat, "last": 1}))),
                "o": Out(stream.Signature(item)),
                "decided": In(3),
                "room": In(1),
                "starts": Out(1),
                "refused": Out(16),
                "idle": Out(1),
            }
        )
