"""Max pooling: torch's own of spikes, as a layer of the law."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.quant.layers.max_pool import Spiking, Windows

from .twins import assert_equal

GIVEN = {"inputs": (3, 7, 8), "steps": 5, "coding": q.Counts(1), "readout": "spike-count"}
WINDOWS = [(2, 2), (3, 2), (1, 4), (7, 8)]


def pooled(window: tuple[int, int], first: bool = False, **given) -> q.Network:
    """Make a network that pools its input, and then what a convolution makes of that."""
    torch.manual_seed(1)
    return q.Sequential(
        q.MaxPool2d(window, first=first),
        q.Conv2d(4, 1),
        q.LIF(threshold=0.1),
        q.MaxPool2d(1, first=first),
        q.Linear(3),
        q.IF(threshold=0.1),
        **(GIVEN | given),
    ).eval()


def spikes(seed: int, share: float = 0.2) -> np.ndarray:
    """Draw samples (samples, steps, channels, rows, columns) of 0 and 1."""
    return (np.random.default_rng(seed).random((6, 5, 3, 7, 8)) < share).astype(np.int64)


@pytest.mark.parametrize("window", WINDOWS)
def test_pools_are_those_of_torch_at_every_step(window):
    """A pooled neuron spikes where torch's largest is 1; training, model and torch agree."""
    x = spikes(1)
    run = assert_equal(pooled(window), x)
    wanted = nn.functional.max_pool2d(torch.from_numpy(x).flatten(0, 1).double(), window)
    wanted = wanted.unflatten(0, (6, 5)).permute(1, 0, 3, 4, 2).flatten(2)
    assert np.array_equal(run.spikes["layer0"], wanted.numpy())
    assert 0 < wanted.mean() < 1 or window == (7, 8)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_first_spike_of_a_window_is_the_earliest_of_its_places(window):
    """What has spiked so far, pooled by torch, rises in the step in which the pool fires."""
    x = spikes(2, 0.05)
    run = assert_equal(pooled(window, first=True), x)
    so_far = torch.from_numpy(x).cummax(1).values.flatten(0, 1).double()
    so_far = nn.functional.max_pool2d(so_far, window).unflatten(0, (6, 5))
    so_far = so_far.permute(1, 0, 3, 4, 2).flatten(2).numpy()
    assert np.array_equal(run.spikes["layer0"].cumsum(0), so_far)
    assert run.spikes["layer0"].sum(0).max() == 1


def test_counts_are_spikes_too():
    """An input of 3 in a step makes one spike, as one of 1 does."""
    net, x = pooled((2, 2), coding=q.Counts(3)), spikes(3)
    run = assert_equal(net, x * np.random.default_rng(4).integers(1, 4, x.shape))
    assert np.array_equal(run.spikes["layer0"], assert_equal(net, x).spikes["layer0"])


@pytest.mark.parametrize("first", [False, True])
def test_a_pool_may_stand_in_a_loop(first):
    """Step by step it is what it is at once."""
    torch.manual_seed(2)
    net = q.Graph(steps=5, inputs=(3, 7, 8), coding=q.Counts(1))
    a = net.layer(q.Conv2d(2, 2), q.LIF(threshold=0.2), net.input, also=[])
    b = net.layer(q.MaxPool2d((3, 3), first=first), a, name="pool")
    back = q.ConnectionSpec(("pool",), q.Linear(), delay=1)
    c = net.layer(q.Linear(4), q.IF(threshold=0.2), b, also=[back])
    looped = q.ConnectionSpec((c,), q.Linear(), delay=1)
    net.layers[0] = q.LayerSpec(a, (*net.layers[0].connections, looped), net.layers[0].neuron)
    network = net.output(q.Linear(2), q.LI(), c, readout="final-membrane").eval()
    run = assert_equal(network, spikes(5))
    assert run.spikes["pool"].any()


@pytest.mark.parametrize("window", WINDOWS[:3])
def test_the_gradient_goes_to_all_places_that_are_the_largest(window):
    """In equal parts, as torch.amax gives it; of none that spiked, to all; beyond windows none."""
    before = Map(3, 7, 8)
    synapses, first = Windows(before, window), Spiking(3, 1, True)
    x = torch.from_numpy(spikes(6)).float().permute(1, 0, 3, 4, 2).flatten(2)
    for x_of, run in ((x, Spiking(3, 1, False)), (x.cummax(0).values, first)):
        given, other = x_of.clone().requires_grad_(), x_of.clone().requires_grad_()
        s, _ = run(synapses(given))
        grad = torch.randn(s.shape, generator=torch.Generator().manual_seed(1))
        s.backward(grad)
        maps = other.unflatten(-1, (7, 8, 3)).unfold(2, window[0], window[0])
        wanted = maps.unfold(3, window[1], window[1]).amax((-2, -1))
        assert torch.equal(s, wanted.flatten(2))
        wanted.flatten(2).backward(grad)
        assert torch.allclose(given.grad, other.grad, atol=1e-6)


def test_neurons_behind_a_pool_learn_nothing_and_what_is_before_does():
    """It has no parameters; a training through it finds which window holds a bright pixel."""
    torch.manual_seed(1)
    net = q.Sequential(
        q.Conv2d(4, 1, bits=6, standardise="none"),
        q.TTFS(threshold=0.3),
        q.MaxPool2d(4, first=True),
        q.Linear(4, bits=6),
        q.LI(),
        inputs=(1, 8, 8),
        steps=2,
        coding=q.Latency(64),
        readout="final-membrane",
    )
    pool, kernel = net.layers["layer1"], net.layers["layer0"].connections[0].synapses
    assert not list(pool.parameters())
    rng = np.random.default_rng(1)
    y, x = rng.integers(0, 4, 400), np.zeros((400, 8, 8), np.uint8)
    for image, label in zip(x, y, strict=True):
        image[rng.integers(0, 4) + 4 * (label // 2), rng.integers(0, 4) + 4 * (label % 2)] = 255
    before = kernel.matrix.gain.detach().clone(), net.layers["layer0"].neuron.threshold.item()
    trained = q.fit(net, x, y, q.Training(epochs=6, batch_size=20, learning_rate=0.02), seed=1)
    assert trained.best > 0.9  # a quarter by chance
    after = kernel.matrix.gain.detach(), net.layers["layer0"].neuron.threshold.item()
    assert not torch.equal(before[0], after[0]) and before[1] != after[1]


def test_dropout_leaves_out_pooled_neurons_not_what_they_look_at():
    """A window of which one place spikes is left out as often as any neuron, not oftener."""
    net = q.Sequential(
        q.MaxPool2d(1),
        q.MaxPool2d(2),
        q.Conv2d(4, 1),
        q.IF(),
        **(GIVEN | {"inputs": (1, 40, 40), "dropout": 0.5}),
    ).train()
    x = np.zeros((20, 5, 1, 40, 40), np.int64)
    x[..., ::2, ::2] = 1
    seen = []
    net.layers["layer2"].connections[0].register_forward_hook(lambda *it: seen.append(it[1][0]))
    net(x)
    assert seen[0].unique().tolist() == [0, 2]  # what is left makes up for what is not
    assert seen[0].mean() == pytest.approx(1, abs=0.05)


def test_a_recipe_may_name_a_pool(tmp_path):
    """In place of synapses and neuron; what it makes is what Python makes."""
    text = """
data = "own"
[network]
inputs = [2, 6, 6]
steps = 3
coding = { kind = "counts" }
readout = "spike-count"
[[network.layers]]
whole = { kind = "max-pool2d", window = [2, 3], first = true }
[[network.layers]]
synapses = { kind = "linear", out = 3 }
neuron = { kind = "if" }
"""
    path = tmp_path / "pool.toml"
    path.write_text(text)
    law = q.read(path).architecture.build().export().layers["layer0"]
    synapses = law.connections[0].synapses
    assert (synapses.stride, synapses.groups, synapses.after.shape) == ((2, 3), 2, (2, 3, 2))
    assert (synapses.weights == 1).all() and (law.neuron.threshold == 1).all() and law.neuron.once
    for given, sentence in (
        ('first = true }\nneuron = { kind = "if" }', "neuron of layer layer0 must be left out, as"),
        (
            "second = true }",
            "'second' of whole of layer layer0 is unknown; there are window, first",
        ),
    ):
        path.write_text(text.replace("first = true }", given))
        with pytest.raises(InputError, match=re.escape(sentence)):
            q.read(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: q.MaxPool2d(0),
            "MaxPool2d window must be one or two whole numbers in 1..4096, not 0",
        ),
        (lambda: q.MaxPool2d(2, first=1), "MaxPool2d first must be true or false, not 1"),
        (
            lambda: pooled((8, 2)),
            "Layer layer0: MaxPool2d window must fit the 7 x 8 places of the map, not be 8 x 2",
        ),
        (
            lambda: q.Sequential(q.Linear(4), q.IF(), q.MaxPool2d(2), **GIVEN),
            "Layer layer1: MaxPool2d window must fit the 1 x 1 places of the map, not be 2 x 2",
        ),
        (
            lambda: q.Sequential(q.Conv2d(2, 1), q.MaxPool2d(2), q.IF(), **GIVEN),
            (
                "Layer layer0 neuron must be TTFS(), IF(), LIF(), LI(), PSN(), MaskedPSN() or"
                " SlidingPSN(), not MaxPool2d(window=2, first=False)"
            ),
        ),
        (
            lambda: q.Sequential(q.Linear(4), q.Linear(4), **GIVEN),
            (
                "Layer layer0 neuron must be TTFS(), IF(), LIF(), LI(), PSN(), MaskedPSN() or"
                " SlidingPSN(), not Linear(out=4, bits=4, standardise='row', gain=True)"
            ),
        ),
        (
            lambda: q.Schedule(
                q.Sequential(
                    q.Conv2d(2, 1),
                    q.IF(),
                    q.MaxPool2d((7, 8)),
                    **(GIVEN | {"readout": "first-spike"}),
                )
            ),
            (
                "Layer layer1 must have a threshold that can be chosen, as readout first-spike"
                " needs one"
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(make, sentence):
    """One sentence tells whose what must be what."""
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()
