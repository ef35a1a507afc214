"""Random networks over maps: quant = model = Verilog, and every cycle as predicted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
