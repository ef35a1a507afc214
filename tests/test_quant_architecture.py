"""Networks as they are written down: sizes are inferred, the law is the same, mistakes are told."""

from typing import Any

import numpy as np
import pytest
import torch

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.quant.network import Connection, Layer, Network, chain
from spikeline.quant.neurons.named import multiplier_and_shift
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.synapses.delayed import Delayed
from spikeline.quant.synapses.dense import Dense

X = np.random.default_rng(1).integers(0, 4, (9, 5, 6)).astype(np.uint8)
GIVEN: dict[str, Any] = {
    "steps": 5,
    "inputs": 6,
    "coding": q.Counts(3),
    "readout": "max-membrane",
}


def same(net: Network, other: Network) -> bool:
    """Whether two networks have the same parameters and give the same membranes."""
    left, right = (list(n.parameters()) for n in (net, other))
    equal = len(left) == len(right) and all(map(torch.equal, left, right))
    membranes = [n.eval()(torch.from_numpy(X)).membranes for n in (net, other)]
    return equal and all(
        torch.equal(a, b) for a, b in zip(*(m.values() for m in membranes), strict=True)
    )


def test_a_chain_is_the_network_of_its_modules() -> None:
    """Sequential draws what the modules draw by hand, and computes the same."""
    torch.manual_seed(1)
    made = q.Sequential(
        q.Linear(8, bits=5), q.LIF(3 / 4, reset="subtract"), q.Linear(3), q.LI(1 / 2), **GIVEN
    )
    torch.manual_seed(1)
    stack = [
        (Dense(6, 8, 5, 5), Neuron(8, leak=(3, 2), reset="subtract")),
        (Dense(8, 3, 4, 5), Neuron(3, threshold=None, leak=(1, 1))),
    ]
    by_hand = chain(5, 6, q.Counts(3), stack, made.readout)
    assert same(made, by_hand)


def test_a_graph_is_the_network_of_its_modules() -> None:
    """Sizes come from the sources; a recurrence has the delay of 1, one of delays begins at 1."""
    torch.manual_seed(1)
    net = q.Graph(steps=5, inputs={"a": 4, "b": 2}, coding=q.Counts(3))
    stem = net.layer(
        q.Linear(8), q.IF(recurrent=q.Linear(bits=6)), "a", name="stem", shift=1, delay=2
    )
    top = net.layer(
        q.Linear(8),
        q.TTFS(recurrent=q.DelayedLinear(max_delay=2)),
        stem,
        name="top",
        also=[q.ConnectionSpec("b", q.Linear(), views=(q.Crop(1, 1),))],
    )
    made = net.output(q.Linear(3), q.LI(), stem, top, readout="max-membrane")
    torch.manual_seed(1)
    layers = {
        "stem": Layer(
            [
                Connection(("a",), Dense(4, 8, 4, 5), delay=2, shift=1),
                Connection(("stem",), Dense(8, 8, 6, 5), delay=1),
            ],
            Neuron(8, reset="zero"),
        ),
        "top": Layer(
            [
                Connection(("stem",), Dense(8, 8, 4, 5)),
                Connection(("b",), Dense(1, 8, 4, 5), [q.Crop(1, 1)]),
                Connection(("top",), Delayed(8, 8, 4, 5, window=3, least=1)),
            ],
            Neuron(8, once=True),
        ),
        "output": Layer(
            [Connection(("stem", "top"), Dense(8, 3, 4, 5))], Neuron(3, threshold=None)
        ),
    }
    by_hand = Network(5, {"a": 4, "b": 2}, q.Counts(3), layers, made.readout)
    assert same(made, by_hand)
    assert list(made.layers) == ["stem", "top", "output"]


def test_a_refused_output_can_be_corrected() -> None:
    """What was refused leaves no layer behind; a name of one's own makes no other one collide."""
    net = q.Graph(steps=5, inputs=6, coding=q.Counts(3))
    first = net.layer(q.Linear(4), q.LIF(), net.input, name="layer1")
    assert net.layer(q.Linear(4), q.LIF(), first) == "layer2"
    with pytest.raises(InputError):
        net.output(q.Linear(3), q.LI(), first, readout="argmax")
    made = net.output(q.Linear(3), q.LI(), "layer2", readout="max-membrane")
    assert list(made.layers) == ["layer1", "layer2", "output"]


def test_inputs_that_rarely_fire_have_no_weights() -> None:
    """min_rate 0 leaves out inputs that never fire, 0.5 those that fire in half of the samples."""
    layer = q.LayerSpec("a", (q.ConnectionSpec("input", q.Linear(3, 8, "none")),), q.LI())
    x = np.zeros((4, 5, 6), np.uint8)
    x[:2, 3, 1] = x[:3, 0, 2] = 1
    for rate, fired in ((0.0, [1, 2]), (0.5, [2])):
        of = q.Architecture(layers=(layer,), min_rate=rate, **GIVEN)
        weights = of.build(x).export().layers["a"].connections[0].synapses.weights  # type: ignore[attr-defined]
        assert np.flatnonzero(weights.any(axis=0)).tolist() == fired
    with pytest.raises(InputError) as refused:
        q.Architecture(layers=(layer,), min_rate=0.0, **GIVEN).build()
    assert str(refused.value) == "Network with a min_rate must be built for training samples"


@pytest.mark.parametrize(
    ("leak", "pair"),
    [(7 / 8, (7, 3)), (1, (1, 0)), (0.0, (0, 0)), ((5, 10), (5, 10)), (1 - 2**-15, (32767, 15))],
)
def test_leaks_are_shares_of_a_power_of_two(leak: Any, pair: tuple[int, int]) -> None:
    """snnTorch's beta of 7/8 is (7, 3); a pair stays as it is."""
    assert multiplier_and_shift("LIF leak", leak) == pair


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: q.LIF(0.9), "such as 115/128 = 0.8984375, not 0.9"),
        (lambda: q.LIF(0.999), "such as 1023/1024 = 0.9990234375, not 0.999"),
        (lambda: q.LIF(1.5), "LIF leak must be in 0..1, not 1.5"),
        (lambda: q.LI("half"), "LI leak must be a number or two integers m, k, not 'half'"),
        (lambda: q.LIF((9, 3)), "LIF leak multiplier must be in 0..8, not 9"),
        (lambda: q.LIF(reset="none"), "LIF reset must be one of zero, subtract, not 'none'"),
        (lambda: q.IF(threshold=float("nan")), "IF threshold must be a number, not nan"),
        (lambda: q.TTFS(threshold=-1), "TTFS threshold must be in 1e-06..1e+06, not -1"),
        (lambda: q.TTFS(clamp=(1, 2)), "TTFS clamp must be two integers around 0, not (1, 2)"),
        (
            lambda: q.IF(recurrent=8),
            "IF recurrent must be synapses such as Linear(), not 8",
        ),
        (
            lambda: q.IF(surrogate="atan"),
            "IF surrogate must be a Surrogate such as ATan(), not 'atan'",
        ),
        (lambda: q.Linear(0), "Linear out must be in 1..65536, not 0"),
        (lambda: q.Linear(3.0), "Linear out must be an integer in 1..65536, not 3.0"),
        (lambda: q.Linear(3, bits=1), "Linear bits must be in 2..16, not 1"),
        (lambda: q.DelayedLinear(3, max_delay=5), "DelayedLinear max_delay must be even, not 5"),
        (
            lambda: q.DelayedLinear(3, profile="box"),
            "DelayedLinear profile must be one of linear, triangle, wide, gauss, not 'box'",
        ),
        (
            lambda: q.Sequential(q.Linear(3), **GIVEN),
            "synapses and neurons in turn, such as Linear(64), LIF(), not 1 part",
        ),
        (
            lambda: q.Sequential(q.LI(), q.Linear(3), **GIVEN),
            (
                "Connection synapses must be Linear(), DelayedLinear(), Conv1d(), Conv2d(),"
                " Conv3d(), Dcls1d(), Dcls2d() or Dcls3d(), not LI"
            ),
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LIF, **GIVEN),
            (
                "Layer layer0 neuron must be TTFS(), IF(), LIF(), LI(), PSN(), MaskedPSN() or"
                " SlidingPSN(), not LIF without ()"
            ),
        ),
        (
            lambda: q.Sequential(torch.nn.Linear(6, 3), q.LI(), **GIVEN),
            "not Linear(in_features=6, out_features=3, bias=True)",
        ),
        (
            lambda: q.Sequential(q.Linear(), q.LI(), **GIVEN),
            "Layer layer0 must have a number of neurons: give it to the synapses, as in Linear(64)",
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LI(), **GIVEN | {"readout": "argmax"}),
            "final-membrane, spikes, membranes, not 'argmax'",
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LI(), **GIVEN | {"readout": "spike-count"}),
            "Readout spike-count must follow neurons with a threshold",
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LI(), **GIVEN | {"coding": "counts"}),
            "Network coding must be Counts(), Latency() or Graded(), not 'counts'",
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LI(), **GIVEN | {"steps": 0}),
            "Network steps must be in 1..32768, not 0",
        ),
        (
            lambda: q.Sequential(q.Linear(3), q.LI(), **GIVEN, dropout=1.0),
            "Network dropout must be in 0..0.95, not 1",
        ),
        (
            lambda: q.Sequential(q.DelayedLinear(3, max_delay=8), q.LI(), **GIVEN),
            "Layer layer0 max_delay must be below the 5 steps of the network, not 8",
        ),
        (
            lambda: graph().output(q.Linear(3), q.LI(), "hiden", readout="max-membrane"),
            "Layer output must be fed by inputs or layers, not by 'hiden'",
        ),
        (
            lambda: graph().output(q.Linear(3), q.LI(), readout="max-membrane"),
            "Layer output must be fed by inputs or layers, not by nothing",
        ),
        (
            lambda: graph().output(
                q.Linear(3), q.LI(), "input", name="hidden", readout="max-membrane"
            ),
            "Layer hidden must have a name of its own; another one is called so",
        ),
        (
            lambda: graph().output(
                q.Linear(3),
                q.LI(),
                "hidden",
                also=[q.ConnectionSpec("input", q.Linear(4))],
                readout="max-membrane",
            ),
            "Layer output connections must feed equally many neurons, not 3 and 4",
        ),
    ],
)
def test_mistakes_are_told(make: Any, message: str) -> None:
    """What cannot be is refused where it is written, in one sentence."""
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value).endswith(message)


def graph() -> q.Graph:
    """Begin a graph with a hidden layer."""
    net = q.Graph(steps=5, inputs=6, coding=q.Counts(3))
    net.layer(q.Linear(4), q.LIF(), net.input, name="hidden")
    return net


def test_samples_are_checked_in_every_forward() -> None:
    """A network takes tensors and arrays of whole numbers in its shape, and nothing else."""
    net = q.Sequential(q.Linear(3), q.LI(), **GIVEN)
    flat = net(torch.from_numpy(X)).logits
    assert torch.equal(net(X.reshape(9, 5, 2, 3)).logits, flat)
    for x, message in (
        (X / 4, "Samples must be integers in 0..255, not float64 from 0 to 0.75"),
        (torch.full((2, 5, 6), -1), "Samples must be integers in 0..255, not int64 from -1 to -1"),
        (X[:, :, 1:], "Samples must have the shape (samples, up to 5, 6), not (9, 5, 5)"),
        (
            np.zeros((2, 6, 6), int),
            "Samples must have the shape (samples, up to 5, 6), not (2, 6, 6)",
        ),
        (X.astype(object), "Samples must be numbers, not object"),
        (X * 1j, "Samples must be integers in 0..255, not complex numbers"),
    ):
        with pytest.raises(InputError) as refused:
            net(x)
        assert str(refused.value) == message
