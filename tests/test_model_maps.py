"""Maps in the golden model: convolutions, pooling, the order of channels."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeline.model.bounds import prove
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.store import content_hash, load, save
from spikeline.model.synapses.causal import Causal
from spikeline.model.synapses.conv import Conv
from spikeline.model.values import Values
from spikeline.model.views.channels_last import ChannelsLast
from spikeline.model.views.pool import Pool
from spikeline.model.views.repeat import Repeat

from .builders import random_samples
from .maps import random_causal, random_conv, random_maps
from .scalar import slow_run
from .strategies import examples


def drawn(seed: int) -> tuple[Conv, np.ndarray]:
    """Draw a convolution, and counts of three steps and two samples."""
    rng = np.random.default_rng(seed)
    before = Map(*(int(n) for n in (rng.choice([1, 2, 3, 4, 6]), *rng.integers(1, 9, 2))))
    return random_conv(rng, before, int(rng.choice([2, 4, 8]))), rng.poisson(
        0.7, (3, 2, before.size)
    )


@examples(100)
@given(seed=st.integers(0, 1 << 20))
def test_convolution_is_that_of_torch(seed):
    """As torch's conv2d in float64, whatever stride, padding, dilation and groups."""
    law, s = drawn(seed)
    maps = torch.from_numpy(law.before.laid(s).astype(float)).flatten(0, 1).permute(0, 3, 1, 2)
    weights = torch.from_numpy(law.weights.astype(float))
    wanted = torch.nn.functional.conv2d(
        maps,
        weights,
        stride=law.stride,
        padding=law.padding,
        dilation=law.dilation,
        groups=law.groups,
    )
    assert wanted.shape[1:] == law.after.shape
    wanted = wanted.permute(0, 2, 3, 1).reshape(3, 2, -1).numpy()
    assert np.array_equal(law.current(s, int(s.max(initial=1))), wanted)


@examples(60)
@given(seed=st.integers(0, 1 << 20))
def test_taps_written_out_are_the_same(seed):
    """As a matrix of taps, for an engine that knows no maps; and one by one, for reports."""
    law, s = drawn(seed)
    weights, delays = law.arrays_of_taps()
    assert not delays.any()
    assert np.array_equal(law.current(s, int(s.max(initial=1))), s @ weights.sum(2).T)
    for j in {0, law.post // 2, law.post - 1}:
        row = np.zeros(law.pre, int)
        for i, w, delay in law.terms(j):
            assert delay == 0
            row[i] += w
        assert np.array_equal(row, weights[j].sum(1))


@examples(60)
@given(seed=st.integers(0, 1 << 20))
def test_bounds_are_those_of_the_taps(seed):
    """At the border of a map fewer taps count."""
    law, _ = drawn(seed)
    weights = law.arrays_of_taps()[0].sum(2)
    low, high = law.arriving(3, 2)
    assert np.array_equal(low, np.tile(3 * np.minimum(weights, 0).sum(1), (2, 1)))
    assert np.array_equal(high, np.tile(3 * np.maximum(weights, 0).sum(1), (2, 1)))


@examples(40)
@given(seed=st.integers(0, 1 << 20))
def test_run_equals_the_law_read_slowly(seed):
    """Random networks over maps: the independent simulator gives every spike and membrane."""
    rng = np.random.default_rng(seed)
    net = random_maps(rng)
    x = random_samples(rng, net, 2)
    run, proven = net.run(x, record=True), prove(net)
    for n in range(len(x)):
        slow = slow_run(net, x[n])
        for name in net.layers:
            assert run.spikes[name][:, n].tolist() == [
                [bool(s) for s in row] for row in slow.spikes[name]
            ]
            assert run.membranes[name][:, n].tolist() == slow.membranes[name]
            low, high = proven[name].accumulator
            for row in slow.accumulators[name]:
                ends = np.array(row)
                assert (ends[:, 0] >= low).all() and (ends[:, 1] <= high).all()
        assert run.decision.label[n] == slow.label


@examples(20)
@given(seed=st.integers(0, 1 << 20))
def test_files_keep_networks_over_maps(seed, tmp_path_factory):
    """Written and read, a network is the same, its shared kernels stored once."""
    net = random_maps(np.random.default_rng(seed))
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    save(net, path)
    assert content_hash(load(path)) == content_hash(net)


def test_places_of_neurons_are_left_out_where_there_are_none(tmp_path: Path):
    """So networks without maps have the bytes that they had before."""
    from spikeline.model.store import describe

    net = random_maps(np.random.default_rng(1))
    described = {x["name"]: x["neuron"] for x in describe(net)["layers"]}
    assert "places" not in described["output"]
    assert (
        described["map0"]["places"] == net.layers["map0"].size // net.layers["map0"].neuron.channels
    )


@pytest.mark.parametrize(
    ("view", "pre"),
    [
        (Pool((3, 6, 4), (2, 2)), 72),
        (Pool((2, 7, 5), (3, 2)), 70),
        (Pool((1, 1, 9), (1, 4)), 9),
        (ChannelsLast(3), 24),
        (Repeat((2, 3, 2), (2, 3)), 12),
        (Repeat((1, 1, 4), (1, 1)), 4),
    ],
    ids=str,
)
def test_views_move_where_they_look(view, pre):
    """What is looked at through a view is what its table moves, added up."""
    s = np.random.default_rng(1).integers(0, 9, (4, pre))
    wanted = np.zeros((4, view.size(pre)), int)
    for i, moved in enumerate(view.table(pre)):
        for at in moved:
            if at >= 0:
                wanted[:, at] += s[:, i]
    assert np.array_equal(view.apply(s), wanted)


def test_pooling_by_hand():
    """Two channels of 3 x 4, windows of 2: the last row is left over."""
    s = np.arange(24).reshape(3, 4, 2)
    pool = Pool((2, 3, 4), 2)
    wanted = [[s[:2, :2, c].sum() for c in (0, 1)], [s[:2, 2:, c].sum() for c in (0, 1)]]
    assert pool.apply(s.ravel()).reshape(2, 2).tolist() == wanted
    assert pool.values(Values(1, 1)) == Values(4, 4)
    assert pool.values(Values(3)) == Values(12)


@examples(40)
@given(seed=st.integers(0, 1 << 20))
def test_repeating_is_up_sampling_of_torch(seed):
    """As torch's interpolate to the nearest, whatever factors."""
    rng = np.random.default_rng(seed)
    view = Repeat(tuple(int(n) for n in rng.integers(1, 6, 3)), tuple(rng.integers(1, 5, 2)))
    s = rng.poisson(0.7, (3, view.before.size))
    maps = torch.from_numpy(view.before.laid(s).astype(float)).permute(0, 3, 1, 2)
    wanted = torch.nn.functional.interpolate(maps, scale_factor=view.factor, mode="nearest")
    assert wanted.shape[1:] == view.after.shape
    assert np.array_equal(view.apply(s), wanted.permute(0, 2, 3, 1).reshape(3, -1).numpy())
    assert view.values(Values(2, 3)) == Values(2, 3)


def conv(**given) -> Conv:
    """Make a convolution of 4 channels into 6, 3 x 3, over 5 x 7."""
    fields = {"weights": np.ones((6, 4, 3, 3), int), "bits": 4, "shape": (4, 5, 7)} | given
    return Conv(**fields)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: conv(shape=(4, 2, 7)),
            "Conv window of 3 rows must fit the 2 rows of the map and 0 of padding at both ends",
        ),
        (
            lambda: conv(dilation=(1, 4)),
            (
                "Conv window of 9 columns must fit the 7 columns of the map and 0 of padding at"
                " both ends"
            ),
        ),
        (
            lambda: conv(shape=(3, 5, 7)),
            "Conv weights must be for 3 input channels, those of a group, not 4",
        ),
        (
            lambda: conv(groups=4),
            "Conv groups must divide the 4 input and 6 output channels, not be 4",
        ),
        (lambda: conv(stride=0), "Conv stride must be one or two whole numbers in 1..4096, not 0"),
        (
            lambda: conv(padding=(1, -1)),
            "Conv padding must be one or two whole numbers in 0..4096, not (1, -1)",
        ),
        (
            lambda: conv(shape=(4, 35)),
            "Conv shape must be channels, rows and columns, each at least 1, not (4, 35)",
        ),
        (
            lambda: conv(weights=np.ones((6, 4, 3), int)),
            (
                "Conv weights must be signed integers of shape (out, in, rows, columns), not int64"
                " (6, 4, 3)"
            ),
        ),
        (
            lambda: conv(weights=np.full((6, 4, 3, 3), 9)),
            "Conv weights must be in -8..7 to fit 4 bits, not 9",
        ),
        (
            lambda: Pool((2, 3, 3), 4),
            "Pool window must fit the 3 x 3 places of the map, not be 4 x 4",
        ),
        (
            lambda: Pool((2, 3, 3), 2).size(17),
            "Pool must look at its 2 x 3 x 3 addresses, not at 17",
        ),
        (
            lambda: Repeat((2, 3, 3), 0),
            "Repeat factor must be one or two whole numbers in 1..4096, not 0",
        ),
        (
            lambda: Repeat((2, 3, 3), (1, 2, 2)),
            "Repeat factor must be one or two whole numbers in 1..4096, not (1, 2, 2)",
        ),
        (
            lambda: Repeat((2, 1024, 1024), (3, 3)),
            "Repeat factor must leave at most 16777216 addresses, not 18874368",
        ),
        (
            lambda: Repeat((2, 3, 3), 2).size(17),
            "Repeat must look at its 2 x 3 x 3 addresses, not at 17",
        ),
        (
            lambda: ChannelsLast(3).size(8),
            "ChannelsLast must look at equally many addresses of 3 channels, not at 8 in all",
        ),
        (
            lambda: Neuron(np.zeros(2, int), None, places=0),
            "Neuron places must be in 1..16777216, not 0",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(make, sentence):
    """One sentence tells whose what must be what."""
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()


def test_large_maps_are_not_written_out():
    """What only an engine of its own can compute is refused before memory is gone."""
    law = Conv(np.ones((16, 1, 3, 3), int), 2, (1, 128, 128), padding=1)
    with pytest.raises(InputError, match="must have an engine of their own above"):
        law.arrays_of_taps()


@examples(100)
@given(seed=st.integers(0, 1 << 20))
def test_causal_convolution_is_that_of_torch(seed):
    """As torch's conv3d in float64, padded before step 0 alone."""
    rng = np.random.default_rng(seed)
    steps = int(rng.integers(1, 7))
    before = Map(*(int(n) for n in (rng.choice([1, 2, 4]), *rng.integers(1, 8, 2))))
    law = random_causal(rng, before, steps)
    s = rng.poisson(0.7, (steps, 2, before.size))
    maps = torch.from_numpy(before.laid(s).astype(float)).permute(1, 4, 0, 2, 3)
    wanted = torch.nn.functional.conv3d(
        torch.nn.functional.pad(maps, (0, 0, 0, 0, law.latest, 0)),
        torch.from_numpy(law.weights.astype(float)),
        stride=(1, *law.stride),
        padding=(0, *law.padding),
        dilation=law.dilation,
        groups=law.groups,
    )
    assert wanted.shape[1:] == (law.out, steps, law.after.rows, law.after.columns)
    wanted = wanted.permute(2, 0, 3, 4, 1).reshape(steps, 2, -1).numpy()
    assert np.array_equal(law.current(s, int(s.max(initial=1))), wanted)


def test_a_kernel_of_one_step_is_a_convolution():
    """Whatever its dilation in time is."""
    law = conv()
    causal = Causal(law.weights[:, :, None], law.bits, law.shape, dilation=(5, 1, 1))
    s = np.random.default_rng(1).poisson(0.7, (3, 2, law.pre))
    assert (causal.latest, causal.earliest) == (0, 0)
    assert np.array_equal(causal.current(s, 9), law.current(s, 9))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"dilation": (1023, 1, 1)},
            "Causal delays must be in 0..1023, not 2046",
        ),
        (
            {"dilation": (1, 2)},
            "Causal dilation must be one or three whole numbers in 1..4096, not (1, 2)",
        ),
        (
            {"dilation": (-1, 1, 1)},
            "Causal dilation must be one or three whole numbers in 1..4096, not (-1, 1, 1)",
        ),
        (
            {"weights": np.ones((6, 4, 3, 3), int)},
            (
                "Causal weights must be signed integers of shape (out, in, steps, rows, columns),"
                " not int64 (6, 4, 3, 3)"
            ),
        ),
        (
            {"dilation": (1, 1, 4)},
            (
                "Causal window of 9 columns must fit the 7 columns of the map and 0 of padding at"
                " both ends"
            ),
        ),
    ],
    ids=["late", "dilation", "negative", "weights", "window"],
)
def test_causal_convolutions_that_do_not_fit_are_refused(given, sentence):
    """One sentence tells whose what must be what."""
    fields = {"weights": np.ones((6, 4, 3, 3, 3), int), "bits": 4, "shape": (4, 5, 7)} | given
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        Causal(**fields)
