"""Trainable networks over maps: they compute what they export."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.model.views.channels_last import ChannelsLast
from spikeline.model.views.pool import Pool
from spikeline.model.views.repeat import Repeat
from spikeline.quant.neurons.surrogate import highest
from spikeline.quant.synapses.conv import Conv

from .maps import random_maps
from .strategies import examples
from .twins import assert_equal, samples, trainable


@examples(40)
@given(seed=st.integers(0, 1 << 20), norm=st.booleans())
def test_training_computes_what_is_exported(seed, norm):
    """Random networks over maps, normalised channel by channel or not: the golden integers."""
    net = trainable(random_maps(np.random.default_rng(seed)), seed, norm)
    assert_equal(net, samples(net, seed, 5))


def test_strides_of_one_channel_are_exact():
    """Where torch's own convolution in float32 is not: as long as it is, ours goes another way."""
    random = np.random.default_rng(1)
    for training in (False, True):
        for stride in ((1, 2), (1, 3), (2, 2)):
            kernel = Conv(Map(1, 3, 4), 3, (3, 2), 4, 3, stride=stride, padding=(1, 0))
            x = random.integers(0, 9, (15, 2, 12))
            with torch.no_grad():
                found = kernel.train(training)(torch.from_numpy(x).float())
            assert np.array_equal(found, kernel.export().current(x, 8))


def maps(**given) -> q.Sequential:
    """Make a small network of two convolutions."""
    fields = {"inputs": (2, 8, 6), "steps": 4, "coding": q.Counts(2), "readout": "spike-count"}
    return q.Sequential(
        q.Conv2d(4, 3, padding=1),
        q.TTFS(norm=True, shared=False),
        q.SumPool2d(2),
        q.Conv2d(6, (3, 2), stride=2, groups=2, padding=(1, 0)),
        q.LIF(),
        q.Flatten(),
        q.Linear(5),
        q.IF(),
        **(fields | given),
    )


def test_shapes_follow_from_the_input():
    """Maps of layers, views with their maps, one threshold and statistic per channel."""
    net = maps()
    first, second, last = net.layers.values()
    assert (first.neuron.channels, first.neuron.places) == (4, 48)
    assert first.neuron.threshold.shape == first.neuron.norms()[0].mean.shape == (4,)
    assert first.connections[0].views == (ChannelsLast(2),)  # data come channel by channel
    assert second.connections[0].views == (Pool((4, 8, 6), (2, 2)),)
    assert (second.neuron.channels, second.neuron.places) == (6, 2)
    assert last.connections[0].synapses.pre == 12
    assert net.export().layers["layer0"].neuron.places == 48


def test_order_of_images_is_that_of_torch():
    """A sample (channels, rows, columns) meets the kernel as in torch's conv2d."""
    net = maps().eval()
    law = net.export().layers["layer0"].connections[0]
    x = np.random.default_rng(1).integers(0, 3, (3, 4, 2, 8, 6))
    run = net.export().run(x, record=True)
    seen = torch.from_numpy(x).flatten(0, 1).double()
    w = torch.from_numpy(law.synapses.weights).double()
    wanted = torch.nn.functional.conv2d(seen, w, padding=1).unflatten(0, (3, 4))
    s = law.look(run.input.astype(np.int64))
    found = law.synapses.current(s, 2).reshape(4, 3, 8, 6, 4)
    assert np.array_equal(wanted.numpy(), found.transpose(1, 0, 4, 2, 3))


def test_up_sampling_is_that_of_torch():
    """What a kernel sees of an enlarged map is what it sees in torch; files keep the view."""
    net = q.Sequential(
        q.Upsample((3, 2)),
        q.Conv2d(4, 3, padding=1),
        q.IF(),
        q.Linear(2),
        q.LI(),
        inputs=(2, 3, 4),
        steps=3,
        coding=q.Counts(3),
        readout="final-membrane",
    ).eval()
    x = np.random.default_rng(1).integers(0, 4, (2, 3, 2, 3, 4))
    assert_equal(net, x)
    law = net.export().layers["layer0"].connections[0]
    assert law.views == (ChannelsLast(2), Repeat((2, 3, 4), (3, 2)))
    seen = torch.nn.Upsample(scale_factor=(3.0, 2.0), mode="nearest")(
        torch.from_numpy(x).flatten(0, 1).double()
    )
    w = torch.from_numpy(law.synapses.weights).double()
    wanted = torch.nn.functional.conv2d(seen, w, padding=1).permute(0, 2, 3, 1).reshape(2, 3, -1)
    found = law.synapses.current(law.look(x.reshape(2, 3, -1)), 3)
    assert np.array_equal(found, wanted.numpy())


@pytest.mark.parametrize("window", [2, (1, 4), (2, 1)])
def test_averages_are_those_of_torch(window):
    """Spikes are those of torch's avg_pool2d in float64; training computes the deployed integers.

    Windows have powers of two of places, so that nothing is rounded in float64.
    """
    torch.manual_seed(4)
    net = q.Sequential(
        q.AvgPool2d(window),
        q.Conv2d(4, 2),
        q.TTFS(threshold=0.4),
        q.Linear(2),
        q.LI(),
        inputs=(2, 4, 8),
        steps=4,
        coding=q.Counts(3),
        readout="final-membrane",
    ).eval()
    x = np.random.default_rng(1).integers(0, 4, (5, 4, 2, 4, 8))
    run, law = assert_equal(net, x), net.export().layers["layer0"]
    fed = net.layers["layer0"].connections[0]
    places = np.prod(fed.views[-1].window)
    assert law.neuron.threshold.tolist() == [round(0.4 * fed.synapses.unit * places)] * 4
    seen = nn.functional.avg_pool2d(torch.from_numpy(x).flatten(0, 1).double(), window)
    w = torch.from_numpy(law.connections[0].synapses.weights).double()
    h = nn.functional.conv2d(seen, w).unflatten(0, (5, 4)).cumsum(1)
    above = (h * places >= law.neuron.threshold[0]).int()
    first = above * (above.cumsum(1) == 1)
    wanted = first.permute(1, 0, 3, 4, 2).reshape(4, 5, -1).numpy()
    assert 0.1 < wanted.any(axis=0).mean() < 1
    assert np.array_equal(run.spikes["layer0"], wanted)
    assert np.array_equal(
        run.membranes["layer0"], (h * places).permute(1, 0, 3, 4, 2).reshape(4, 5, -1).numpy()
    )


def test_float_weights_behind_an_average_keep_their_threshold():
    """A threshold is as many times as large as a window has places, whatever that is."""
    net = q.Sequential(
        q.AvgPool2d((2, 3)),
        q.Linear(3, bits=8),
        q.IF(threshold=0.5, reset="subtract"),
        inputs=(1, 4, 6),
        steps=2,
        coding=q.Counts(3),
        readout="spike-count",
    )
    w = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    scale = net.load_float({"weight": w})["layer0"]["scale"]
    layer = net.export().layers["layer0"]
    assert np.array_equal(
        layer.connections[0].synapses.weights, (w * scale / 6).round().clamp(-127, 127)
    )
    assert layer.neuron.threshold.tolist() == [round(0.5 * scale)] * 3


def test_an_average_is_added_to_what_is_as_large():
    """A shift makes up for the places of a window; without it the sum is refused."""

    def made(shift: int) -> q.Network:
        net = q.Graph(steps=2, inputs=(1, 4, 4), coding=q.Counts(1))
        small = q.ConnectionSpec("input", q.Conv2d(1, 2, stride=2), shift=shift)
        return net.output(
            q.Conv2d(1, 1),
            q.IF(),
            "input",
            views=[q.AvgPool2d(2)],
            also=[small],
            readout="spike-count",
        )

    first, second = made(2).layers["output"].connections
    assert (first.scale, second.scale) == (4, 4)
    sentence = (
        "Layer output: Layer connections must all be as many times as large as an average is of"
        " places, by their shift, not 4, 1"
    )
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        made(0)


def test_one_dimension():
    """Conv1d goes along a map of one row."""
    net = q.Sequential(
        q.Conv1d(3, 5, stride=2, padding=1, dilation=2),
        q.TTFS(),
        q.Linear(4),
        q.TTFS(),
        inputs=(2, 1, 20),
        steps=3,
        coding=q.Latency(),
        readout="first-spike",
    )
    kernel = net.export().layers["layer0"].connections[0].synapses
    assert kernel.after.shape == (3, 1, 7)
    assert (kernel.stride, kernel.padding, kernel.dilation) == ((1, 2), (0, 1), (1, 2))
    assert_equal(net.eval(), samples(net, 1))


def test_a_graph_of_maps_trains():
    """Two branches of one map are added; it learns, and computes what is exported."""
    torch.manual_seed(1)
    net = q.Graph(steps=4, inputs=(1, 6, 6), coding=q.Latency(16))
    a = net.layer(q.Conv2d(4, 3, padding=1), q.TTFS(), net.input)
    b = net.layer(q.Conv2d(4, 3, padding=1), q.TTFS(), a)
    network = net.output(q.Linear(3), q.TTFS(), a, b, views=[q.SumPool2d(2)], readout="first-spike")
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 200)
    x = rng.integers(0, 90, (200, 6, 6))
    for n, label in enumerate(y):
        x[n, 2 * label : 2 * label + 2] += 160
    trained = q.fit(network, x.astype(np.uint8), y, q.Training(epochs=6, batch_size=32), seed=1)
    assert trained.best > 0.8
    assert_equal(network.eval(), x[:20].astype(np.uint8))


def test_highest_is_cummax():
    """Values and gradients have the bits of torch's."""
    random = torch.Generator().manual_seed(3)
    for steps in (1, 2, 5, 9):
        x = torch.randint(-3, 4, (steps, 30, 7), generator=random).float().requires_grad_()
        grad, found = torch.randn(steps, 30, 7, generator=random), []
        for how in (lambda x: x.cummax(0).values, highest):
            x.grad = None
            y = how(x)
            y.backward(grad)
            found.append((y.detach(), x.grad))
        assert torch.equal(found[0][0], found[1][0])
        assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: maps(inputs=(2, 8, 2)),
            (
                "Layer layer1: Conv window of 2 columns must fit the 1 columns of the map and 0 of"
                " padding at both ends"
            ),
        ),
        (
            lambda: maps(inputs=(2, 1, 6)),
            "Layer layer1: Pool window must fit the 1 x 6 places of the map, not be 2 x 2",
        ),
        (
            lambda: maps(inputs=(2, 8)),
            (
                "Network input input shape must be channels, rows and columns, each at least 1, not"
                " (2, 8)"
            ),
        ),
        (lambda: q.Conv2d(0, 3), "Conv2d out must be in 1..65536, not 0"),
        (
            lambda: q.AvgPool2d(0),
            "AvgPool2d window must be one or two whole numbers in 1..4096, not 0",
        ),
        (
            lambda: q.Upsample(0),
            "Upsample scale_factor must be one or two whole numbers in 1..4096, not 0",
        ),
        (
            lambda: q.Upsample(2.0),
            "Upsample scale_factor must be one or two whole numbers in 1..4096, not 2.0",
        ),
        (
            lambda: q.Conv2d(4, 3, stride=0),
            "Conv2d stride must be one or two whole numbers in 1..4096, not 0",
        ),
        (
            lambda: q.Sequential(
                q.Conv2d(4, 3, groups=2),
                q.TTFS(),
                inputs=(3, 5, 5),
                steps=2,
                coding=q.Latency(),
                readout="first-spike",
            ),
            "Layer layer0: Conv2d groups must divide the 3 input and 4 output channels, not be 2",
        ),
        (
            lambda: q.Sequential(
                q.Linear(4),
                q.TTFS(),
                q.SumPool2d(2),
                inputs=8,
                steps=2,
                coding=q.Latency(),
                readout="first-spike",
            ),
            "Sequential must have views before synapses, not at its end",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(make, sentence):
    """One sentence tells whose what must be what."""
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()


def test_time_is_an_axis_of_a_kernel():
    """Conv3d sees the steps before, in a loop too; it learns from them, and computes its export."""
    torch.manual_seed(2)
    net = q.Graph(steps=8, inputs=(2, 5, 4), coding=q.Counts(2))
    a = net.layer(
        q.Conv3d(4, (3, 3, 1), padding=(1, 0), dilation=(2, 1, 1)),
        q.LIF(recurrent=q.Conv3d(4, (2, 3, 3), padding=1)),
        net.input,
    )
    network = net.output(q.Linear(3), q.LI(), a, readout="max-membrane").eval()
    forward, back = (c.synapses.export() for c in network.layers[a].connections)
    assert (list(forward.delays), list(back.delays)) == ([4, 2, 0], [1, 0])
    x = np.random.default_rng(1).poisson(0.5, (5, 8, 2, 5, 4))
    assert assert_equal(network, x).spikes[a].any()
    weights = network.train().layers[a].connections[0].synapses.matrix.weight
    network(torch.from_numpy(x)).logits.sum().backward()
    slope = weights.grad.view(4, 2, 3, 3, 1)
    assert (slope.abs().sum((0, 1, 3, 4)) > 0).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: q.Conv3d(4, (0, 3, 3)),
            "Conv3d kernel_size must be one or three whole numbers in 1..1024, not (0, 3, 3)",
        ),
        (
            lambda: q.Conv3d(4, 3, dilation=(1, 1)),
            "Conv3d dilation must be one or three whole numbers in 1..4096, not (1, 1)",
        ),
        (
            lambda: q.Conv3d(4, 3, padding=-1),
            "Conv3d padding must be one or two whole numbers in 0..4096, not -1",
        ),
    ],
    ids=["kernel", "dilation", "padding"],
)
def test_kernels_with_steps_that_cannot_be_are_refused(make, sentence):
    """One sentence tells whose what must be what."""
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()
