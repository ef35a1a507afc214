"""A kind of synapse from outside the package, from training to Verilog, with an engine of its own.

It changes no file of the package: each of its parts is a line in a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from amaranth.hdl import Module, Mux, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from torch import Tensor, nn

from spikeline import model, plan, rtl
from spikeline.cosim.run import cosim
from spikeline.model.codings.counts import Counts
from spikeline.model.network import Network as GoldenNetwork
from spikeline.model.readouts import readout
from spikeline.model.store import load, save
from spikeline.model.synapses import Matrix, Tap
from spikeline.plan.engines import Engine
from spikeline.plan.layout import Part
from spikeline.plan.mapping import Mapping
from spikeline.quant.loop import fit
from spikeline.quant.network import Connection, Layer, Network
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.neurons.surrogate import round_half_even
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.synapses.synapses import Synapses
from spikeline.quant.training import Training
from spikeline.rtl.memory import Rom
from spikeline.rtl.sequencer import operation
from spikeline.rtl.stream import vector
from spikeline.rtl.walk import Rows

STEPS, SIZE, CLASSES = 6, 9, 3


@dataclass(frozen=True, eq=False)
class Frozen(Matrix):
    """A weight from each input to the output of the same number."""

    kind: ClassVar[str] = "one-to-one"

    weights: np.ndarray
    bits: int

    @property
    def post(self) -> int:
        """Number of outputs."""
        return len(self.weights)

    pre = post

    def taps(self) -> Iterator[Tap]:
        """Give the weights."""
        yield Tap(0, np.diag(self.weights.astype(np.int64)))


class OneToOne(Synapses):
    """Its trainable form."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.pre = self.post = n
        self.weight = nn.Parameter(torch.rand(n) + 0.5)

    @property
    def unit(self) -> float:
        """Integers per real 1."""
        return 10.0

    def integers(self) -> Tensor:
        """Make the deployed weights."""
        return round_half_even((self.weight * self.unit).clamp(-31, 31))

    def forward(self, x: Tensor) -> Tensor:
        """Weigh."""
        return x * self.integers().to(x.dtype)

    def export(self, sign: Tensor | None = None) -> Frozen:
        """Freeze."""
        w = self.integers().detach()
        return Frozen((w if sign is None else w * sign).numpy().astype(np.int8), 6)


@dataclass(frozen=True, slots=True)
class Planned(Engine):
    """An event takes the cycles of a dense layer; its memory holds one weight in each row."""

    kind = "one-to-one"
    latency = 2

    @classmethod
    def serves(cls, network: GoldenNetwork, name: str) -> bool:
        """Whether all synapses of a layer are of this kind, one connection, without delay."""
        ours = [c.synapses.kind == Frozen.kind for c in network.layers[name].connections]
        return ours == [True] and not cls.merge(network, name).delayed


class Source(wiring.Component):
    """Rows of one weight and the lane that adds it."""

    paced = False
    op: Any
    terms: Any
    initialized: Any
    idle: Any

    def __init__(self, part: Part, *, name: str) -> None:
        taps, unit = part.taps, part.unit
        self.walk, self.limit, self.bits = Rows(unit, taps.pre), part.limit, taps.bits
        self.lanes = unit.lanes
        word = data.StructLayout({"weight": signed(taps.bits), "lane": range(unit.lanes + 1)})
        rows = []
        for n, weight in enumerate(np.diagonal(taps.weights[..., 0]).tolist()):
            for fold in range(unit.folds):
                mine = fold == n // unit.lanes
                lane = n % unit.lanes if mine else unit.lanes
                rows.append(word.const({"weight": weight, "lane": lane}).as_bits())
        self.rom = Rom(name, word, rows)
        items = stream.Signature(vector(taps.pre, 1, part.limit.bit_length()))
        super().__init__(
            {
                "i": In(items),
                "o": Out(items),
                "op": In(operation(part, self.walk)),
                "terms": Out(data.ArrayLayout(signed(taps.bits), unit.lanes)),
                "initialized": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = self.rom
        wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        m.d.comb += [rom.address.eq(self.op.row), self.initialized.eq(1), self.idle.eq(1)]
        for lane in range(self.lanes):
            m.d.comb += self.terms[lane].eq(Mux(rom.data.lane == lane, rom.data.weight, 0))
        return m


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    """Put each part into its table."""
    monkeypatch.setitem(model.synapses.KINDS, Frozen.kind, Frozen)
    monkeypatch.setitem(plan.engines.ENGINES, Planned.kind, Planned)
    monkeypatch.setitem(rtl.synapses.SOURCES, Planned.kind, Source)


def network() -> Network:
    """Make a network in which the kind stands alone, and beside others in a layer."""
    torch.manual_seed(2)
    layers = {
        "alone": Layer([Connection(("x",), OneToOne(SIZE), shift=1)], Neuron(SIZE, reset="zero")),
        "mixed": Layer(
            [
                Connection(("alone",), OneToOne(SIZE)),
                Connection(("mixed",), OneToOne(SIZE), delay=1),
                Connection(("x",), Dense(SIZE, SIZE, 5, STEPS)),
            ],
            Neuron(SIZE, reset="zero"),
        ),
        "out": Layer(
            [Connection(("mixed",), Dense(SIZE, CLASSES, 5, STEPS))],
            Neuron(CLASSES, threshold=None),
        ),
    }
    return Network(STEPS, {"x": SIZE}, Counts(2), layers, readout("max-membrane"))


@pytest.mark.parametrize("lanes", [None, (4, 9, 3)], ids=["all-lanes", "folds"])
def test_kind_from_outside_trains_is_saved_and_co_simulated(lanes, tmp_path):
    """It trains, its file loads, its engine is taken, and its Verilog is equal in every spike."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, CLASSES, 120)
    x = rng.binomial(
        2, 0.1 + 0.6 * (np.arange(SIZE) % CLASSES == y[:, None, None]), (120, STEPS, SIZE)
    )
    how = Training(loss="maximum", epochs=4, batch_size=16)
    trained = fit(network(), x.astype(np.uint8), y, how, seed=1)
    path = tmp_path / "foreign.safetensors"
    save(trained.network, path)
    frozen = load(path)

    mapping = Mapping.of(frozen, lanes)
    engines = [unit.engine for unit in mapping.units.values()]
    assert engines == ["one-to-one", "dense", "dense"]
    for stalls in ("none", "random"):
        found = cosim(
            frozen, mapping, x[:20], y[:20], name="foreign", stalls=stalls, folder=tmp_path
        )
        assert found.divergence is None
        assert found.summary["mismatches"] == 0
        assert found.summary["cycles_predicted_wrong"] in (0, None)
