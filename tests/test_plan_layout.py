"""Layouts of graphs: nothing waits for ever, at the depths that the layout proves."""

from dataclasses import replace

import numpy as np

from spikeline.model.codings.graded import Graded
from spikeline.model.network import Connection, Layer, Network
from spikeline.model.synapses.dense import Dense
from spikeline.plan import layout
from spikeline.plan.cycles import predict
from spikeline.plan.layout import Layout
from spikeline.plan.mapping import Mapping

from .builders import Law, chain_of, random_chain, random_network, random_samples, random_taps
from .groups import each

PARTS = 8  # so that several processes share the work


def case(seed: int) -> tuple[Network, Mapping, np.ndarray]:
    """Draw a graph of three layers or more, whose queues hold as little as they may."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, layers=(3, 8))
    lanes = [int(rng.integers(1, layer.size + 1)) for layer in network.layers.values()]
    products = [str(rng.choice(["one", "all"])) for _ in lanes]
    mapping = Mapping.of(network, lanes, queue=1, products=products)
    return network, mapping, random_samples(rng, network, 3)


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


def test_what_goes_around_whole_samples_needs_room_for_one(monkeypatch):
    """Where an edge beside a layer that sees whole samples holds a vector, some graphs stop."""
    monkeypatch.setattr(layout, "_deepened", lambda network, mapping, edges: edges)
    assert not all(ends(*case(seed)) for seed in range(60))


def test_a_chain_has_no_join_and_one_queue_to_a_layer():
    """What a chain does not use is not there."""
    rng = np.random.default_rng(1)
    network = random_network(rng, layers=(1, 1), feedback=False)
    assert len(network.layers) == 1
    (part,) = Layout.of(network, Mapping.of(network)).parts.values()
    assert part.outs == ()


def test_a_constant_input_is_held_where_it_can_be():
    """By layers that nothing else feeds in a first step, and that keep no delays; all or none."""
    net = random_chain(7, (9, 8, 4), coding=Graded(5, every=True))
    held = Layout.of(net, Mapping.of(net))
    assert held.held
    assert [part.holds for part in held.parts.values()] == [True, False]
    assert held.sent(np.ones((3, 2), int)).tolist() == [[1, 1], [0, 0], [0, 0]]

    first, second = (Law(x.connections[0].synapses, x.neuron) for x in net.layers.values())
    slow = [Law(random_taps(1, *size, 1, 2), first.neuron) for size in ((9, 8), (8, 4))]
    slow[1] = replace(slow[1], neuron=second.neuron)
    behind = chain_of(4, 9, net.coding, [first, slow[1]], net.readout)
    assert Layout.of(behind, Mapping.of(behind)).held

    own = net.layers["layer1"]
    skips = (*own.connections, Connection(("input",), Dense(np.ones((4, 9), int), 2)))
    others = [
        replace(net, coding=Graded(5)),
        replace(net, steps=1),
        chain_of(4, 9, net.coding, [slow[0], second], net.readout),
        replace(net, layers={**net.layers, "layer1": Layer(skips, own.neuron)}),
    ]
    for other in others:
        layout = Layout.of(other, Mapping.of(other))
        assert not layout.held
        assert not any(part.holds for part in layout.parts.values())
        assert layout.sent(np.ones((3, 2), int)).all()
