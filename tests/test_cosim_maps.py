"""Random networks over maps: quant = model = Verilog, and every cycle as predicted."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikeline import quant as q
from spikeline.plan.engines import ENGINES
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping

from .maps import random_lanes, random_maps, repeated
from .strategies import examples
from .test_cosim_graph import assert_verilog
from .twins import assert_equal, samples, trainable


# Several tests, so that several processes share the work.
@pytest.mark.parametrize("part", range(4))
@examples(4)
@given(seed=st.integers(0, 1 << 20))
def test_random_maps_are_equal_in_training_model_and_verilog(part, seed, tmp_path_factory):
    """Convolutions, pools, sums, concatenations, shared kernels, loops; stalls and none."""
    rng = np.random.default_rng([part, seed])
    net = trainable(random_maps(rng), seed)
    x = samples(net, seed, 5)
    assert_equal(net, x)

    network = net.export()
    assert_verilog(network, random_lanes(rng, network), x, seed, tmp_path_factory.mktemp("maps"))


def test_layers_that_share_a_kernel_read_one_file(tmp_path):
    """From training to Verilog: the model's spikes, and weights once."""
    net = trainable(repeated(2, True), 3)
    x = samples(net, 3, 5)
    assert_equal(net, x)
    network = net.export()
    assert_verilog(network, Mapping.of(network), x, 3, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.hex")) == [
        "graph_map0.hex",
        "graph_output.hex",
    ]


@pytest.mark.parametrize("first", [False, True])
def test_max_pools_are_equal_in_training_model_and_verilog(first, tmp_path):
    """Of spikes at each step, and of first spikes; an event of a pool is one addition."""
    torch.manual_seed(4)
    net = q.Sequential(
        q.Conv2d(4, 3, padding=1),
        q.TTFS(threshold=0.5) if first else q.LIF(threshold=0.5),
        q.MaxPool2d((2, 3), first=first),
        q.Linear(3),
        q.IF(threshold=0.5),
        inputs=(2, 5, 7),
        steps=4,
        coding=q.Counts(2),
        readout="spike-count",
    ).eval()
    x = np.random.default_rng(4).poisson(0.4, (5, 4, 2, 5, 7)).clip(0, 2)
    run = assert_equal(net, x)
    assert run.spikes["layer1"].any() and not run.spikes["layer1"].all()

    network = net.export()
    mapping = Mapping.of(network, (4, 2, 3))
    part = Layout.of(network, mapping).parts["layer1"]
    assert part.skips == first
    # A cycle each, and none of the row and the column that fill no window.
    cost = np.zeros((5, 7, 4), int)
    cost[:4, :6] = 1
    assert (ENGINES[part.unit.engine](part.unit, part.taps).cost == cost.ravel()).all()
    assert_verilog(network, mapping, x.reshape(5, 4, 70), 4, tmp_path)
