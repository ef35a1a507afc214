"""The leak, the comparison, the clamp and the reset in gates equal those of the law."""

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeline.model.bounds import Bounds
from spikeline.model.neurons import neuron as golden
from spikeline.rtl.neurons.neuron import Decay, Neuron

from .streams import Bench

EVERY = np.arange(-128, 128)
LEAKS = [(m, k) for k in range(6) for m in range((1 << k) + 1)]
LEAKS += [(m, k) for k in (8, 15) for m in (0, 1, 2, 3, 6, 77, 128, (1 << k) - 1, 1 << k)]


class Forms(wiring.Component):
    """Functions of one signed 8-bit number."""

    def __init__(self, functions, shape=16):
        self.functions = functions
        self.results = [Signal(signed(shape)) for _ in functions]
        super().__init__({"v": In(signed(8))})

    def elaborate(self, platform):
        m = Module()
        for function, result in zip(self.functions, self.results, strict=True):
            m.d.comb += result.eq(function(self.v))
        return m


def evaluate(functions) -> np.ndarray:
    """Evaluate functions for every 8-bit number, (functions, 256)."""
    forms = Forms(functions)
    out = np.empty((len(functions), 256), np.int64)
    bench = Bench(forms)

    def look(ctx, cycle):
        if cycle < 256:
            ctx.set(forms.v, int(EVERY[cycle]))
            out[:, cycle] = [ctx.get(result) for result in forms.results]

    bench.each(look)
    bench.run(lambda: bench.cycle >= 256, quiet=0)
    return out


def neuron(**fields) -> golden.Neuron:
    """A layer of one neuron."""
    fields = {"bias": np.array([0]), "threshold": np.array([5])} | fields
    return golden.Neuron(**fields)


def test_every_leak_equals_the_law_for_every_membrane():
    """Each form of the leak rounds toward minus infinity, as the law does, for all 8-bit v."""
    got = evaluate([Decay.of(leak) for leak in LEAKS])

    for leak, row in zip(LEAKS, got, strict=True):
        assert row.tolist() == neuron(leak=leak).decay(EVERY).tolist(), leak


@pytest.mark.parametrize("leak", LEAKS, ids=lambda x: f"{x[0]}-of-2^{x[1]}")
def test_a_leak_is_reduced(leak):
    """The reduced leak is the same ratio, with m odd, or 0, or k = 0."""
    decay = Decay.of(leak)

    assert decay.m << leak[1] == leak[0] << decay.k
    assert decay.m % 2 or not decay.m or not decay.k


@pytest.mark.parametrize(
    ("leak", "clamp", "leaking"),
    [
        ((1, 0), None, 0),
        ((8, 3), None, 0),
        ((8, 3), (-9, 9), 1),
        ((1, 3), None, 1),
        ((2, 3), None, 1),
        ((0, 3), None, 1),
        ((7, 3), None, 1),
        ((14, 4), None, 1),
        ((5, 3), None, 2),
        ((3, 3), (-9, 9), 2),
    ],
)
def test_rest_follows_the_cheapest_form(leak, clamp, leaking):
    """No cycle for neurons that only integrate, two where a multiplier is needed, else one."""
    made = Neuron(neuron(leak=leak, clamp=clamp), anything())

    assert made.leaking == leaking
    assert made.integrates == (leaking == 0)
    assert made.decay.multiplies == (leaking == 2)


def anything() -> Bounds:
    """Bounds of 8 bits."""
    interval = (np.array([-128]), np.array([127]))
    return Bounds(interval, interval, interval)


THRESHOLDS = [1, 2, 100, 127, 128]
CLAMPS = [None, (-128, 127), (-3, 4), (0, 0), (-100, 1), (0, 99)]


@pytest.mark.parametrize("reset", golden.RESETS)
@pytest.mark.parametrize("clamp", CLAMPS, ids=str)
def test_sweep_equals_the_law_for_every_accumulator(clamp, reset):
    """Spike, membrane and what is kept are those of the law, for all 8-bit sums, thresholds met."""
    functions, expected = [], []
    for theta in THRESHOLDS:
        law = neuron(threshold=np.array([theta]), leak=(3, 2), clamp=clamp, reset=reset)
        made = Neuron(law, anything())
        threshold = Const(theta, signed(9))

        def fires(v, made=made, threshold=threshold):
            return made.fires(v, lambda: threshold)

        def keeps(v, made=made, threshold=threshold):
            return made.reset(made.clamp(v), made.fires(v, lambda: threshold), lambda: threshold)

        functions += [fires, made.clamp, keeps]
        s, h, state = law.step(law.start(256), EVERY[:, None])
        expected += [s, h, state.v]
    got = evaluate(functions)

    assert (got & np.array([[1], [-1], [-1]] * len(THRESHOLDS))).tolist() == np.array(expected)[
        ..., 0
    ].astype(int).tolist()


def test_integrating_neuron_compares_the_sign():
    """Kept at h - theta, a neuron that only integrates fires exactly where h >= theta."""
    made = Neuron(neuron(), anything())
    (got,) = evaluate([lambda v: made.fires(v, lambda: Const(0))])

    assert (got & 1).tolist() == (EVERY + made.offset(0) >= 5).astype(int).tolist()
    assert made.first(0) == -5


def test_silent_neuron_never_fires():
    """Without a threshold nothing fires."""
    made = Neuron(neuron(threshold=None), anything())
    (got,) = evaluate([lambda v: made.fires(v, lambda: Const(0))])

    assert not got.any()


def test_width_holds_every_neuron_of_the_lane():
    """A lane's accumulator is as wide as the widest of the neurons it serves, offset included."""
    interval = (np.array([-10, 0, 0]), np.array([10, 300, 3]))
    law = golden.Neuron(np.zeros(3, int), np.array([200, 1, 1]))
    made = Neuron(law, Bounds(interval, interval, interval))

    assert made.width(range(0, 1)) == 9  # -210 .. -190
    assert made.width(range(1, 2)) == 10  # -1 .. 299
    assert made.width(range(0, 3, 2)) == 9
    assert made.width(range(0, 2)) == 10
