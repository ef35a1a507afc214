"""What every readout is in gates: results out of the last layer's items, and their packets."""

from typing import Any, ClassVar

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.bounds import score_bounds
from ...model.errors import InputError
from ...model.network import Network
from ...model.width import Bounds, signed_width
from ...plan.readouts import timing
from ...plan.unit import Unit
from ..neurons import KINDS as NEURONS
from ..soma import measured
from ..stream import vector

__all__ = ["Readout"]


class Readout(wiring.Component):
    """A readout: makes results of the items of the last layer, and packets of words of results.

    Parameters
    ----------
    network : Network
    unit : Unit
        Layout of the last layer.
    bounds : Bounds
        Of the last layer.
    width : int, bits
        Of the membranes that arrive.

    Attributes
    ----------
    width : int, bits
        Of a score.
    names_neurons : bool
        Whether a word of the result says which neuron, or class, it is of.

    Members
    -------
    i : In(stream.Signature(measured(unit, width))), or of vector(neurons, 1)
    o : Out(stream.Signature(result()))
        Items of the results, in the order of the samples.
    decided : Out(3)
        Number of samples decided so far, modulo 8.
    idle : Out(1)
        No item is at hand.
    """

    names_neurons: ClassVar[bool] = False

    i: stream.Interface
    o: stream.Interface
    decided: Signal
    idle: Signal

    @classmethod
    def check(cls, network: Network) -> None:
        """Refuse a last layer of more neurons than a word can name."""
        if cls.names_neurons and network.classes > 1 << 16:
            raise InputError(
                f"Readout {network.readout.kind} must follow at most 65536 neurons, as a word has"
                f" 16 bits for them, not {network.classes}"
            )

    def __init__(self, network: Network, unit: Unit, bounds: Bounds, width: int) -> None:
        self.check(network)
        self.network = network
        self.unit = unit
        self.neuron = NEURONS[network.last.neuron.kind](network.last.neuron, bounds)
        self.width = signed_width(*score_bounds(network, bounds))
        measures = timing(network.readout).measures
        takes = measured(unit, width) if measures else vector(network.classes, 1)
        super().__init__(
            {
                "i": In(stream.Signature(takes)),
                "o": Out(stream.Signature(self.result())),
                "decided": Out(3),
                "idle": Out(1),
            }
        )

    def result(self) -> data.StructLayout:
        """Make the layout of a result's items; `last` ends a sample's."""
        raise NotImplementedError

    def elaborate(self, platform: object) -> Module:
        """Make the gates."""
        raise NotImplementedError

    def words(self, m: Module, o: Any, words: Any, elapsed: Value, timed: Signal) -> None:
        """Turn the results of `o` into packets.

        Parameters
        ----------
        m : Module
            Of the host.
        o : stream of results
        words : stream that takes words, each with the end of its packet above it
        elapsed : Value
            Cycles from the first beat of the sample to the word that is taken now.
        timed : Signal
            To be set in the cycle whose `elapsed` counts.
        """
        raise NotImplementedError

    def describe(self) -> dict[str, object]:
        """Describe a packet for a driver.

        Beside the words' meaning: ``result``, the form that cosim/bench.py compares;
        ``timed_word``, the word whose offer ends a sample's cycles, and ``cycles_word``, the one
        that tells them; -1 is the last.
        """
        raise NotImplementedError
