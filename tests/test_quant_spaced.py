"""Learned spacings: kernels as the package dcls makes them; what is trained is what is exported."""

import re

import numpy as np
import pytest
import torch
from DCLS.construct.modules import ConstructKernel1d, ConstructKernel2d

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.model.maps import Map
from spikeline.model.synapses.spaced import Spaced as Golden
from spikeline.quant.synapses.spaced import Spaced

from .twins import assert_equal

VERSIONS = {"linear": "v0", "triangle": "v1", "wide": "max", "gauss": "gauss"}


@pytest.mark.parametrize("profile", VERSIONS)
@pytest.mark.parametrize("width", [0.23, 0.9, 2.0])
def test_kernels_are_those_of_dcls(profile, width):
    """Spread over a square window, and over a row, as the published package does."""
    torch.manual_seed(1)
    for extent, construct in (((1, 5, 5), ConstructKernel2d), ((1, 1, 7), ConstructKernel1d)):
        ours = Spaced(Map(4, 9, 9), 6, 3, extent, 4, 4, groups=2, profile=profile).train()
        ours.width = width
        with torch.no_grad():
            ours.position.uniform_(-2.4, 2.4)
        ours.clamp()
        axes = [n for n, size in enumerate(extent) if size > 1]
        # Where theirs normalises, the first of their positions is that of columns.
        axes = axes if profile == "linear" else axes[::-1]
        p = ours.position.detach()[axes]
        sizes = tuple(n for n in extent if n > 1)
        theirs = construct(6, 4, 2, 3, sizes, VERSIONS[profile])
        with torch.no_grad():
            wanted = theirs(ours.integers(), p, torch.full_like(p, width))
            found = ours.kernel()
        assert found.shape == (6, 2, *extent)
        assert torch.allclose(found.reshape(wanted.shape), wanted, atol=2e-5)


def test_taps_that_lie_close_repel_each_other():
    """Pairs nearer than 1 count by what is missing; the slope drives them apart, not together."""
    ours = Spaced(Map(1, 9, 9), 1, 3, (1, 5, 5), 4, 4)
    with torch.no_grad():
        ours.position.zero_()
        ours.position[1, 0, 0] = torch.tensor([0.0, 0.6, 2.0])  # rows
        ours.position[2, 0, 0] = torch.tensor([0.0, 0.0, 1.0])
    near = ours.closeness()
    assert near is not None
    assert near.item() == pytest.approx(0.4 / 3)  # of three pairs one is near
    near.backward()
    slope = ours.position.grad[1, 0, 0]
    assert slope[0] > 0 > slope[1]  # a step against it parts the two
    assert slope[2] == 0
    assert Spaced(Map(1, 9, 9), 1, 1, (1, 5, 5), 4, 4).closeness() is None
    # Taps at one place are told, and leave finite slopes.
    with torch.no_grad():
        ours.position.zero_()
    ours.position.grad = None
    ours.closeness().backward()
    assert torch.isfinite(ours.position.grad).all()


def test_a_training_may_keep_taps_apart():
    """Behind its epoch the repulsion is in the loss: fewer taps end at one place."""
    x, y = far_apart(300)

    def places(repulsion: float) -> int:
        torch.manual_seed(3)
        network = q.Sequential(
            q.Dcls2d(4, 6, 3, padding=1, bits=6),
            q.LIF(),
            q.Linear(2),
            q.LI(),
            inputs=(1, 8, 8),
            steps=2,
            coding=q.Graded(4),
            readout="max-membrane",
        )
        how = q.Training(epochs=6, batch_size=50, repulsion=repulsion, repulsion_after=0.2)
        kernel = q.fit(network, x, y, how, seed=1).network.layers["layer0"].connections[0].synapses
        at = kernel.offsets[1] * 3 + kernel.offsets[2]
        return sum(len(set(taps)) for taps in at.reshape(-1, 6).tolist())

    assert places(100.0) > places(0.0)


def test_repulsion_waits_for_its_epoch():
    """Before, and without a weight, it is 0."""
    network = q.Sequential(
        q.Dcls2d(2, 4, 3),
        q.IF(),
        q.Linear(2),
        q.LI(),
        inputs=(1, 5, 5),
        steps=2,
        coding=q.Counts(1),
        readout="max-membrane",
    )
    schedule = q.Schedule(network, q.Training(epochs=4, repulsion=2.0, repulsion_after=0.5))
    for epoch in range(4):
        schedule.begin(epoch)
        assert (schedule.repulsion() > 0) == (epoch >= 2)
    assert q.Schedule(network, q.Training()).repulsion() == 0


def far_apart(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw images whose class is how far apart two bright pixels are: a row, or three columns."""
    rng = np.random.default_rng(1)
    y, x = rng.integers(0, 2, n), np.zeros((n, 8, 8), np.uint8)
    for image, label in zip(x, y, strict=True):
        row, column = rng.integers(0, 7), rng.integers(0, 5)
        image[row, column] = 255
        image[(row, column + 3) if label else (row + 1, column)] = 255
    return x, y


def test_positions_are_learned_and_end_as_whole_numbers():
    """Two taps find what is apart; from half-way on training sees what is deployed."""
    torch.manual_seed(3)
    network = q.Sequential(
        q.Dcls2d(8, 2, 7, padding=3, bits=6),
        q.IF(shared=False),
        q.SumPool2d(8),
        q.Linear(2, bits=6),
        q.LI(),
        inputs=(1, 8, 8),
        steps=2,
        coding=q.Latency(),
        readout="final-membrane",
    )
    before = network.layers["layer0"].connections[0].synapses.position.detach().clone()
    x, y = far_apart(600)
    how = q.Training(
        epochs=20,
        batch_size=32,
        learning_rate=1e-2,
        position_rate=0.05,
        logit_scale=0.5,
        validation=0.25,
    )
    trained = q.fit(network, x, y, how, seed=1)
    kernel = network.layers["layer0"].connections[0].synapses
    assert kernel.width == 0
    assert (kernel.position - before).abs().max() > 0.5
    assert trained.best > 0.7  # a half by chance; five initialisations gave 0.8 and more
    run = assert_equal(network.eval(), x[:50])
    assert (trained.network.run(x[:50]).decision.label == run.decision.label).all()


def staged(second: q.Dcls2d) -> q.Network:
    """Make two layers of learned spacings, the first of the stage `one`."""
    torch.manual_seed(5)
    return q.Sequential(
        q.Dcls2d(4, 3, 5, padding=2, shared=True, stage="one"),
        q.LIF(),
        second,
        q.LIF(),
        q.Linear(2),
        q.LI(),
        inputs=(1, 8, 8),
        steps=2,
        coding=q.Graded(4),
        readout="max-membrane",
    )


def test_layers_of_a_stage_learn_the_same_positions():
    """They move, both at once, and are equal in the frozen network; those of others differ."""
    for stage in ("one", None):
        network = staged(q.Dcls2d(3, 3, 5, padding=2, shared=True, stage=stage))
        kernels = [network.layers[f"layer{n}"].connections[0].synapses for n in (0, 1)]
        before = kernels[0].position.detach().clone()
        assert (kernels[0].position is kernels[1].position) == (stage == "one")
        x, y = far_apart(200)
        how = q.Training(epochs=4, batch_size=32, position_rate=0.05)
        frozen = q.fit(network, x, y, how, seed=1).network
        assert (kernels[0].position - before).abs().max() > 0.2
        first, second = (frozen.layers[f"layer{n}"].connections[0].synapses for n in (0, 1))
        assert np.array_equal(first.offsets, second.offsets) == (stage == "one")
        assert_equal(network.eval(), x[:10])


def test_a_recipe_may_name_a_stage(tmp_path):
    """So layers of a file share positions as those of Python do."""
    fed = "synapses = { kind = 'dcls2d', out = 2, kernel_count = 2, dilated_kernel_size = 3,"
    layer = f"[[network.layers]]\n{fed} shared = true, stage = 'a' }}\nneuron = {{ kind = 'if' }}\n"
    head = "inputs = [1, 9, 9]\nsteps = 2\ncoding = { kind = 'counts' }\nreadout = 'spike-count'\n"
    path = tmp_path / "stage.toml"
    path.write_text(f"data = 'digits'\n[network]\n{head}{2 * layer}")
    first, second = q.read(path).architecture.build().layers.values()
    assert first.connections[0].synapses.position is second.connections[0].synapses.position


def test_three_axes_and_a_loop():
    """Delays beside rows and columns; what comes back has delays from 1 on."""
    torch.manual_seed(2)
    net = q.Graph(steps=8, inputs=(2, 5, 4), coding=q.Counts(2))
    a = net.layer(
        q.Dcls3d(4, 2, (5, 3, 1), padding=(1, 0)),
        q.LIF(recurrent=q.Dcls3d(4, 1, (3, 3, 3), padding=1)),
        net.input,
    )
    network = net.output(q.Linear(3), q.LI(), a, readout="max-membrane").eval()
    forward, back = (c.synapses for c in network.layers[a].connections)
    assert forward.delays().max() > 0 and back.delays().min() >= 1
    x = np.random.default_rng(1).poisson(0.5, (5, 8, 2, 5, 4))
    run = assert_equal(network, x)
    assert run.spikes[a].any()


def spaced(**given) -> Golden:
    """Make taps of 4 channels into 6 within 3 x 5."""
    fields = {
        "weights": np.ones((6, 4, 2), int),
        "offsets": np.zeros((3, 6, 4, 2), int),
        "bits": 4,
        "extent": (1, 3, 5),
        "shape": (4, 6, 7),
    } | given
    return Golden(**fields)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: spaced(offsets=np.full((3, 6, 4, 2), 1)),
            "Spaced delays must be in 0..0, not 1",
        ),
        (
            lambda: spaced(offsets=np.array([0, 3, 0]).reshape(3, 1, 1, 1).repeat(2, 3)),
            "Spaced rows must be in 0..2, not 3",
        ),
        (
            lambda: spaced(offsets=np.zeros((3, 6, 3, 2), int)),
            (
                "Spaced offsets must have the shape (3, 6, 4, 2), or 1 in place of outputs or"
                " inputs, not (3, 6, 3, 2)"
            ),
        ),
        (
            lambda: spaced(shape=(4, 2, 7)),
            "Spaced window of 3 rows must fit the 2 rows of the map and 0 of padding at both ends",
        ),
        (
            lambda: spaced(extent=(1, 3)),
            "Spaced extent must be delays, rows and columns, each in 1..1024, not (1, 3)",
        ),
        (lambda: q.Dcls2d(4, 2, 4), "Dcls2d dilated_kernel_size must be odd, not 4"),
        (
            lambda: staged(q.Dcls2d(3, 3, 3, shared=True, stage="one")),
            (
                "Layer layer1: Stage must be of taps alike in windows, smallest delays, and numbers"
                " of positions, not of ((1, 3, 3), 0, (1, 1, 3)) and ((1, 5, 5), 0, (1, 1, 3))"
            ),
        ),
        (lambda: q.Dcls2d(4, 2, 3, stage=1), "Dcls2d stage must be a name, not 1"),
        (lambda: q.Dcls2d(4, 0, 3), "Dcls2d kernel_count must be in 1..1024, not 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused(make, sentence):
    """One sentence tells whose what must be what."""
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        make()
