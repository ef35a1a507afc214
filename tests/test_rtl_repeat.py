"""Up-sampling in gates: an event becomes several, in the cycles that are predicted."""

import numpy as np
import pytest

from spikeline.model.codings.counts import Counts
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.views.pool import Pool
from spikeline.model.views.repeat import Repeat as Golden
from spikeline.plan.mapping import Mapping
from spikeline.plan.play import trace
from spikeline.plan.stages import Filter, Player, Skid, Taker
from spikeline.rtl.views.repeat import Repeat

from .groups import each
from .streams import Bench, each_stall, items_of
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles

VOID = {"position": 0, "lanes": 0, "tick": 0, "last": 1}


@pytest.mark.parametrize("joined", [False, True], ids=["bare-ticks", "ticks-on-events"])
@pytest.mark.parametrize("view", [Golden((3, 2, 3), (2, 3)), Golden((1, 1, 5), (1, 2))], ids=str)
@each_stall
def test_an_event_becomes_a_block_and_its_end_comes_last(view, joined, stalls):
    """Events come block by block, ends behind them, in the cycles of the stages."""
    rng = np.random.default_rng(1)
    pre = view.before.size
    s = rng.integers(0, 4, (7, pre)) * (rng.random((7, pre)) < 0.3)
    items = [*items_of(s, joined), VOID, *items_of(s[:2], joined)]
    wanted = []
    for item in items:
        blocks = view.table(pre)[item["position"]] if item["lanes"] else [0]
        many = [{**item, "position": int(at), "tick": 0, "last": 0} for at in blocks]
        wanted += [*many[:-1], {**many[-1], "tick": item["tick"], "last": item["last"]}]
    bench = Bench(part := Repeat(view, pre, 2))
    source, sink = bench.put(part.i, items, stalls[0]), bench.get(part.o, stalls[1])
    ready = bench.sample(part.o.ready)
    bench.run(lambda: len(sink.items) >= len(wanted))

    found = [{**item, "position": item["position"] * (item["lanes"] > 0)} for item in sink.items]
    assert found == wanted
    offered = [
        (at, i["position"], i["lanes"] > 0, i["tick"] + 2 * i["last"])
        for at, i in zip(source.offered, items, strict=True)
    ]
    stages = [Player(offered), Skid(0), Filter(1, view.table(pre)), Skid(2), Taker(3, ready)]
    taken = trace(stages)
    assert taken[0] == source.cycles
    assert taken[4] == sink.cycles


def down_and_up() -> Network:
    """Make a network that shrinks a map, enlarges it, and adds what was there before."""
    rng = np.random.default_rng(3)

    def cells(law: Conv) -> Neuron:
        n = law.out
        return Neuron(
            np.zeros(n, int), rng.integers(4, 9, n), reset="zero", places=law.after.places
        )

    down = Conv(rng.integers(-2, 8, (3, 2, 2, 2)), 4, (2, 4, 6), stride=2)
    up = Conv(rng.integers(-2, 8, (2, 3, 3, 3)), 4, (3, 4, 6), padding=1)
    skip = Conv(rng.integers(-2, 8, (2, 2, 1, 1)), 4, (2, 4, 6))
    enlarged = Golden(down.after.shape, 2)
    out = Delayed(rng.integers(-3, 8, (3, 12, 2)), rng.integers(0, 3, (3, 12, 2)), 4, 3)
    layers = {
        "down": Layer((Connection(("input",), down),), cells(down)),
        "up": Layer(
            (Connection(("down",), up, (enlarged,)), Connection(("input",), skip)), cells(up)
        ),
        # Of six columns each twice, windows of three see some twice, some once.
        "out": Layer(
            (Connection(("up",), out, (Golden((2, 4, 6), (1, 2)), Pool((2, 4, 12), (4, 2)))),),
            Neuron(np.zeros(3, int), None),
        ),
    }
    return Network(3, {"input": 48}, Counts(2), layers, readout("final-membrane"))


@each("delay,taps", [("line", "all"), ("wheel", "one"), ("line", "one"), ("wheel", "all")], quick=1)
def test_a_network_that_shrinks_and_enlarges_is_exact(delay, taps):
    """Up-sampling before a join, before banks and before delays: golden spikes, exact cycles."""
    net = down_and_up()
    mapping = Mapping.of(net, delay=delay, taps=taps)
    x = np.random.default_rng(4).poisson(0.4, (2, 3, 48))
    run = net.run(x, record=True)
    assert all(0 < run.spikes[name].mean() < 1 for name in ("down", "up"))
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)


def test_up_sampled_inputs_are_exact():
    """An image of one place that becomes four, and an end that comes with an event."""
    law = Conv(np.array([[[[1, 2], [3, -1]]]]), 4, (1, 4, 4), stride=2)
    cells = Neuron(np.zeros(1, int), np.full(1, 5), places=4, reset="zero")
    out = Layer((Connection(("map",), Dense(np.array([[1, 2, 3, 4]]), 4)),), Neuron([0], None))
    first = Layer((Connection(("input",), law, (Golden((1, 2, 2), 2),)),), cells)
    net = Network(2, {"input": 4}, Counts(3), {"map": first, "out": out}, readout("membranes"))
    x = np.array([[[1, 0, 2, 0], [0, 0, 0, 3]], [[0, 0, 0, 0], [1, 1, 1, 1]]])
    run = net.run(x, record=True)
    # Each window of two is of one input, and weighs it by 1 + 2 + 3 - 1.
    assert run.membranes["map"][0].tolist() == [[5, 0, 10, 0], [0, 0, 0, 0]]
    assert_equals(net, Mapping.of(net), x)
    assert_cycles(net, Mapping.of(net), x)
