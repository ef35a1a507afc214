"""Random networks over maps: quant = model = Verilog, and every cycle as predicted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .maps import random_lanes, random_maps
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
