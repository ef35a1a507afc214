"""Maps in gates: views, and the engine of convolutions, in Amaranth's simulator."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.dense import Dense
from spikeline.model.views.channels_last import ChannelsLast
from spikeline.model.views.crop import Crop
from spikeline.model.views.pool import Pool
from spikeline.plan.engines.conv import Axis
from spikeline.plan.mapping import Mapping
from spikeline.rtl.gates import divided, times
from spikeline.rtl.views import KINDS

from .builders import random_samples
from .maps import random_conv, random_lanes, random_maps, repeated
from .strategies import examples
from .test_rtl_network import assert_equals
from .test_rtl_top import assert_cycles


def looked_up(make, end: int) -> list[tuple[int, ...]]:
    """Try a combinational circuit of one number on 0..end - 1; `make` gives its results."""
    m, value = Module(), Signal(range(end))
    outs = []
    for result in make(value):
        out = Signal(max(1, len(result)))
        m.d.comb += out.eq(result)
        outs.append(out)
    found = []

    async def bench(ctx):
        for n in range(end):
            ctx.set(value, n)
            await ctx.delay(1e-9)
            found.append(tuple(ctx.get(out) for out in outs))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@pytest.mark.parametrize("by", [1, 2, 3, 5, 7, 12, 28, 34, 100])
@pytest.mark.parametrize("end", [2, 6, 28, 97, 784])
def test_division_is_exact(by, end):
    """Quotient and remainder of every value, by shifts and additions."""
    found = looked_up(lambda value: divided(value, by, end), end)
    assert found == [divmod(n, by) for n in range(end)]


def test_products_are_exact():
    """Numbers whose digits have runs of ones, and such that have none."""
    numbers = [0, 1, 3, 7, 14, 28, 119, 255, 1171]
    found = looked_up(lambda value: [times(value, n) for n in numbers], 40)
    assert found == [tuple(v * n for n in numbers) for v in range(40)]


@pytest.mark.parametrize(
    ("view", "pre"),
    [
        (Pool((3, 6, 4), (2, 2)), 72),
        (Pool((2, 7, 5), (3, 2)), 70),
        (Pool((1, 1, 9), (1, 4)), 9),
        (Pool((16, 4, 4), (4, 4)), 256),
        (ChannelsLast(3), 24),
        (ChannelsLast(2), 2 * 34 * 5),
        (Crop(3, 9), 17),
    ],
    ids=str,
)
def test_views_move_as_their_tables(view, pre):
    """Every address goes where the model's table says, or nowhere."""
    part = KINDS[view.kind](view, pre, 1)

    def moved(address):
        return part.move({name: value for name, (_, value) in part.digits(address).items()})

    found = looked_up(moved, pre)
    Simulator(part)  # or Amaranth tells that it was never used
    wanted = view.table(pre).tolist()
    assert [at if inside else -1 for inside, at in found] == [max(at, -1) for at in wanted]


@examples(60)
@given(seed=st.integers(0, 1 << 20))
def test_axes_list_every_tap(seed):
    """Where the taps of a kernel meet outputs, along rows and along columns."""
    rng = np.random.default_rng(seed)
    law = random_conv(rng, Map(1, *(int(n) for n in rng.integers(1, 10, 2))))
    for axis in (0, 1):
        found = Axis.of(law, axis)
        inputs, outputs = law.shape[1 + axis], law.after.shape[1 + axis]
        taps, dilation = law.weights.shape[2 + axis], law.dilation[axis]
        for i in range(inputs):
            walked = [
                (int(found.tap[i]) + n * found.next, int(found.output[i]) - n * found.back)
                for n in range(found.count[i])
            ]
            assert walked == [
                (k, o)
                for k in range(taps)
                for o in range(outputs)
                if o * law.stride[axis] - law.padding[axis] + k * dilation == i
            ]


@examples(15)
@given(
    seed=st.integers(0, 1 << 20),
    stalls=st.sampled_from([(0.0, 0.0), (0.4, 0.0), (0.0, 0.6), (0.4, 0.5)]),
)
def test_random_maps_equal_the_golden_model(seed, stalls):
    """Any network over maps in any layout under stalls: the golden spikes."""
    rng = np.random.default_rng(seed)
    net = random_maps(rng)
    assert_equals(net, random_lanes(rng, net), random_samples(rng, net, 2), stalls=stalls)


@examples(5)
@given(seed=st.integers(0, 1 << 20))
def test_cycles_of_random_maps_are_predicted(seed):
    """Latency and interval are those that were predicted."""
    rng = np.random.default_rng(seed)
    net = random_maps(rng)
    assert_cycles(net, random_lanes(rng, net), random_samples(rng, net, 3))


@pytest.mark.parametrize(
    ("layers", "lanes", "memories"),
    [(2, (4, 4), [0]), (2, (2, 2), [0]), (2, (4, 2), []), (5, (4, 2, 4, 2, 4), [0, 1])],
    ids=["two", "chunks", "other-lanes", "five"],
)
def test_layers_that_share_a_kernel_share_its_memory(layers, lanes, memories):
    """Two and two, where they are laid out alike: the golden spikes, which are those of others."""
    shared, own = (repeated(layers, shared) for shared in (True, False))
    x = np.random.default_rng(1).poisson(0.7, (3, 4, shared.width))
    found = [assert_equals(net, Mapping.of(net, (*lanes, 3)), x) for net in (shared, own)]

    assert list(found[0].core.memories) == [f"map{n}" for n in memories]
    assert not found[1].core.memories
    assert found[0].results == found[1].results
    for name in shared.layers:
        spikes, others = (f.spikes(name) for f in found)
        assert all(np.array_equal(s, o) for s, o in zip(spikes, others, strict=True))
    assert_cycles(shared, Mapping.of(shared, (*lanes, 3)), x)


def pointwise() -> Network:
    """Make a network whose events all meet in the same place."""
    rng = np.random.default_rng(4)
    conv = Conv(rng.integers(-4, 8, (4, 6, 1, 1)), 4, (6, 2, 2))
    hidden = Neuron(np.zeros(4, int), rng.integers(5, 15, 4), reset="subtract", places=4)
    out = Neuron(np.zeros(3, int), None)
    layers = {
        "hidden": Layer((Connection(("input",), conv),), hidden),
        "out": Layer((Connection(("hidden",), Dense(rng.integers(-8, 8, (3, 16)), 4)),), out),
    }
    return Network(5, {"input": 24}, Counts(3), layers, readout("final-membrane"))


@pytest.mark.parametrize("lanes", [(4, 3), (2, 1), (1, 3)])
def test_sums_that_follow_at_once_meet_in_one_place(lanes):
    """An accumulator is added to in each cycle, what was added the cycle before included."""
    net = pointwise()
    x = np.random.default_rng(5).poisson(1.0, (3, 5, 24))
    assert_equals(net, Mapping.of(net, lanes), x)
    assert_cycles(net, Mapping.of(net, lanes), x)


def test_an_event_costs_the_taps_that_it_meets():
    """A corner meets four of nine taps, the middle all; in as many chunks as lanes leave."""
    from spikeline.plan.engines import ENGINES

    conv = Conv(np.ones((8, 1, 3, 3), int), 4, (1, 5, 5), padding=1)
    cells = Neuron(np.zeros(8, int), np.full(8, 9), once=True, places=25)
    out = Layer(
        (Connection(("hidden",), Dense(np.ones((2, 200), int), 2)),), Neuron(np.zeros(2, int), None)
    )
    layers = {"hidden": Layer((Connection(("input",), conv),), cells), "out": out}
    net = Network(2, {"input": 25}, Counts(1), layers, readout("final-membrane"))
    mapping = Mapping.of(net, (4, 2))
    unit = mapping.units["hidden"]
    assert (unit.engine, unit.channels, unit.period) == ("conv", 8, 2)
    cost = ENGINES["conv"](unit, mapping.taps(net, "hidden")).cost.reshape(5, 5)
    assert cost[0, 0] == cost[4, 4] == 4 * 2
    assert cost[2, 2] == 9 * 2
    with pytest.raises(
        InputError, match=r"^Lanes of layer hidden must divide its 8 channels, not be 3$"
    ):
        Mapping.of(net, (3, 2))
