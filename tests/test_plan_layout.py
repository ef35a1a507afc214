"""Layouts of graphs: nothing waits for ever, at the depths that the layout proves."""

from dataclasses import replace

import numpy as np

from spikeline.model.network import Network
from spikeline.plan import layout
from spikeline.plan.cycles import predict
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping

from .builders import random_network, random_samples
from .groups import each

PARTS = 8  # so that several processes share the work


def case(seed: int) -> tuple[Network, Mapping, np.ndarray]:
    """Draw a graph of three layers or more, whose queues hold as little as they may."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, layers=(3, 8))
    lanes = [int(rng.integers(1, layer.size + 1)) for layer in network.layers.values()]
    return network, Mapping.of(network, lanes, queue=1), random_samples(rng, network, 3)


def ends(network: Network, mapping: Mapping, x: np.ndarray) -> bool:
    """Tell whether every sample is answered."""
    try:
        predict(network, mapping, network.run(x, record=True))
    except RuntimeError as error:
        assert "must answer every sample" in str(error)
        return False
    return True


@each("part", range(PARTS), quick=1)
def test_three_thousand_random_graphs_end(part):
    """Joins in topological order need a place for one vector in each queue, and no more."""
    for seed in range(part, 3000, PARTS):
        assert ends(*case(seed)), seed


def test_joins_in_another_order_wait_for_ever(monkeypatch):
    """Where joins take what comes forward in the order turned round, some graphs stop."""
    right = layout._edges

    def wrong(*args):
        edges = right(*args)
        back = [edge for edge in edges if edge.back]
        return tuple(back + [edge for edge in edges if not edge.back][::-1])

    monkeypatch.setattr(layout, "_edges", wrong)
    assert not all(ends(*case(seed)) for seed in range(60))


def test_what_comes_back_needs_room_for_a_step(monkeypatch):
    """Where the way back holds less than a step, some graphs stop."""
    right = layout._edges

    def wrong(*args):
        return tuple(replace(edge, depth=1) if edge.back else edge for edge in right(*args))

    monkeypatch.setattr(layout, "_edges", wrong)
    assert not all(ends(*case(seed)) for seed in range(60))


def test_a_chain_has_no_join_and_one_queue_to_a_layer():
    """What a chain does not use is not there."""
    rng = np.random.default_rng(1)
    network = random_network(rng, layers=(1, 1), feedback=False)
    assert len(network.layers) == 1
    (part,) = Layout.of(network, Mapping.of(network)).parts.values()
    assert part.outs == ()
