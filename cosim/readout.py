"""Bench of readouts (rtl/readouts/) beside model/readouts/."""

from typing import Any

import cocotb
import numpy as np

from ..model.bounds import prove
from ..model.codings.counts import Counts
from ..model.network import Network, chain
from ..model.neurons.neuron import Neuron
from ..model.readouts.first_spike import FirstSpike
from ..model.readouts.protocol import Readout
from ..model.readouts.weighted_sum import WeightedSum
from ..model.synapses.dense import Dense
from ..plan.mapping import Mapping
from ..rtl.readouts import readout
from ..rtl.readouts.scan import Scan
from .stream import STALLS, Monitor, Sink, Source, Wires, begin, until

__all__ = ["decides_as_the_law", "network", "parts"]

STEPS, INPUTS, CLASSES = 4, 6, 5
MEMBRANE = 10  # bits
KINDS = {"readout_first": FirstSpike(), "readout_sum": WeightedSum(np.array([4, 3, -2, 1]))}


def network(kind: Readout) -> Network:
    """Make a network of one layer."""
    rng = np.random.default_rng(7)
    cells = Neuron(np.zeros(CLASSES, int), np.full(CLASSES, 6), once=True)
    synapses = Dense(rng.integers(-8, 8, (CLASSES, INPUTS)), 4)
    return chain(STEPS, INPUTS, Counts(1), [(synapses, cells)], kind)


def parts() -> dict[str, Scan]:
    """Make the parts under test: one whose classes come at once, one in folds."""
    found = {}
    for (name, kind), lanes in zip(KINDS.items(), (CLASSES, 2), strict=True):
        net = network(kind)
        unit = Mapping.of(net, (lanes,)).units[net.output]
        found[name] = readout(net, unit, prove(net)[net.output], MEMBRANE)
    return found


def items(part: Scan, spikes: np.ndarray, h: np.ndarray) -> list[int]:
    """List the items of samples (steps, samples, classes)."""
    shape, sweep = part.i.p.shape(), part.unit.sweep
    found = []
    for n in range(h.shape[1]):
        for t in range(STEPS):
            for first in range(0, CLASSES, sweep):
                classes = range(first, min(first + sweep, CLASSES))
                end, final = classes[-1] == CLASSES - 1, t == STEPS - 1
                kept = [int(h[t, n, c]) - part.neuron.offset(c) for c in classes]
                item = {
                    "position": first // sweep,
                    "lanes": sum(int(spikes[t, n, c]) << k for k, c in enumerate(classes)),
                    "tick": int(end),
                    "last": int(end and final),
                    "final": int(final),
                    "membranes": kept + [0] * (sweep - len(kept)),
                }
                found.append(shape.const(item).as_bits())
    return found


@cocotb.test()
@cocotb.parametrize(source=list(STALLS), sink=list(STALLS), name=list(KINDS))
async def decides_as_the_law(dut: Any, source: str, sink: str, name: str) -> None:
    """Label, step and every score of thirty samples are the golden model's, ties included."""
    part = parts()[name]
    net = network(KINDS[name])
    rng = np.random.default_rng(11)
    x = (rng.random((30, STEPS, INPUTS)) < 0.3).astype(np.uint8)
    x[0] = 0  # a tie of all classes
    run = net.run(x, record=True)
    spikes, h, decision = run.spikes[net.output], run.membranes[net.output], run.decision
    want = [
        (
            int(decision.label[n]),
            int(decision.step[n]),
            int(decision.score[n, c]),
            int(c == CLASSES - 1),
        )
        for n in range(30)
        for c in range(CLASSES)
    ]

    await begin(dut)
    i, o = Wires.of(dut, f"{name}_i"), Wires.of(dut, f"{name}_o")
    feed = Source(i, items(part, spikes, h), STALLS[source](1))
    taken, watch = Sink(o, STALLS[sink](2)), Monitor(o)
    await until(dut, lambda: not feed.left and len(taken.got) >= len(want))
    got = [part.o.p.shape().from_bits(x) for x in taken.got]
    assert [(x.label, x.step, x.score, x.last) for x in got] == want
    assert not watch.faults
