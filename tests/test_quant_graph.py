"""Graphs: evaluation is the model, everything learns, and kinds may come from elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from spikeline.model import network as golden
from spikeline.model import neurons as golden_neurons
from spikeline.model import synapses as golden_synapses
from spikeline.model.codings.counts import Counts
from spikeline.model.errors import InputError
from spikeline.model.neurons.neuron import Neuron as GoldenNeuron
from spikeline.model.readouts import readout
from spikeline.model.store import content_hash
from spikeline.model.synapses import Tap
from spikeline.model.views.crop import Crop
from spikeline.quant.loop import fit
from spikeline.quant.network import Connection, Layer, Network, chain
from spikeline.quant.neurons import Neurons
from spikeline.quant.neurons.neuron import Neuron
from spikeline.quant.neurons.neurons import Step
from spikeline.quant.neurons.surrogate import ATan, round_half_even
from spikeline.quant.synapses import Synapses
from spikeline.quant.synapses.delayed import Delayed
from spikeline.quant.synapses.dense import Dense
from spikeline.quant.training import Training

from .strategies import examples, networks
from .twins import assert_equal, samples, scatter, trainable

STEPS, BINS = 12, 10
RANDOM = np.random.default_rng(0)
Y = RANDOM.integers(0, 3, 300)
# Class c is three channels that sound one after the other, in an order of its own.
X = np.zeros((300, BINS, 6), np.uint8)
for sample, label in enumerate(Y):
    for turn, channel in enumerate(np.roll(np.arange(3), label)):
        X[sample, 3 * turn + RANDOM.integers(0, 2), [channel, channel + 3]] = [1, 2]


def residual(norm: bool = True, delayed: bool = True, dropout: float = 0.0) -> Network:
    """Make two branches whose spikes are added; the first recurs, the last feeds it back."""
    torch.manual_seed(1)

    def neuron(n: int, norm: bool = norm) -> Neuron:
        return Neuron(n, leak=(3, 2), reset="subtract", norm=norm, bias=not norm, rounding="zero")

    own = Delayed(8, 8, 4, STEPS, window=5, least=1) if delayed else Dense(8, 8, 4, STEPS)
    layers = {
        "stem": Layer(
            [
                Connection(("events",), Dense(6, 8, 4, STEPS)),
                Connection(("stem",), own, delay=0 if delayed else 1),
                Connection(("top",), Dense(8, 8, 4, STEPS), delay=2),
            ],
            neuron(8),
        ),
        "branch": Layer([Connection(("stem",), Dense(8, 8, 6, STEPS))], neuron(8, False)),
        "top": Layer(
            [
                Connection(("stem", "branch"), Dense(8, 8, 6, STEPS)),
                Connection(("events",), Dense(3, 8, 4, STEPS), [Crop(2, 3)], delay=1, shift=1),
            ],
            neuron(8),
        ),
        "output": Layer([Connection(("top",), Dense(8, 3, 8, STEPS))], Neuron(3, threshold=None)),
    }
    return Network(
        STEPS, {"events": 6}, Counts(2), layers, readout("final-membrane"), dropout=dropout
    )


@examples(60)
@given(
    law=networks(),
    seed=st.integers(0, 1 << 20),
    norm=st.booleans(),
    bias=st.booleans(),
    shared=st.booleans(),
    learned=st.booleans(),
)
def test_any_graph_is_the_model(
    law: golden.Network, seed: int, norm: bool, bias: bool, shared: bool, learned: bool
) -> None:
    """Forks, joins, skips, loops, views, delays, shifts: all spikes and membranes are equal."""
    net = trainable(law, seed, norm, bias=bias, shared=shared, learned=learned)
    assert_equal(net, samples(net, seed, 5))


@examples(30)
@given(law=networks(bits=(2, 5)), seed=st.integers(0, 1 << 20))
def test_any_graph_trains_what_it_evaluates(law: golden.Network, seed: int) -> None:
    """Where float32 is exact and delays are deltas, training mode computes the same integers."""
    net = trainable(law, seed)
    if net.exact() == torch.float64:
        return
    for kernel in net.kernels():
        kernel.width = 0.0
    x = torch.from_numpy(samples(net, seed, 5))
    evaluated, trained = net(x), net.train()(x)
    for name in net.layers:
        assert torch.equal(evaluated.spikes[name], trained.spikes[name])
        assert torch.equal(evaluated.membranes[name], trained.membranes[name])


@pytest.mark.parametrize("delayed", [False, True], ids=["dense", "delayed"])
@pytest.mark.parametrize("norm", [False, True], ids=["bias", "norm"])
def test_everything_learns_in_a_graph(norm: bool, delayed: bool) -> None:
    """Every parameter of a graph with feedback gets a finite gradient, and some of it counts."""
    net = residual(norm, delayed)
    scatter(net)
    output = net.train()(torch.from_numpy(X[:60])).output
    (output.logits**2).sum().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all(), name
        assert (p.grad != 0).any(), name


def test_what_comes_back_has_the_gradient_of_the_law() -> None:
    """Weights of a loop get the gradient that the law, unrolled by hand, gives them."""
    torch.manual_seed(2)
    net = Network(
        4,
        {"x": 3},
        Counts(2),
        {
            "a": Layer(
                [
                    Connection(("x",), Dense(3, 3, 6, 4)),
                    Connection(("a",), Dense(3, 3, 6, 4), delay=2, shift=1),
                ],
                Neuron(3, reset="subtract"),
            )
        },
        readout("final-membrane"),
    )
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 3, (9, 4, 3)))
    forward, back = net.kernels()
    neuron = net.layers["a"].neuron
    assert isinstance(forward, Dense) and isinstance(back, Dense)
    (net(x).output.membranes ** 2).sum().backward()
    parameters = list(net.parameters())
    mine = [p.grad for p in parameters]
    net.zero_grad(set_to_none=True)

    v, spikes, membranes, theta = torch.zeros(9, 3), [], [], neuron.theta()
    for t in range(4):
        h = v + x[:, t].float() @ forward.integers().T
        if t >= 2:
            h = h + 2 * (spikes[t - 2] @ back.integers().T)
        spikes.append(ATan()((h - theta) / neuron.unit))
        membranes.append(h)
        v = h - spikes[-1] * theta
    by_hand = torch.stack(membranes)
    assert torch.stack(spikes)[:2].any()
    assert torch.equal(by_hand, net(x).output.membranes)
    for p, got in zip(parameters, mine, strict=True):
        (expected,) = torch.autograd.grad((by_hand**2).sum(), p, retain_graph=True)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-3)


def test_recurrence_needs_no_window() -> None:
    """Plain synapses and a connection delay of 1 are what a delay of 1 in the taps is."""
    torch.manual_seed(3)
    plain, tapped = Dense(8, 8, 4, STEPS), Delayed(8, 8, 4, STEPS, window=3, least=1)
    tapped.weight.data.copy_(plain.weight)
    tapped.position.data.fill_(0.0)  # the middle of 0..2
    into, out = Dense(6, 8, 4, STEPS), Dense(8, 3, 4, STEPS)
    runs = []
    for own, delay in ((plain, 1), (tapped, 0)):
        layers = {
            "a": Layer(
                [Connection(("x",), into), Connection(("a",), own, delay=delay)],
                Neuron(8, leak=(3, 2), reset="zero"),
            ),
            "b": Layer([Connection(("a",), out)], Neuron(3, threshold=None)),
        }
        net = Network(STEPS, {"x": 6}, Counts(2), layers, readout("final-membrane")).eval()
        runs.append(net(torch.from_numpy(X[:30])))
    assert runs[0].spikes["a"].any()
    assert torch.equal(runs[0].membranes["b"], runs[1].membranes["b"])


def test_dropout_leaves_out_a_neuron_in_its_loop_too() -> None:
    """Whoever is left out feeds nobody: neither later layers, nor itself, nor earlier ones."""
    net = residual(norm=False, delayed=False, dropout=0.999)
    one = net.train()(torch.from_numpy(X[:60]))
    alone = residual(norm=False, delayed=False).train()
    with torch.no_grad():
        for c in (*alone.layers["stem"].connections[1:], *alone.layers["branch"].connections):
            c.synapses.gain.zero_()  # type: ignore[operator, union-attr]
    two = alone(torch.from_numpy(X[:60]))
    same = (one.spikes["stem"] == two.spikes["stem"]).all(2).all(0)
    assert two.spikes["stem"].any() and same.float().mean() > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"window": 5, "delay": 9},
            "Layer a recurrent delays must be below the 12 steps of the network, not 13",
        ),
        ({"delay": 0}, "Layer a recurrent delays must be at least 1, not 0"),
        # Though no tap has a delay of 0 yet.
        ({"window": 5, "delay": 0}, "Layer a recurrent delays must be at least 1, not 0"),
        ({"source": "b"}, "Layer a must be fed by inputs or layers, not by 'b'"),
        (
            {"norm": True, "alone": True},
            "Layer a with a normalisation must be fed from outside its loop, too",
        ),
    ],
)
def test_what_training_could_break_is_refused_at_once(
    options: dict[str, int], message: str
) -> None:
    """Delays are refused by what they may become, and all else as the model refuses it."""
    given = {"window": 0, "delay": 1, "source": "a", "norm": False, "alone": False} | options
    with pytest.raises(InputError) as refused:
        back: Synapses = Dense(4, 4, 4, STEPS)
        if given["window"]:
            back = Delayed(4, 4, 4, STEPS, window=given["window"])
            back.position.data.fill_(1.0)  # a delay of 1
        fed = [Connection((given["source"],), back, delay=given["delay"])]
        if not given["alone"]:
            fed.append(Connection(("x",), Dense(4, 4, 4, STEPS)))
        neuron = Neuron(4, reset="zero", norm=given["norm"])
        Network(STEPS, {"x": 4}, Counts(1), {"a": Layer(fed, neuron)}, readout("final-membrane"))
    assert str(refused.value) == message


def test_layers_may_have_any_name() -> None:
    """Names that modules use for something else are taken, and lead to the parameters."""
    names = ("items", "train", "forward", "layers")
    layers, source = {}, "values"
    for name in names:
        layers[name] = Layer([Connection((source,), Dense(4, 4, 4, STEPS))], Neuron(4, once=True))
        source = name
    net = Network(STEPS, {"values": 4}, Counts(1), layers, readout("first-spike")).eval()
    assert_equal(net, samples(net, 1))
    assert "layers.items.connections.0.synapses.weight" in net.state_dict()


@pytest.mark.parametrize("delayed", [False, True], ids=["dense", "delayed"])
def test_fit_trains_a_graph(delayed: bool) -> None:
    """A graph with loops learns, is the network that comes out, and the same for the same seed."""
    how = Training(loss="final", logit_scale=0.3, epochs=12, batch_size=16, learning_rate=1e-2)
    net = residual(delayed=delayed)
    trained = fit(net, X, Y, how, seed=1)
    assert trained.best > 0.85
    assert content_hash(net.export()) == content_hash(trained.network)
    again = fit(residual(delayed=delayed), X, Y, how, seed=1)
    assert content_hash(again.network) == content_hash(trained.network)
    assert bool(trained.frozen) == delayed == any(e["delays"] for e in trained.history)
    held = np.random.default_rng(1).permutation(300)[:25]
    assert trained.best == (trained.network.run(X[held]).decision.label == Y[held]).mean()


def test_data_that_do_not_fit_the_network_are_refused() -> None:
    """Samples are refused as the coding refuses them, labels by the number of neurons."""
    net = residual()
    y = RANDOM.normal(size=(300, 3))
    for x, said, message in (
        (X[..., 1:], Y, "Samples must have the shape (samples, up to 12, 6), not (300, 10, 5)"),
        (X, Y + 1, "Labels must be below 3, as the network has as many classes, not 3"),
        (X, y, "Answers must be labels, as the network gives a class, not targets"),
        (
            X * 0,
            Y,
            "limit 2 makes none: scale them to 0..255, or change the coding",
        ),
    ):
        with pytest.raises(InputError) as refused:
            fit(net, x, said, seed=1)
        assert str(refused.value).endswith(message)
    net.readout = readout("membranes")
    for said, message in (
        (
            Y,
            "as the readout membranes gives no class, not labels",
        ),
        (
            y[:, 1:],
            "Targets must number 3 per sample, one for each neuron of the output, not 2",
        ),
        (y * np.nan, "y must be finite targets, not nan"),
    ):
        with pytest.raises(InputError) as refused:
            fit(net, X, said, seed=1)
        assert str(refused.value).endswith(message)


@dataclass(frozen=True, eq=False)
class FrozenOneToOne(golden_synapses.Matrix):
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
    """Its trainable form, with nothing that the protocol does not ask for."""

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

    def export(self, sign: Tensor | None = None) -> FrozenOneToOne:
        """Freeze."""
        w = self.integers().detach()
        return FrozenOneToOne((w if sign is None else w * sign).numpy().astype(np.int8), 6)


@dataclass(frozen=True, eq=False)
class FrozenToggle(GoldenNeuron):
    """Neurons that are those of the package, by another name."""

    kind: ClassVar[str] = "toggle"


class Toggle(Neurons):
    """Integrate and reset to zero, written from nothing but the protocol."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.level = nn.Parameter(torch.ones(size))

    def theta(self) -> Tensor:
        """Make the deployed thresholds."""
        return round_half_even(self.level * self.unit).clamp_min(1)

    def begin(self, x: Tensor) -> Step:
        """Begin samples."""
        v, theta, currents = torch.zeros_like(x[0]), self.theta().to(x.dtype), iter(x)

        def step(back: Tensor | None) -> tuple[Tensor, Tensor]:
            nonlocal v
            h = v + next(currents) + (0 if back is None else back)
            s = ATan()((h - theta) / self.unit)
            v = h * (1 - s)
            return s, h

        return step

    def export(self) -> tuple[golden_neurons.Neurons, None]:
        """Freeze."""
        theta = self.theta().detach().numpy().astype(np.int64)
        return FrozenToggle(np.zeros(self.size, int), theta, reset="zero"), None


def foreign() -> Network:
    """Make a network of kinds that the package does not know, in a chain and in a loop."""
    torch.manual_seed(1)
    layers = {
        "a": Layer(
            [
                Connection(("x",), OneToOne(6), shift=1),
                Connection(("b",), OneToOne(6), delay=1),
            ],
            Toggle(6),
        ),
        "b": Layer([Connection(("a",), OneToOne(6))], Toggle(6)),
        "c": Layer([Connection(("b", "x"), Dense(6, 12, 5, STEPS))], Toggle(12)),
        "d": Layer([Connection(("c",), Dense(12, 3, 5, STEPS))], Neuron(3, threshold=None)),
    }
    return Network(STEPS, {"x": 6}, Counts(2), layers, readout("max-membrane"))


def test_kinds_from_elsewhere_work_by_themselves() -> None:
    """Synapses and neurons that no table lists evaluate as the model, learn, and are trained."""
    net = foreign().eval()
    assert_equal(net, X[:50])
    how = Training(loss="maximum", epochs=8, batch_size=16)
    trained = fit(net, X, Y, how, seed=1)
    assert trained.best > 0.6
    drawn = foreign()
    for (name, p), q in zip(net.named_parameters(), drawn.parameters(), strict=True):
        assert not torch.equal(p, q), name
    assert_equal(net.eval(), X[:50])


def test_output_gives_what_a_loss_needs() -> None:
    """Logits are real, one per sample and neuron, with gradients; the largest is the decision."""
    for kind in ("final-membrane", "max-membrane", "weighted-sum", "spike-count"):
        torch.manual_seed(4)
        weights = np.arange(STEPS) if kind == "weighted-sum" else None
        fires = 1.0 if kind == "spike-count" else None
        stack = [
            (Dense(6, 8, 4, STEPS), Neuron(8, reset="zero")),
            (
                Dense(8, 3, 4, STEPS),
                Neuron(3, threshold=fires, reset="subtract" if fires else "none"),
            ),
        ]
        net = chain(STEPS, 6, Counts(2), stack, readout(kind, weights)).eval()
        x = torch.from_numpy(X[:40])
        output = net(x).output
        assert output.logits.shape == (40, 3)
        label = net.decide(x)[0]
        assert torch.equal(output.logits.gather(1, label[:, None])[:, 0], output.logits.amax(1))
        nn.functional.cross_entropy(output.logits, torch.from_numpy(Y[:40])).backward()
        assert all(p.grad is not None for p in net.parameters())
