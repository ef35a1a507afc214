"""Random networks over maps: quant = model = Verilog, and every cycle as predicted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeline.cosim.run import cosim

from .maps import random_lanes, random_maps
from .strategies import examples
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

    network, folder = net.export(), tmp_path_factory.mktemp("maps")
    mapping = random_lanes(rng, network)
    for stalls in ("none", "random"):
        found = cosim(
            network, mapping, x, None, name="maps", stalls=stalls, seed=seed, folder=folder
        )
        assert found.divergence is None
        assert found.summary["mismatches"] == 0
        assert found.summary["cycles_predicted_wrong"] == (0 if stalls == "none" else None)
