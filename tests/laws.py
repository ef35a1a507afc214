"""Layers by themselves: a golden layer that runs alone, and its part of a layout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from spikeline.model.bounds import prove
from spikeline.model.codings import Coding
from spikeline.model.network import Network, chain
from spikeline.model.neurons import Neurons
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.protocol import Readout
from spikeline.model.synapses import Synapses
from spikeline.model.synapses.dense import Dense
from spikeline.model.values import Values
from spikeline.model.width import Bounds
from spikeline.plan.layout import Layout, Part
from spikeline.plan.mapping import Mapping
from spikeline.plan.unit import Unit

__all__ = ["Declared", "Law", "bounds_of", "chain_of", "network_of", "part_of"]


@dataclass(frozen=True)
class Declared:
    """Input that comes as it is, and is within a declaration."""

    kind: ClassVar[str] = "declared"
    packs: ClassVar[bool] = False
    counted: ClassVar[bool] = True

    limit: int
    once: bool = False

    @property
    def values(self) -> Values:
        """What an input may be."""
        return Values(self.limit, self.limit if self.once else None)

    def encode(self, samples: np.ndarray, steps: int, inputs: int) -> np.ndarray:
        """Give samples (samples, steps, inputs) by step."""
        return np.asarray(samples).transpose(1, 0, 2).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Law:
    """A layer of a chain: synapses, neurons, perhaps recurrent synapses; a shift of currents."""

    synapses: Synapses
    neuron: Neurons
    recurrent: Synapses | None = None
    shift: int = 0

    def run(self, s: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """Run events (steps, samples, pre) up to `limit`; returns spikes and membranes."""
        net = network_of(self, len(s), limit)
        run = net.run(s.transpose(1, 0, 2), record=True)
        return run.spikes["layer0"], run.membranes["layer0"]


def chain_of(
    steps: int, inputs: int, coding: Coding, laws: Sequence[Law], readout: Readout
) -> Network:
    """Make a network of layers that follow one another."""
    plain = chain(
        steps, inputs, coding, [(x.synapses, x.neuron, x.recurrent) for x in laws], readout
    )
    if not any(law.shift for law in laws):
        return plain
    layers = {
        name: replace(
            layer, connections=tuple(replace(c, shift=law.shift) for c in layer.connections)
        )
        for (name, layer), law in zip(plain.layers.items(), laws, strict=True)
    }
    return replace(plain, layers=layers)


def network_of(law: Law, steps: int, limit: int = 1, once: bool = False) -> Network:
    """Make a network of one layer, whose input is within a declaration."""
    coding = Declared(limit, once)
    return chain_of(steps, law.synapses.pre, coding, [law], FinalMembrane())


def bounds_of(law: Law, steps: int, limit: int = 1, once: bool = False) -> Bounds:
    """Prove the bounds of a layer."""
    return prove(network_of(law, steps, limit, once))["layer0"]


def part_of(
    law: Law,
    unit: Unit,
    steps: int,
    limit: int = 1,
    once: bool = False,
    measures: bool = False,
) -> Part:
    """Lay out a layer: as the last one, whose membranes are read, or as one with another behind."""
    if measures:
        net = network_of(law, steps, limit, once)
        return Layout.of(net, Mapping({"layer0": unit})).parts["layer0"]
    behind = Law(Dense(np.ones((1, law.synapses.post), int), 2), Neuron(np.zeros(1, int), None))
    coding = Declared(limit, once)
    assert law.neuron.fires, "what never fires feeds no layer"
    net = chain_of(steps, law.synapses.pre, coding, [law, behind], FinalMembrane())
    units = {"layer0": unit, "layer1": Unit(1, 1, 1)}
    return Layout.of(net, Mapping(units)).parts["layer0"]
