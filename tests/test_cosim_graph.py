"""Random graphs from training to Verilog: quant = model = rtl, and every cycle as predicted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikeline.cosim.run import cosim
from spikeline.plan.mapping import Mapping

from .builders import random_mapping, random_network
from .groups import each
from .strategies import examples
from .test_oxford import oxford
from .test_oxford import pytestmark as needs_samples
from .twins import assert_equal, samples, trainable

SAMPLES = 5


# Several tests, so that several processes share the work.
@each("part", range(8), quick=6)
@examples(4)
@given(seed=st.integers(0, 1 << 20))
def test_random_graphs_are_equal_in_training_model_and_verilog(part, seed, tmp_path_factory):
    """Forks, joins, skips, feedback, views, delays, shifts, every output; stalls and none."""
    rng = np.random.default_rng([part, seed])
    net = trainable(random_network(rng), seed)
    x = samples(net, seed, SAMPLES)
    assert_equal(net, x)

    network = net.export()
    assert_verilog(network, random_mapping(rng, network), x, seed, tmp_path_factory.mktemp("graph"))


def assert_verilog(network, mapping, x, seed, folder):
    """Co-simulate with stalls and without: no value differs, and no cycle that is predicted."""
    for stalls in ("none", "random"):
        found = cosim(
            network, mapping, x, None, name="graph", stalls=stalls, seed=seed, folder=folder
        )
        assert found.divergence is None
        assert found.summary["mismatches"] == 0
        assert found.summary["cycles_predicted_wrong"] == (0 if stalls == "none" else None)


@needs_samples
def test_published_network_gives_its_reference_from_verilog(tmp_path):
    """10,178 of 10,178 reference spikes leave the Verilog, and none extra."""
    network, x, reference = oxford()
    found = cosim(network, Mapping.of(network), x, None, name="oxford", folder=tmp_path)

    assert found.divergence is None
    assert found.summary["mismatches"] == found.summary["cycles_predicted_wrong"] == 0
    # All spikes of both layers were compared, those of the last one with these.
    assert found.summary["spikes_compared"] == 2 * reference.shape[0] * (256 + 200)
    assert (network.run(x, record=True).spikes["layer1"][:, 0] == reference).all()
