"""Evaluation mode computes the exported network, bit for bit: spikes, membranes, decisions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model import network as golden
from spikeline.model.codings.encode import Coding, Counts, Graded, Latency
from spikeline.model.neurons.neuron import RESETS
from spikeline.model.neurons.neuron import Neuron as GoldenNeuron
from spikeline.model.readouts import KINDS, readout
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.readouts.weighted_sum import WeightedSum
from spikeline.model.refuse import Refused
from spikeline.model.synapses.dense import Dense as GoldenDense
from spikeline.quant.network import EXACT, Layer, Network, prove
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.delayed import Delayed
from spikeline.quant.synapses.dense import Dense

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
    layers = []
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
        layers.append(Layer(synapses, Neuron(post, synapses.unit, **neuron), loop))  # type: ignore[arg-type]
    w = random.integers(-3, 8, steps) if kind == "weighted-sum" else None
    net = Network(steps, INPUTS, coding, layers, readout(kind, w))
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "threshold" in name or "bias" in name or "offset" in name:
                p += torch.randn_like(p) * 0.3
            elif "gain" in name:
                p *= torch.where(torch.rand_like(p) < 0.3, -1.0, 1.0) * (0.5 + torch.rand_like(p))
        for layer in net.layers:
            if layer.neuron.norm is not None:
                layer.neuron.norm.mean += torch.randn_like(layer.neuron.norm.mean) * 3
                layer.neuron.norm.variance *= 0.5 + torch.rand_like(layer.neuron.norm.mean)
    return net.eval()


def samples(net: Network, seed: int, n: int = 7) -> np.ndarray:
    """Draw samples that the network's coding takes."""
    random = np.random.default_rng(seed)
    if isinstance(net.coding, Counts):
        return random.integers(0, 5, (n, net.steps, INPUTS))
    return random.integers(0, 256, (n, INPUTS)).astype(np.uint8)


def assert_equal(net: Network, x: np.ndarray) -> golden.Run:
    """Compare all that happens in `net` with the golden run of its export; returns the run."""
    with torch.no_grad():
        trace, decided = net(torch.from_numpy(x)), net.decide(torch.from_numpy(x))
    run = net.export().run(x, record=True)
    assert run.input is not None
    assert np.array_equal(trace.events, run.input.sum(axis=2))
    for mine, law in zip(trace.spikes, run.spikes, strict=True):
        assert np.array_equal(mine.numpy(), law)
    for mine, law in zip(trace.membranes, run.membranes, strict=True):
        assert np.array_equal(mine.numpy(), law)
    assert np.array_equal(decided[0], run.decision.label)
    assert np.array_equal(decided[1], run.decision.step)
    return run


@given(
    seed=st.integers(0, 1 << 30),
    steps=st.integers(1, 9),
    coding=st.sampled_from(CODINGS),
    kind=st.sampled_from(list(KINDS)),
    bits=st.integers(2, 8),
    leak=st.sampled_from(LEAKS),
    shift=st.integers(0, 3),
    clamp=st.sampled_from([None, (-40, 50), (0, 30)]),
    reset=st.sampled_from([*RESETS, "once"]),
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
    assert all(layer.neuron.parallel for layer in net.layers)
    layer = net.layers[0]
    sums = net.encode(torch.from_numpy(samples(net, 1, 50)), True)
    x = net.encode(torch.from_numpy(samples(net, 1, 50)), False)
    assert torch.equal(x.cumsum(0), sums)
    theta, b = layer.neuron.integers()
    together, h = layer.neuron(layer.synapses(sums))
    s, membrane = layer.neuron._loop(layer.synapses(x), theta, b, layer.neuron.unit)
    assert torch.equal(h, membrane) and torch.equal(together, s.cumsum(0))
    assert 0 < s.sum() < s.numel() / 8


def test_training_and_evaluation_agree() -> None:
    """Without normalisation, training mode computes the same integers."""
    for options in ({"once": True}, {"leak": (7, 3), "reset": "subtract", "bias": True}):
        net = network(2, **options)
        x = torch.from_numpy(samples(net, 3))
        evaluated, trained = net(x), net.train()(x)
        assert all(map(torch.equal, evaluated.membranes, trained.membranes))


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
    (trace.membranes[-1] ** 2).mean().add(trace.spikes[-1].sum()).backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all(), name
        assert (p.grad != 0).any(), name


@pytest.mark.parametrize("learned", [False, True], ids=["leak", "learned-leak"])
def test_everything_learns_with_delays(learned: bool) -> None:
    """So do positions of delays, forwards and recurrent, and the leak's multiplier."""
    net = network(4, 9, CODINGS[3], delays="synaptic", recurrent=True, leak=(7, 3), learned=learned)
    net.train()
    trace = net(torch.from_numpy(samples(net, 4, 50)))
    (trace.membranes[-1] ** 2).mean().add(trace.spikes[-1].sum()).backward()
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
    net.layers[1].synapses.register_forward_pre_hook(lambda _, given: passed.append(given[0]))
    trained, evaluated = net.train()(x), net.eval()(x)

    s = trained.spikes[0]
    kept, lost = (passed[0] == 2 * s).all(0), (passed[0] == 0).all(0)
    assert (kept | lost).all()
    fires = s.any(0)
    assert 0.3 < kept[fires].float().mean() < 0.7
    assert all((kept != lost)[:, n].any() for n in range(HIDDEN) if fires[:, n].sum() > 9)
    assert len({tuple(row) for row in (kept & ~lost).tolist()}) > 1
    assert torch.equal(passed[1], evaluated.spikes[0])


def test_thresholds_stay_at_least_one() -> None:
    """A threshold that training drives below 1 counts as 1, and can come back."""
    net = network(6, once=True)
    threshold = net.layers[0].neuron.threshold
    assert threshold is not None
    with torch.no_grad():
        threshold.fill_(-3)
    assert_equal(net, samples(net, 6))
    assert (net.export().layers[0].neuron.threshold == 1).all()
    net(torch.from_numpy(samples(net, 6))).spikes[0].sum().backward()
    assert threshold.grad is not None and threshold.grad.item() < 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_parameter_that_is_no_number_is_refused(value: float) -> None:
    """A training that diverged is told, by the parameter, and exports nothing."""
    net = network(8, delays="synaptic")
    with torch.no_grad():
        net.layers[1].synapses.position[0, 0, 0] = value  # type: ignore[index]
    with pytest.raises(Refused) as refused:
        net(torch.from_numpy(samples(net, 8)))
    assert str(refused.value) == (
        "Network parameter stack.1.synapses.position must be finite, not NaN or infinite;"
        " train with a lower rate"
    )


def big(coding: Coding, **neuron: object) -> golden.Network:
    """Make a network of one neuron that adds up to 127,000 in one of its 20 steps, or in each."""
    dense = GoldenDense(np.full((1, 1000), 127), 8)
    options = {"bias": np.zeros(1, int), "threshold": None} | neuron
    layer = golden.Layer(dense, GoldenNeuron(**options))  # type: ignore[arg-type]
    return golden.Network(20, 1000, coding, (layer,), FinalMembrane())


def bias(b: int) -> dict[str, object]:
    """Give the neuron a bias."""
    return {"bias": np.array([b])}


@pytest.mark.parametrize(
    ("coding", "fits", "neuron", "reach"),
    [
        # 127,000 << 7 = 16,256,000 is below 2**24 = 16,777,216; << 8 is not.
        (Latency(), {"shift": 7}, {"shift": 8}, 127_000 << 8),
        # 20 steps of 800,000 added to 127,000 fit; of 850,000 they do not.
        (Latency(), bias(800_000), bias(850_000), 127_000 + 20 * 850_000),
        # v stays below 127,000, but v m does not fit for m = 140.
        (Latency(), {"leak": (130, 8)}, {"leak": (140, 8)}, 127_000 * 140),
        # A clamp bounds v, not the sum before it.
        (Latency(), {"shift": 7, "clamp": (-9, 9)}, {"shift": 8, "clamp": (-9, 9)}, 127_000 << 8),
        (
            Counts(1),
            {"clamp": (0, 2_000_000)},
            {"clamp": (0, 16_000_000), "shift": 3},
            16_000_000 + (127_000 << 3),
        ),
        # The parallel form adds up the currents without the biases, which would cancel them.
        (
            Counts(1),
            bias(-500_000) | {"shift": 2},
            bias(-500_000) | {"shift": 3},
            20 * (127_000 << 3),
        ),
    ],
    ids=["shift", "bias", "leak", "clamp", "sum before clamp", "sum of currents"],
)
def test_what_float32_cannot_hold_is_refused(
    coding: Coding, fits: dict[str, object], neuron: dict[str, object], reach: int
) -> None:
    """Every intermediate value must stay below 2**24."""
    prove(big(coding, **fits))
    with pytest.raises(Refused) as error:
        prove(big(coding, **neuron))
    assert str(error.value) == (
        f"Layer 0 must stay below 2**24 in every value to be exact in float32, not reach {reach}"
    )


def test_large_weighted_sum_is_refused() -> None:
    """The readout's sum over time must stay below 2**24 too; evaluation itself asks."""
    net = network(1, 4, kind="weighted-sum", once=True)
    net.readout = WeightedSum(np.array([EXACT, 0, 0, 0]))
    with pytest.raises(Refused) as error:
        net(torch.from_numpy(samples(net, 1)))
    sentence = str(error.value)
    start = "Readout weighted-sum must stay below 2**24 to be exact in float32, not reach "
    assert sentence.startswith(start) and int(sentence.removeprefix(start)) % EXACT == 0
    net.train()(torch.from_numpy(samples(net, 1)))
