"""Evaluation mode computes the exported network, bit for bit: spikes, membranes, decisions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.codings import Coding
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.neurons.neuron import RESETS, ROUNDINGS
from spikeline.model.readouts import KINDS, readout
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.quant.network import Connection, Layer, Network, chain
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.delayed import Delayed
from spikeline.quant.synapses.dense import Dense

from .twins import assert_equal, samples, scatter

INPUTS, HIDDEN, CLASSES = 20, 13, 5
CODINGS = [Latency(64), Graded(5), Graded(6, every=True), Counts(3)]
LEAKS = [(1, 0), (7, 3), (15, 4), (0, 0), (5, 3)]


def network(
    seed: int,
    steps: int = 5,
    coding: Coding = CODINGS[0],
    kind: str = "first-spike",
    bits: int = 4,
    delays: str = "none",
    recurrent: bool = False,
    **neuron: object,
) -> Network:
    """Make a network with random parameters; `neuron` goes to both layers."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    stack = []
    for pre, post in ((INPUTS, HIDDEN), (HIDDEN, CLASSES)):
        window = min(5, steps - 1 + steps % 2)
        synapses = Dense(pre, post, bits, steps)
        if delays != "none":
            synapses = Delayed(
                pre, post, bits, steps, window=window, taps=2, axonal=delays == "axonal"
            )
        loop = None
        if recurrent and window > 1:
            loop = Delayed(post, post, bits, steps, window=window, least=1)
        stack.append((synapses, Neuron(post, **neuron), loop))  # type: ignore[arg-type]
    w = random.integers(-3, 8, steps) if kind == "weighted-sum" else None
    net = chain(steps, INPUTS, coding, stack, readout(kind, w))
    scatter(net)
    return net.eval()


@given(
    seed=st.integers(0, 1 << 30),
    steps=st.integers(1, 9),
    coding=st.sampled_from(CODINGS),
    kind=st.sampled_from(list(KINDS)),
    bits=st.integers(2, 16),
    leak=st.sampled_from(LEAKS),
    clamp=st.sampled_from([None, (-40, 50), (0, 30)]),
    reset=st.sampled_from([*RESETS, "once"]),
    rounding=st.sampled_from(ROUNDINGS),
    shared=st.booleans(),
    bias=st.booleans(),
    norm=st.booleans(),
    learned=st.booleans(),
    delays=st.sampled_from(["none", "synaptic", "axonal"]),
    recurrent=st.booleans(),
)
def test_forward_is_the_model(
    seed: int, steps: int, coding: Coding, kind: str, bits: int, reset: str, **options: object
) -> None:
    """Whatever the neurons, synapses, coding and readout: every value is the model's."""
    options |= {"once": True} if reset == "once" else {"reset": reset}
    net = network(seed, steps, coding, kind, bits, **options)
    assert_equal(net, samples(net, seed))


@pytest.mark.parametrize("bias", [False, True], ids=["plain", "bias"])
def test_all_steps_at_once_are_the_loop(bias: bool) -> None:
    """Neurons that fire once give the same in one product as in a loop over time."""
    net = network(5, 8, bias=bias, once=True)
    assert all(layer.neuron.cumulative for layer in net.layers.values())
    layer = net.layers["layer0"]
    (connection,) = layer.connections
    sums = net.encode(torch.from_numpy(samples(net, 1, 50)), True)
    x = net.encode(torch.from_numpy(samples(net, 1, 50)), False)
    assert torch.equal(x.cumsum(0), sums)
    together, h = layer.neuron(connection(sums))
    step = layer.neuron.begin(connection(x))
    s, membrane = map(torch.stack, zip(*(step(None) for _ in range(8)), strict=True))
    assert torch.equal(h, membrane) and torch.equal(together, s.cumsum(0))
    assert 0 < s.sum() < s.numel() / 8


def test_training_and_evaluation_agree() -> None:
    """Without normalisation, training mode computes the same integers."""
    for options in ({"once": True}, {"leak": (7, 3), "reset": "subtract", "bias": True}):
        net = network(2, **options)
        x = torch.from_numpy(samples(net, 3))
        evaluated, trained = net(x), net.train()(x)
        for name in net.layers:
            assert torch.equal(evaluated.membranes[name], trained.membranes[name])


@pytest.mark.parametrize(
    "options",
    [
        {"once": True, "bias": True},
        {"leak": (7, 3), "reset": "zero", "bias": True},
        {"leak": (15, 4), "reset": "subtract", "clamp": (-99, 99), "norm": True},
        {"reset": "subtract", "norm": True},
    ],
    ids=["once", "zero", "clamp", "norm"],
)
def test_everything_learns(options: dict[str, object]) -> None:
    """Every parameter gets a finite gradient, and some of it is not zero."""
    net = network(4, **options).train()
    trace = net(torch.from_numpy(samples(net, 4, 100)))
    (trace.output.membranes**2).mean().add(trace.output.spikes.sum()).backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all(), name
        assert (p.grad != 0).any(), name


@pytest.mark.parametrize("learned", [False, True], ids=["leak", "learned-leak"])
def test_everything_learns_with_delays(learned: bool) -> None:
    """So do positions of delays, forwards and recurrent, and the leak's multiplier."""
    net = network(4, 9, CODINGS[3], delays="synaptic", recurrent=True, leak=(7, 3), learned=learned)
    net.train()
    trace = net(torch.from_numpy(samples(net, 4, 50)))
    (trace.output.membranes**2).mean().add(trace.output.spikes.sum()).backward()
    names = dict(net.named_parameters())
    assert sum("position" in name for name in names) == 4
    assert sum("kept" in name for name in names) == (2 if learned else 0)
    for name, p in names.items():
        assert p.grad is not None and p.grad.isfinite().all(), name
        assert (p.grad != 0).any(), name


def test_dropout_leaves_out_a_neuron_for_a_whole_sample() -> None:
    """Hidden neurons alone, others in each sample; the rest counts more; none in evaluation."""
    net = network(7, 9, CODINGS[3], leak=(7, 3), reset="zero")
    net.dropout = 0.5
    x, passed = torch.from_numpy(samples(net, 7, 40)), []
    (connection,) = net.layers["layer1"].connections
    connection.register_forward_pre_hook(lambda _, given: passed.append(given[0]))
    trained, evaluated = net.train()(x), net.eval()(x)

    s = trained.spikes["layer0"]
    kept, lost = (passed[0] == 2 * s).all(0), (passed[0] == 0).all(0)
    assert (kept | lost).all()
    fires = s.any(0)
    assert 0.3 < kept[fires].float().mean() < 0.7
    assert all((kept != lost)[:, n].any() for n in range(HIDDEN) if fires[:, n].sum() > 9)
    assert len({tuple(row) for row in (kept & ~lost).tolist()}) > 1
    assert torch.equal(passed[1], evaluated.spikes["layer0"])


def test_thresholds_stay_at_least_one() -> None:
    """A threshold that training drives below 1 counts as 1, and can come back."""
    net = network(6, once=True)
    threshold = net.layers["layer0"].neuron.threshold
    assert threshold is not None
    with torch.no_grad():
        threshold.fill_(-3)
    assert_equal(net, samples(net, 6))
    assert (net.export().layers["layer0"].neuron.threshold == 1).all()
    net(torch.from_numpy(samples(net, 6))).spikes["layer0"].sum().backward()
    assert threshold.grad is not None and threshold.grad.item() < 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameter_that_is_no_number_is_refused(value: float) -> None:
    """A training that diverged is told, by the parameter, and exports nothing."""
    net = network(8, delays="synaptic")
    with torch.no_grad():
        net.last.connections[0].synapses.position[0, 0, 0] = value  # type: ignore[index]
    with pytest.raises(InputError) as refused:
        net(torch.from_numpy(samples(net, 8)))
    assert str(refused.value) == (
        "Network parameter layers.layer1.connections.0.synapses.position must be finite,"
        " not NaN or infinite; train with a lower learning_rate"
    )


def big(coding: Coding, *, shift: int = 0, bias: int = 0, **options: object) -> Network:
    """Make a network of one neuron that adds up to 127,000 in one of its 20 steps, or in each."""
    dense = Dense(1000, 1, 8, 20, standardise="none", gain=False)
    dense.weight.data.fill_(1e3)  # clamped to 127
    options = {"threshold": None, "bias": True} | options
    fed = [Connection(("input",), dense, shift=shift)]
    layer = Layer(fed, Neuron(1, **options))  # type: ignore[arg-type]
    layer.neuron.unit = 1.0
    layer.neuron.bias.data.fill_(bias)  # type: ignore[union-attr]
    return Network(20, {"input": 1000}, coding, {"big": layer}, FinalMembrane()).eval()


@pytest.mark.parametrize(
    ("coding", "fits", "more"),
    [
        # 127,000 << 7 = 16,256,000 is below 2**24 = 16,777,216; << 8 is not.
        (Latency(), {"shift": 7}, {"shift": 8}),
        # 20 steps of 800,000 added to 127,000 fit; of 850,000 they do not.
        (Latency(), {"bias": 800_000}, {"bias": 850_000}),
        # v stays below 127,000, but v m does not fit for m = 140.
        (Latency(), {"leak": (130, 8)}, {"leak": (140, 8)}),
        # A clamp bounds v, not the sum before it.
        (Latency(), {"shift": 7, "clamp": (-9, 9)}, {"shift": 8, "clamp": (-9, 9)}),
        (Counts(1), {"clamp": (0, 2_000_000)}, {"clamp": (0, 16_000_000), "shift": 3}),
        # The cumulative form adds up the currents without the biases, which would cancel them.
        (Counts(1), {"bias": -500_000, "shift": 2}, {"bias": -500_000, "shift": 3}),
    ],
    ids=["shift", "bias", "leak", "clamp", "sum before clamp", "sum of currents"],
)
def test_what_float32_cannot_hold_is_computed_in_float64(
    coding: Coding, fits: dict[str, int], more: dict[str, int]
) -> None:
    """Where a value could reach 2**24, all is computed in float64; it is the model's either way."""
    for options, dtype in ((fits, torch.float32), (more, torch.float64)):
        net = big(coding, **options)
        assert net.exact() == dtype
        x = samples(net, 1)
        assert net(torch.from_numpy(x)).output.membranes.dtype == dtype
        assert_equal(net, x)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_values_beyond_float32_are_the_model(rounding: str) -> None:
    """Membranes that do go beyond 2**24, with odd ones that float32 could not hold."""
    net = big(Counts(1), shift=9, bias=1, leak=(32767, 15), rounding=rounding)
    x = np.ones((3, 20, 1000), np.uint8)
    x[1, :, 1::2], x[2, 3:] = 0, 0
    run = assert_equal(net, x)
    h = run.membranes["big"]
    assert h.max() > 1 << 30 and (h != h.astype(np.float32)).any()


def test_what_float64_cannot_hold_is_refused() -> None:
    """Every intermediate value must stay below 2**53."""
    net = big(Counts(1), shift=15, leak=(32767, 15))
    assert net.exact() == torch.float64
    net = big(Counts(255), shift=15, leak=(32767, 15))
    with pytest.raises(InputError) as error:
        net.exact()
    sentence = "Layer big must stay below 2**53 in every value to be exact in float64, not reach "
    assert str(error.value).startswith(sentence)
    assert int(str(error.value).removeprefix(sentence)) >= 1 << 53


def test_large_weighted_sum_is_refused() -> None:
    """The readout's sum over time must stay below 2**53 too; evaluation itself asks."""
    net = network(1, 4, kind="weighted-sum", once=True, bits=16)
    with torch.no_grad():
        for layer in net.layers.values():
            layer.connections[0].synapses.gain *= 1000  # type: ignore[operator]
    x = samples(net, 1)
    net.readout = WeightedSum(np.array([(1 << 31) - 1, 3, -7, 1]))
    assert_equal(net, x)
    net.readout = WeightedSum(np.full(4, (1 << 31) - 1))
    net.last.connections[0].shift = 4
    with pytest.raises(InputError) as error:
        net(torch.from_numpy(x))
    start = "Readout weighted-sum must stay below 2**53 to be exact in float64, not reach "
    assert str(error.value).startswith(start)
    net.train()(torch.from_numpy(x))
