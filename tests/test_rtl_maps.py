"""Maps in gates: views, and the engine of convolutions, in Amaranth's simulator."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts import readout
from spikeline.model.synapses.conv import Conv
from spikeline.model.synapses.dense import Dense
from spikeline.model.synapses.spaced import Spaced
from spikeline.model.views.channels_last import ChannelsLast
from spikeline.model.views.crop import Crop
from spikeline.model.views.pool import Pool
from spikeline.model.views.repeat import Repeat
from spikeline.plan.cycles import predict, work
from spikeline.plan.engines import ENGINES
from spikeline.plan.engines.conv import Axis
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping
from spikeline.plan.unit import Unit
from spikeline.rtl.gates import divided, times
from spikeline.rtl.views import KINDS

from .builders import random_samples
from .groups import each
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
        (Repeat((3, 2, 5), (2, 3)), 30),
        (Repeat((1, 1, 7), (1, 4)), 7),
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
    places = [[at + n for n in part.offsets] if inside else [-1] for inside, at in found]
    assert places == np.maximum(view.table(pre), -1).tolist()


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


@examples(60)
@given(seed=st.integers(0, 1 << 20))
def test_axes_of_banks_list_every_tap_at_once(seed):
    """Every bank has the tap that meets an output of its own, or none."""
    rng = np.random.default_rng(seed)
    law = random_conv(rng, Map(1, *(int(n) for n in rng.integers(1, 10, 2))))
    for axis in (0, 1):
        banks = Axis.parallel(law, axis)
        found, alone = Axis.of(law, axis, banks), Axis.of(law, axis)
        if banks == 1:
            continue
        assert (found.count == (alone.count > 0)).all()
        for i in range(law.shape[1 + axis]):
            met = {
                (int(found.rows[found.tap[i], b]), (int(found.output[i]) - less) * banks + b)
                for b, (on, less) in enumerate(zip(found.on[i], found.less[i], strict=True))
                if on
            }
            assert met == {
                (int(alone.tap[i]) + n * alone.next, int(alone.output[i]) - n * alone.back)
                for n in range(alone.count[i])
            }


def test_several_banks_hold_every_neuron_once():
    """Cells of places side by side; those at the end of a map lack some."""
    unit = Unit(2 * 5 * 7, 2, 2, "conv", channels=2, map=(5, 7), banks=(2, 3))
    assert (unit.cells, unit.folds, unit.width, unit.positions) == ((3, 3), 9, 12, 35)
    order = unit.order
    assert sorted(order[order >= 0]) == list(range(70))
    # The cell in the middle: rows 2 and 3, columns 3 to 5.
    wanted = [(y * 7 + x) * 2 + c for y in (2, 3) for x in (3, 4, 5) for c in (0, 1)]
    assert order.reshape(9, 12)[4].tolist() == wanted
    assert [wanted[0] + n for n in unit.offsets] == wanted


@pytest.mark.parametrize("taps", ["row", "all"])
@pytest.mark.parametrize("reset", ["none", "subtract"])
@each(
    "kernel,fields",
    [
        ((3, 3), {"padding": (1, 1)}),
        ((2, 3), {}),
        ((3, 2), {"stride": (2, 1), "padding": (2, 1)}),
        ((3, 4), {"dilation": (1, 2), "padding": (1, 3)}),
        ((5, 5), {"padding": (2, 2), "groups": 3}),
    ],
    quick=2,
    ids=["padded", "plain", "stride", "dilation", "groups"],
)
def test_taps_at_once_equal_taps_in_sequence(kernel, fields, reset, taps):
    """A row of taps, or all, in a cycle: the golden spikes, and the cycles of the model."""
    rng = np.random.default_rng([*kernel, len(fields)])
    groups = fields.get("groups", 1)
    law = Conv(rng.integers(-3, 8, (3, 3 // groups, *kernel)), 4, (3, 5, 7), **fields)
    cells = Neuron(
        np.zeros(3, int),
        rng.integers(5, 12, 3),
        once=reset == "none",
        reset=reset,
        places=law.after.places,
    )
    out = Layer(
        (Connection(("map",), Dense(rng.integers(-2, 8, (2, law.post)), 4)),),
        Neuron(np.zeros(2, int), None),
    )
    layers = {"map": Layer((Connection(("input",), law),), cells), "out": out}
    net = Network(3, {"input": 105}, Counts(2), layers, readout("final-membrane"))
    mapping = Mapping.of(net, taps=taps)
    part = Layout.of(net, mapping).parts["map"]
    assert part.unit.places > 1
    assert part.skips == (reset == "none")
    cost = ENGINES["conv"](part.unit, part.taps).cost
    assert cost.max() == (1 if taps == "all" else Axis.of(law, 0).count.max())
    x = rng.poisson(0.3, (3, 3, 105)).clip(0, 2)
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)


def test_all_taps_of_five_by_five_at_once_are_fifteen_times_as_fast():
    """Additions and touched cells shrink alike: 25 taps in sequence, and all in a cycle."""
    rng = np.random.default_rng(11)
    law = Conv(rng.integers(-4, 8, (8, 1, 5, 5)), 4, (1, 28, 28), padding=(2, 2))
    cells = Neuron(np.zeros(8, int), np.full(8, 90), once=True, places=784)
    out = Layer(
        (Connection(("map",), Dense(rng.integers(-2, 8, (2, law.post)), 4)),),
        Neuron(np.zeros(2, int), None),
    )
    layers = {"map": Layer((Connection(("input",), law),), cells), "out": out}
    net = Network(4, {"input": 784}, Latency(64), layers, readout("final-membrane"))
    # A stroke, as of a pen: pixels side by side.
    x = np.zeros((3, 28, 28), int)
    for n in range(3):
        x[n, 6:22, 9 + n : 15 + n] = rng.integers(64, 256, (16, 6))
    run = net.run(x.reshape(3, -1), record=True)
    one, every = (
        predict(net, Mapping.of(net, taps=(taps, "one"), queue=256), run)[1].sum()
        for taps in ("one", "all")
    )
    assert one > 15 * every


def test_work_counts_every_event_of_a_pool():
    """Two spikes in one window are two events, each added."""
    law = Conv(np.ones((1, 1, 1, 1), int), 4, (1, 1, 2))
    cells = Neuron(np.zeros(1, int), np.full(1, 9), places=2)
    views = (Pool((1, 2, 4), (2, 2)),)
    out = Layer((Connection(("map",), Dense(np.ones((2, 2), int), 2)),), Neuron([0, 0], None))
    layers = {"map": Layer((Connection(("input",), law, views),), cells), "out": out}
    net = Network(2, {"input": 8}, Counts(1), layers, readout("final-membrane"))
    x = np.zeros((1, 2, 8), int)
    x[0, 0, [0, 1, 4, 7]] = 1
    assert work(net, Mapping.of(net), net.run(x, record=True))["map"].tolist() == [4]


def test_taps_at_once_need_all_channels():
    """Fewer lanes than channels, or a sweep in groups, are refused in one sentence."""
    net = pointwise()
    assert Mapping.of(net, taps="all").units["hidden"].banks == (1, 1)  # there is one tap alone
    law = Conv(np.ones((4, 6, 2, 2), int), 4, (6, 2, 2), padding=1)
    cells = Neuron(np.zeros(4, int), np.full(4, 5), places=9)
    out = Layer(
        (Connection(("hidden",), Dense(np.ones((3, 36), int), 4)),), net.layers["out"].neuron
    )
    layers = {"hidden": Layer((Connection(("input",), law),), cells), "out": out}
    net = Network(5, {"input": 24}, Counts(3), layers, readout("final-membrane"))
    with pytest.raises(
        InputError, match=r"^Lanes and sweep width of layer hidden must be its 4 chan"
    ):
        Mapping.of(net, (2, 3), taps="all")
    with pytest.raises(
        InputError, match=r"^Tap of layer out must be one of one, row, all, not 'two'$"
    ):
        Mapping.of(net, taps=("all", "two"))


@examples(8)
@given(
    seed=st.integers(0, 1 << 20),
    stalls=st.sampled_from([(0.0, 0.0), (0.4, 0.0), (0.0, 0.6), (0.4, 0.5)]),
)
def test_random_maps_equal_the_golden_model(seed, stalls):
    """Any network over maps in any layout under stalls: the golden spikes."""
    rng = np.random.default_rng(seed)
    net = random_maps(rng)
    assert_equals(net, random_lanes(rng, net), random_samples(rng, net, 2), stalls=stalls)


@examples(3)
@given(seed=st.integers(0, 1 << 20))
def test_cycles_of_random_maps_are_predicted(seed):
    """Latency and interval are those that were predicted."""
    rng = np.random.default_rng(seed)
    net = random_maps(rng)
    assert_cycles(net, random_lanes(rng, net), random_samples(rng, net, 3))


@each(
    "layers,lanes,memories",
    [(2, (4, 4), [0]), (2, (2, 2), [0]), (2, (4, 2), []), (5, (4, 2, 4, 2, 4), [0, 1])],
    quick=1,
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


@pytest.mark.parametrize("column,taps", [(0, 1), (3, 3)])
def test_additions_wait_for_those_that_they_meet(column, taps):
    """At the border an event adds once, as often as its value says, each 3 cycles later."""
    law = Conv(np.ones((1, 2, 1, 3), int), 4, (2, 1, 6))
    cells = Neuron(np.zeros(1, int), np.full(1, 9), once=True, places=4)
    out = Layer((Connection(("map",), Dense(np.ones((2, 4), int), 2)),), Neuron([0, 0], None))
    layers = {"map": Layer((Connection(("input",), law),), cells), "out": out}
    net = Network(3, {"input": 12}, Counts(2), layers, readout("final-membrane"))
    mapping = Mapping.of(net)
    assert mapping.units["map"].waits == 2
    assert ENGINES["conv"](mapping.units["map"], mapping.taps(net, "map")).cost[2 * column] == taps
    x = np.zeros((2, 3, 12), int)
    x[:, 0, 2 * column] = 1, 2
    x[1, 0, 2 * column + 1] = 1
    assert_equals(net, mapping, x)
    latency, _ = assert_cycles(net, mapping, x)
    assert latency[1] - latency[0] == 6  # two waits more, or two events of three additions


def spacings(out: int, groups: int, shared: bool, padding: int = 1) -> Network:
    """Make a network of taps at places of their own."""
    rng = np.random.default_rng([out, groups, shared])
    taps = (out, 4 // groups, 3)
    offsets = rng.integers(0, 3, (3, 1, 1, 3) if shared else (3, *taps))
    offsets[0] = 0
    spaced = Spaced(
        rng.integers(-4, 8, taps), offsets, 4, (1, 3, 3), (4, 3, 4), padding=padding, groups=groups
    )
    after = spaced.after
    cells = Neuron(
        np.zeros(out, int), rng.integers(5, 15, out), reset="subtract", places=after.places
    )
    behind = Dense(rng.integers(-8, 8, (3, after.size)), 4)
    layers = {
        "hidden": Layer((Connection(("input",), spaced),), cells),
        "out": Layer((Connection(("hidden",), behind),), Neuron(np.zeros(3, int), None)),
    }
    return Network(3, {"input": 48}, Counts(2), layers, readout("final-membrane"))


@pytest.mark.parametrize("padding", [0, 1, 2])
@each(
    "out,groups,shared,lanes,addresses",
    [
        (4, 4, False, 4, 1),  # depthwise
        (8, 4, False, 8, 2),
        (8, 4, False, 1, 1),
        (4, 1, False, 4, 4),
        (4, 1, False, 2, 2),
        (4, 1, True, 4, 1),
        (8, 2, False, 4, 4),
    ],
    quick=3,
)
def test_spacings_have_an_address_for_each_output_that_an_event_meets(
    out, groups, shared, lanes, addresses, padding
):
    """Taps at places of their own: the golden spikes, the cycles of the taps, few addresses."""
    net = spacings(out, groups, shared, padding)
    mapping = Mapping.of(net, (lanes, 3))
    part = Layout.of(net, mapping).parts["hidden"]
    assert part.unit.engine == "spaced"
    assert ENGINES["spaced"](part.unit, part.taps).addresses == addresses
    cost = ENGINES["spaced"](part.unit, part.taps).cost
    assert cost == 3 * max(1, out // groups // lanes)
    x = np.random.default_rng(6).poisson(0.5, (3, 3, 48))
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)


@each("lanes", [(4, 3, 2), (2, 1, 2)], quick=1)
@pytest.mark.parametrize("kind", ["spike-count", "first-spike"])
def test_a_sweep_skips_what_no_event_reached(kind, lanes):
    """Neurons that need an event to fire are swept where there was one, even in no place at all."""
    rng = np.random.default_rng(7)
    first = Conv(rng.integers(-2, 8, (4, 1, 3, 3)), 4, (1, 6, 7), padding=1)
    second = Conv(rng.integers(-4, 8, (6, 2, 2, 2)), 4, (4, 6, 7), stride=2, groups=2)

    def once(law: Conv) -> Neuron:
        return Neuron(
            np.zeros(law.out, int),
            rng.integers(4, 9, law.out),
            once=True,
            places=law.after.places,
        )

    out = Dense(rng.integers(-2, 8, (2, second.post)), 4)
    layers = {
        "first": Layer((Connection(("input",), first),), once(first)),
        "second": Layer((Connection(("first",), second),), once(second)),
        "out": Layer((Connection(("second",), out),), Neuron(np.zeros(2, int), np.full(2, 9))),
    }
    net = Network(4, {"input": 42}, Counts(1), layers, readout(kind))
    mapping = Mapping.of(net, lanes, (2, 1, 1) if lanes[0] == 4 else None)
    parts = Layout.of(net, mapping).parts
    assert [part.skips for part in parts.values()] == [True, True, False]
    x = (rng.random((6, 4, 42)) < 0.1).astype(int)
    x[3], x[4, 1:] = 0, 0  # a sample, then steps without an event
    assert net.run(x, record=True).spikes["second"].any()
    assert_equals(net, mapping, x)
    assert_cycles(net, mapping, x)
    every = predict(net, mapping, net.run(np.ones_like(x), record=True))[0]
    none = predict(net, mapping, net.run(np.zeros_like(x), record=True))[0]
    assert none.max() + 4 * 42 < every.min()  # far less than a cycle for each place and step


def test_an_event_costs_the_taps_that_it_meets():
    """A corner meets four of nine taps, the middle all; in as many chunks as lanes leave."""
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
