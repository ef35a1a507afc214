"""Graphs: bounds and activity of random ones, courses worked by hand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given

from spikeline.model.bounds import prove
from spikeline.model.codings.counts import Counts
from spikeline.model.codings.graded import Graded
from spikeline.model.errors import InputError
from spikeline.model.network import Connection, Layer, Network, chain
from spikeline.model.neurons.neuron import Neuron
from spikeline.model.readouts.final_membrane import FinalMembrane
from spikeline.model.synapses.delayed import Delayed
from spikeline.model.synapses.dense import Dense
from spikeline.model.values import Values
from spikeline.model.views.crop import Crop
from spikeline.model.views.flatten import Flatten

from .builders import random_network, random_samples
from .scalar import slow_run
from .strategies import cases, examples


@examples(100)
@given(cases(most=2))
def test_no_value_leaves_its_interval(case):
    """No current, accumulator in any order of adding, or membrane of any graph leaves its bounds.

    The least and the largest sum of some of a step's events hold every order.
    """
    network, samples = case
    proven = prove(network)

    for sample in samples:
        slow = slow_run(network, sample)
        for name, bounds in proven.items():
            h = np.array(slow.membranes[name])
            seen = {
                "current": np.array(slow.currents[name]),
                "accumulator": np.array(slow.accumulators[name]),
                "membrane": np.stack([h, h], axis=2),
            }
            for what, values in seen.items():
                low, high = getattr(bounds, what)
                assert (low <= values[..., 0]).all() and (values[..., 1] <= high).all(), what


def test_random_networks_are_mostly_active():
    """Most layers spike in most networks, and every form of a graph is drawn often enough."""
    rng = np.random.default_rng(1)
    spiking, whole, seen = (
        [],
        [],
        dict.fromkeys(
            ("forks", "joins", "skips", "sums", "self", "later", "views", "shared", "delays"), 0
        ),
    )
    for _ in range(200):
        network = random_network(rng)
        run = network.run(random_samples(rng, network, 3), record=True)
        fires = [s.any() for n, s in run.spikes.items() if network.layers[n].neuron.fires]
        spiking += fires
        whole.append(all(fires))
        order = [*network.inputs, *network.layers]
        fed = [(n, c) for n, layer in network.layers.items() for c in layer.connections]
        sources = [s for _, c in fed for s in c.sources]
        far = [order.index(n) - order.index(s) for n, c in fed for s in c.sources]
        seen["forks"] += max(map(sources.count, sources)) > 1
        seen["joins"] += len(fed) > len(network.layers)
        seen["skips"] += max(far) > len(network.inputs) + 1
        seen["sums"] += any(len(c.sources) > 1 for _, c in fed)
        seen["self"] += 0 in far
        seen["later"] += min(far) < 0
        seen["views"] += any(c.views for _, c in fed)
        seen["shared"] += len({id(c.synapses) for _, c in fed}) < len(fed)
        seen["delays"] += any(c.delay and not network.recurs(n, c.sources[0]) for n, c in fed)

    assert np.mean(spiking) > 0.75 and np.mean(whole) > 0.5
    assert min(seen.values()) > 20, seen


def cells(count: int = 1, theta: int = 1, **rest) -> Neuron:
    """Make neurons without bias."""
    return Neuron(np.zeros(count, int), np.full(count, theta), **rest)


def dense(*rows: list[int], bits: int = 8) -> Dense:
    """Make synapses of these rows."""
    return Dense(np.array(rows), bits)


def graph(layers: dict, inputs: dict | None = None, **rest) -> Network:
    """Make a network of layers, each connections and neurons, over counts."""
    made = {name: Layer(tuple(fed), neuron) for name, (fed, neuron) in layers.items()}
    arguments = {"steps": 4, "coding": Counts(9), "readout": FinalMembrane(), **rest}
    return Network(inputs=inputs or {"x": 1}, layers=made, **arguments)


def course(network: Network, *columns: list[int]) -> dict[str, list]:
    """Run one sample, given by input; the membranes of each layer's first neuron."""
    sample = np.array(columns).T[None]
    run = network.run(sample, record=True)
    return {name: h[:, 0, 0].tolist() for name, h in run.membranes.items()}


def test_sources_of_a_connection_add():
    """x + a, twice a where it is named twice: 1 bit + 1 bit = 2."""
    network = graph(
        {
            "a": ([Connection(("x",), dense([1]))], cells(theta=2, leak=(0, 0))),
            "b": ([Connection(("x", "a", "a"), dense([10]))], cells(leak=(0, 0))),
        }
    )

    found = course(network, [1, 2, 0, 3])

    assert {"a": [1, 2, 0, 3], "b": [10, 40, 0, 50]} == found
    assert Values(11, None) == network.values(network.last.connections[0])


def test_connections_add_shifted_and_delayed():
    """2 x[t] and 4 * 3 y[t - 1], by two connections: 2, 4 + 12, 0 + 24."""
    fed = [
        Connection(("x",), dense([2])),
        Connection(("y",), dense([3]), delay=1, shift=2),
    ]
    network = graph({"a": (fed, cells(leak=(0, 0)))}, {"x": 1, "y": 1})

    assert {"a": [2, 16, 24, 0]} == course(network, [1, 2, 0, 0], [1, 2, 0, 5])


def test_feedback_of_a_later_layer_comes_a_step_later():
    """b answers a in the same step, a hears b in the next: -5 from step 2 on."""
    network = graph(
        {
            "a": (
                [
                    Connection(("x",), dense([1])),
                    Connection(("b",), dense([-5]), delay=1),
                ],
                cells(theta=3, leak=(0, 0)),
            ),
            "b": ([Connection(("a",), dense([1]))], cells(leak=(0, 0))),
        }
    )

    # 1; 3 fires, b too; 3 - 5; 3 fires again, as b was silent.
    assert {"a": [1, 3, -2, 3], "b": [0, 1, 0, 1]} == course(network, [1, 3, 3, 3])
    assert [["a", "b"]] == network.blocks()


def test_views_look_at_a_range():
    """Addresses 1 and 2 of three, and of these the second, are weighed."""
    views = (Crop(1, 2), Flatten(), Crop(1, 1))
    network = graph({"a": ([Connection(("x",), dense([7]), views)], cells(leak=(0, 0)))}, {"x": 3})

    assert {"a": [21, 0, 7, 0]} == course(network, [1, 1, 1, 1], [2, 2, 2, 2], [3, 0, 1, 0])


def test_inputs_are_ranges_of_one_stream():
    """The second input begins where the first one ends."""
    network = graph(
        {
            "a": (
                [Connection(("y",), dense([1, 10])), Connection(("x",), dense([100]))],
                cells(leak=(0, 0)),
            )
        },
        {"x": 1, "y": 2},
    )

    assert (0, 1, 3) == (network.offset("x"), network.offset("y"), network.width)
    assert {"a": [132, 0, 0, 0]} == course(network, [1, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0])


def test_blocks_end_where_nothing_comes_back():
    """c comes back to b, and e to itself; a and d stand alone."""
    one = dense([1])
    forward = {"a": "x", "b": "a", "c": "b", "d": "c", "e": "d"}
    back = {"b": "c", "e": "e"}
    fed = {name: [Connection((source,), one)] for name, source in forward.items()}
    for name, source in back.items():
        fed[name].append(Connection((source,), one, delay=1))
    network = graph({name: (of, cells()) for name, of in fed.items()})

    assert [["a"], ["b", "c"], ["d"], ["e"]] == network.blocks()


X = Connection(("x",), dense([1]))
ONE = {"a": ([X], cells())}


def two(second: Connection, *others: Connection, **first) -> dict:
    """Make a and b, b fed by these connections."""
    return {"a": ([X], first.get("neuron", cells())), "b": ([second, *others], cells())}


A = Connection(("a",), dense([1]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: graph({"a": ([Connection(("y",), dense([1]))], cells())}),
            "Layer a must be fed by inputs or layers, not by 'y'",
        ),
        (
            lambda: graph(two(Connection(("x", "a"), dense([1]))), {"x": 2}),
            "Layer a must take 2 inputs, as what comes before it gives, not 1",
        ),
        (
            lambda: graph({"a": ([Connection(("x", "y"), dense([1]))], cells())}, {"x": 1, "y": 2}),
            "Layer a must add sources of one size, not x of 1, y of 2",
        ),
        (
            lambda: graph({"a": ([Connection(("x", "a"), dense([1]), delay=1)], cells())}),
            "Layer a must not mix recurrent and other sources in a connection",
        ),
        (
            lambda: graph({"a": ([X, Connection(("a",), dense([1]))], cells())}),
            "Layer a recurrent delays must be at least 1, not 0",
        ),
        (
            lambda: graph(
                {"a": ([X, Connection(("b",), dense([1]))], cells()), "b": ([A], cells())}
            ),
            "Layer a recurrent delays must be at least 1, not 0",
        ),
        (
            lambda: graph({"a": ([X, Connection(("a",), dense([1]), delay=4)], cells())}),
            "Layer a recurrent delays must be below the 4 steps of the network, not 4",
        ),
        (
            lambda: graph({"a": ([replace(X, delay=4)], cells())}),
            "Layer a delays must be below the 4 steps of the network, not 4",
        ),
        (
            lambda: graph({"a": ([X], cells()), "b": ([X], cells())}),
            "Layer a must reach the output b; it does not",
        ),
        (
            # c only comes back to itself.
            lambda: graph(
                {
                    "c": ([A, Connection(("c",), dense([1]), delay=1)], cells()),
                    "b": ([A], cells()),
                },
                {"a": 1},
            ),
            "Layer c must reach the output b; it does not",
        ),
        (
            lambda: graph(two(Connection(("a",), dense([1]), (Crop(0, 2),)))),
            "Layer b: Crop must lie within the 1 addresses before it, not at 0..1",
        ),
        (
            lambda: graph({"a": ([Connection(("x",), dense([1]), (Crop(2, 1),))], cells())}),
            "Layer a: Crop must lie within the 1 addresses before it, not at 2..2",
        ),
        (
            lambda: graph(two(A, neuron=Neuron(np.zeros(1, int), None))),
            "Layer a must have a threshold, or be the output and feed nothing",
        ),
        (
            lambda: graph({"a": ([X, replace(A, delay=1)], Neuron(np.zeros(1, int), None))}),
            "Layer a must have a threshold, or be the output and feed nothing",
        ),
        (
            # 257 * 255 = 65,535 would do.
            lambda: graph(
                {"a": ([Connection(("x",) * 258, dense([1]))], cells())}, coding=Graded()
            ),
            "Layer a must be fed by values up to 65535 in all",
        ),
        (
            lambda: graph({"a": ([X, Connection(("x",), dense([1], [1]))], cells())}),
            "Layer neurons must number 2, as its weights have rows, not 1",
        ),
        (lambda: graph({"x": ([X], cells())}), "Network names must differ; x is there twice"),
        (lambda: replace(X, shift=-1), "Connection shift must be in 0..15, not -1"),
        (lambda: replace(X, shift=16), "Connection shift must be in 0..15, not 16"),
        (lambda: replace(X, delay=-1), "Connection delay must be in 0..1023, not -1"),
        (lambda: replace(X, delay=1024), "Connection delay must be in 0..1023, not 1024"),
        (lambda: dense([0], bits=1), "Dense weight width must be in 2..16, not 1"),
        (lambda: dense([0], bits=17), "Dense weight width must be in 2..16, not 17"),
        (
            lambda: Delayed(np.zeros((1, 1, 1), int), np.zeros((1, 1, 1), int), 17, 1),
            "Delayed weight width must be in 2..16, not 17",
        ),
        (lambda: Layer((), cells()), "Layer must have at least one connection"),
        (lambda: graph({}), "Network must have at least one layer"),
    ],
)
def test_wrong_graph_is_refused(make, message):
    """Sources, sizes, orders, delays, views and limits that the law does not allow are refused."""
    with pytest.raises(InputError) as refused:
        make()

    assert message == str(refused.value)


def test_limit_of_all_sources_is_65535():
    """257 sources of 255 are the most."""
    network = graph({"a": ([Connection(("x",) * 257, dense([1]))], cells())}, coding=Graded())

    assert 65_535 == network.values(network.last.connections[0]).limit


BEGIN = "must begin with a letter and go on with letters, digits and single underscores"


@pytest.mark.parametrize("name", ["", "1a", "_a", "a_", "a__b", "a.b", "a b", "é", "a\n", 3, None])
def test_name_that_is_none_is_refused(name):
    """Names are what Verilog can have; so are those of sources."""
    for what, make in (
        ("Network names", lambda: graph({name: ([X], cells())})),
        ("Network names", lambda: graph(ONE, {name: 1})),
        ("Connection sources", lambda: Connection((name,), dense([1]))),
    ):
        with pytest.raises(InputError) as refused:
            make()
        assert f"{what} {BEGIN}, not {name!r}" == str(refused.value)


def made(**changes) -> Network:
    """Make a network of one layer, with changes."""
    arguments = {
        "steps": 2,
        "inputs": {"x": 1},
        "coding": Counts(),
        "layers": {"a": Layer((X,), cells())},
        "readout": FinalMembrane(),
    }
    return Network(**{**arguments, **changes})


GRADIENT = torch.zeros((1, 1), requires_grad=True)
INTS = "must be signed integers of shape"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made(inputs=1), "Network inputs must be by name, not int"),
        (lambda: made(inputs=["x"]), "Network inputs must be by name, not list"),
        (lambda: made(layers=[Layer((X,), cells())]), "Network layers must be by name, not list"),
        (lambda: made(layers={"a": X}), "Network layer a must be a layer, not Connection"),
        (lambda: made(layers={"a": None}), "Network layer a must be a layer, not None"),
        (lambda: made(coding="counts"), "Network coding must be a kind of them, not 'counts'"),
        (
            lambda: made(coding=Counts),
            "Network coding must be a kind of them, not Counts without ()",
        ),
        (
            lambda: made(readout="first-spike"),
            "Network readout must be a kind of them, not 'first-spike'",
        ),
        (lambda: made(inputs={"x": "1"}), INPUT := "Network input x must be an integer in"),
        (lambda: made(inputs={"x": 1.0}), INPUT),
        (lambda: made(inputs={"x": torch.tensor(1)}), INPUT),
        (lambda: made(steps=torch.tensor(2)), "Network steps must be an integer in"),
        (
            lambda: Connection("x", dense([1])),
            "Connection sources must be a sequence of names, not 'x'",
        ),
        (
            lambda: Connection({"x"}, dense([1])),
            "Connection sources must be a sequence of names, not {'x'}",
        ),
        (
            lambda: Connection(None, dense([1])),
            "Connection sources must be a sequence of names, not None",
        ),
        (
            lambda: Connection(("x",), np.ones((1, 1), int)),
            "Connection synapses must be a kind of them, not array([[1]])",
        ),
        (
            lambda: Connection(("x",), np.ones((3, 3), int)),
            "Connection synapses must be a kind of them, not ndarray",
        ),
        (
            lambda: replace(X, views=Flatten()),
            "Connection views must be a list of Views, not Flatten()",
        ),
        (lambda: replace(X, views=("crop",)), "Connection views must each be a View, not 'crop'"),
        (
            lambda: replace(X, views=(Flatten,)),
            "Connection views must each be a View, not Flatten without ()",
        ),
        (lambda: replace(X, delay=1.0), "Connection delay must be an integer in"),
        (lambda: replace(X, shift="1"), "Connection shift must be an integer in"),
        (lambda: replace(X, shift=torch.tensor(1)), "Connection shift must be an integer in"),
        (
            lambda: Layer(X, cells()),
            "Layer connections must be a list of Connections, not Connection",
        ),
        (
            lambda: Layer((dense([1]),), cells()),
            "Layer connections must each be a Connection, not",
        ),
        (lambda: Layer((X,), None), "Layer neuron must be a kind of them, not None"),
        (lambda: Layer((X,), "lif"), "Layer neuron must be a kind of them, not 'lif'"),
        (lambda: Dense([[1, 2], [3]], 4), "Dense weights must be an array, not list"),
        (lambda: Dense(GRADIENT, 4), "Dense weights must be signed integers of shape"),
        (lambda: Dense(torch.zeros((1, 1)), 4), f"Dense weights {INTS}"),
        (lambda: Dense("weights", 4), "Dense weights must be an array, not 'weights'"),
        (lambda: Dense(None, 4), "Dense weights must be an array, not None"),
        (lambda: Dense(np.ones((1, 1), int), np.array([[4]])), "Dense weight width must be"),
        (lambda: cells(leak=0.5), "Neuron leak must be two integers, not 0.5"),
        (lambda: cells(reset=np.arange(3)), "Neuron reset must be one of"),
        (lambda: cells(rounding=["zero"]), "Neuron rounding must be one of"),
        (lambda: Neuron(0, np.ones(1, int)), f"Neuron bias {INTS}"),
        (lambda: Neuron(np.zeros(1, int), 1), f"Neuron threshold {INTS}"),
        (lambda: Crop(0, 1.0), "Crop count must be an integer in"),
        (lambda: Crop("0", 1), "Crop start must be an integer in"),
        (lambda: made().run(3), "Samples must be an array of them, not 3"),
        (lambda: made().run(None), "Samples must be an array, not None"),
        (lambda: made().run([[[1], [1, 2]]]), "Samples must be an array, not list"),
        (lambda: made().run(GRADIENT), "Samples must have the shape (samples, up to 2, 1), not"),
        (lambda: made().run(np.ones((1, 2, 1))), "Counts must be non-negative integers"),
        (lambda: made().run(np.ones((1, 2, 1), int), batch=0), "Batch must be in"),
        (lambda: made().run(np.ones((1, 2, 1), int), batch=1.5), "Batch must be an integer in"),
        (
            lambda: chain(2, 1, Counts(), dense([1]), FinalMembrane()),
            "Chain stack must be a list of tuples, not",
        ),
        (
            lambda: chain(2, 1, Counts(), [dense([1])], FinalMembrane()),
            "Chain stack must each be a tuple, not",
        ),
        (
            lambda: chain(2, 1, Counts(), [(dense([1]),)], FinalMembrane()),
            "Chain layer 0 must be synapses and neuron, not 1 parts",
        ),
        (
            lambda: chain(2, "1", Counts(), [(dense([1]), cells())], FinalMembrane()),
            "Network input input must be an integer in",
        ),
    ],
)
def test_wrong_type_is_refused(make, message):
    """What is of another type is refused in one sentence that begins like this, in one line."""
    with pytest.raises(InputError) as refused:
        make()

    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_tensors_on_the_host_are_arrays():
    """Whole tensors of integers are taken as weights, and as samples."""
    synapses = Dense(torch.tensor([[3]]), 4)

    run = chain(2, 1, Counts(), [(synapses, cells())], FinalMembrane()).run(
        torch.ones((1, 2, 1), dtype=torch.int64)
    )

    assert [[6]] == run.decision.score.tolist()
