"""Bench of the engine (rtl/engine.py) of dense layers beside the golden model."""

from typing import Any

import cocotb
import numpy as np

from ..model.codings.counts import Counts
from ..model.network import Network, chain
from ..model.neurons.neuron import Neuron
from ..model.readouts.spike_count import SpikeCount
from ..model.synapses import dense as golden
from ..plan.layout import Layout
from ..plan.mapping import Mapping
from ..rtl.engine import Engine
from .stream import STALLS, Monitor, Sink, Source, Wires, begin, until

__all__ = ["computes_the_law", "network", "parts"]

STEPS, INPUTS, HIDDEN, CLASSES, LIMIT = 5, 12, 7, 5, 3


def network() -> Network:
    """Make a network whose layers fire once, and leak."""
    rng = np.random.default_rng(5)

    def cells(count: int, **law: Any) -> Neuron:
        return Neuron(rng.integers(-3, 4, count), rng.integers(4, 20, count), **law)

    hidden = golden.Dense(rng.integers(-8, 8, (HIDDEN, INPUTS)), 4)
    last = golden.Dense(rng.integers(-4, 4, (CLASSES, HIDDEN)), 3)
    stack = (
        (hidden, cells(HIDDEN, once=True)),
        (last, cells(CLASSES, leak=(7, 3), reset="subtract")),
    )
    return chain(STEPS, INPUTS, Counts(LIMIT), stack, SpikeCount())


def parts() -> dict[str, Engine]:
    """Make the parts under test: one in folds, one that reports membranes."""
    net = network()
    layout = Layout.of(net, Mapping.of(net, (3, 4), (1, 2)))
    names = ("engine_hidden", "engine_last")
    return {
        name: Engine(part, name=f"{name}_rows")
        for name, part in zip(names, layout.parts.values(), strict=True)
    }


def items(shape: Any, s: np.ndarray) -> list[int]:
    """List the items of samples (steps, samples, inputs): events, then the end of the step."""
    found = []
    for n in range(s.shape[1]):
        for t, row in enumerate(s[:, n]):
            found += [{"position": int(a), "lanes": int(row[a])} for a in np.flatnonzero(row)]
            found.append({"tick": 1, "last": int(t == len(s) - 1)})
    return [shape.const(item).as_bits() for item in found]


@cocotb.test()
@cocotb.parametrize(source=list(STALLS), sink=list(STALLS), layer=[0, 1])
async def computes_the_law(dut: Any, source: str, sink: str, layer: int) -> None:
    """Every spike and every membrane of ten samples is the golden model's."""
    name, engine = list(parts().items())[layer]
    part, unit = engine.part, engine.part.unit
    out = "found" if part.last else "o0"
    rng = np.random.default_rng(3)
    x = rng.integers(0, LIMIT + 1, (10, STEPS, INPUTS)) * (rng.random((10, STEPS, 1)) < 0.7)
    run = network().run(x, record=True)
    assert run.input is not None
    s = run.spikes["layer0"] if part.last else run.input
    spikes, membranes = run.spikes[part.name], run.membranes[part.name]

    await begin(dut)
    i, o = Wires.of(dut, f"{name}_i"), Wires.of(dut, f"{name}_{out}")
    feed = Source(i, items(engine.i.p.shape(), s), STALLS[source](1))
    taken, watch = Sink(o, STALLS[sink](2)), Monitor(o)
    shape, sweep = getattr(engine, out).p.shape(), unit.sweep
    await until(dut, lambda: not feed.left, quiet=500)

    got = np.zeros_like(spikes)
    h = np.full_like(membranes, -999)
    step = sample = 0
    for item in map(shape.from_bits, taken.got):
        for k in range(min(sweep, unit.neurons - item.position * sweep)):
            n = item.position * sweep + k
            got[step, sample, n] |= item.lanes >> k & 1
            if part.measures:
                h[step, sample, n] = item.membranes[k] + engine.lanes.neuron.offset(n)
        step += item.tick
        if item.last:
            assert step == STEPS
            step, sample = 0, sample + 1
    assert (step, sample) == (0, 10)
    assert (got == spikes).all()
    assert not part.measures or (h == membranes).all()
    assert not watch.faults
