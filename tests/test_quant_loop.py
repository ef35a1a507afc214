"""Training: same seed, same network; killed and resumed, the same network."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spikeline.model.codings.counts import Counts
from spikeline.model.codings.latency import Latency
from spikeline.model.errors import InputError
from spikeline.model.network import Layer
from spikeline.model.store import content_hash
from spikeline.quant.architecture import Architecture, ConnectionSpec, LayerSpec
from spikeline.quant.augment import moved
from spikeline.quant.loop import Progress, fit, train
from spikeline.quant.network import Network
from spikeline.quant.neurons.named import LI, LIF, TTFS
from spikeline.quant.recipes import RECIPES, Recipe, recipe
from spikeline.quant.synapses.delayed import Delayed, DelayedLinear
from spikeline.quant.synapses.dense import Linear
from spikeline.quant.training import Training


def tiny(
    *layers: LayerSpec,
    inputs: int = 16,
    steps: int = 4,
    coding: Any = Latency(100),  # noqa: B008
    readout: str = "first-spike",
    dropout: float = 0.0,
    **training: Any,
) -> Recipe:
    """Make a recipe for the data below; its neurons fire once unless layers are given."""
    return Recipe(
        name="tiny",
        data="none",
        architecture=Architecture(
            steps=steps,
            inputs=inputs,
            coding=coding,
            layers=layers or (hidden(TTFS()), output(TTFS())),
            readout=readout,
            dropout=dropout,
            min_rate=None if coding.counted else 0.0,
        ),
        training=Training(**{"epochs": 5, "batch_size": 16, **training}),
    )


def hidden(neuron: Any, synapses: Any = Linear(12, gain=False)) -> LayerSpec:  # noqa: B008
    """Make the first layer."""
    return LayerSpec("layer0", (ConnectionSpec("input", synapses),), neuron)


def output(neuron: Any) -> LayerSpec:
    """Make the last one, of three neurons."""
    synapses = Linear(3, standardise="layer")
    return LayerSpec("layer1", (ConnectionSpec("layer0", synapses),), neuron)


def changed(r: Recipe, **training: Any) -> Recipe:
    """Make the recipe with another training."""
    return replace(r, training=replace(r.training, **training))


TINY = tiny()
RANDOM = np.random.default_rng(0)
Y = RANDOM.integers(0, 3, 300)
# Class c lights four pixels of its own.
X = RANDOM.integers(0, 130, (300, 16)).astype(np.uint8)
X[np.arange(300)[:, None], Y[:, None] * 4 + np.arange(4)] += 100
# Class c is three channels that sound one after the other, in an order of its own.
EVENTS = np.zeros((300, 10, 6), np.uint8)
for sample, label in enumerate(Y):
    for turn, channel in enumerate(np.roll(np.arange(3), label)):
        EVENTS[sample, 3 * turn + RANDOM.integers(0, 2), [channel, channel + 3]] = [1, 2]


def delays(max_delay: int = 6, steps: int = 12, recurrent: Any = None, **changes: Any) -> Recipe:
    """Make a recipe of learned delays; `changes` are of its synapses or of its training."""
    ours = {k: changes.pop(k) for k in ("axonal", "learned") if k in changes}
    synapses = DelayedLinear(12, max_delay=max_delay, gain=False, **ours)
    neuron = LIF(3 / 4, norm=True, recurrent=recurrent)
    how = {"loss": "final", "logit_scale": 0.1, **changes}
    return tiny(
        hidden(neuron, synapses),
        output(LI()),
        inputs=6,
        steps=steps,
        coding=Counts(2),
        dropout=0.1,
        readout="final-membrane",
        **how,
    )


DELAYS = delays()
KINDS = {
    "ttfs": changed(TINY, translate=0.1, rotate=5.0),
    "leaky": tiny(hidden(LIF()), output(TTFS()), readout="spike-count", loss="count"),
    "delays": DELAYS,
    "norm": tiny(
        hidden(LIF(3 / 4, reset="subtract", norm=True)), output(LI()), readout="final-membrane"
    ),
}


def inputs(r: Recipe) -> np.ndarray:
    """The samples that a recipe is for."""
    return EVENTS if r.architecture.coding.counted else X


def kernel(layer: Layer) -> Any:
    """The synapses of a frozen layer with one connection."""
    return layer.connections[0].synapses


class Killed(Exception):
    """What a callback raises to end training in the middle of an epoch."""


@pytest.mark.parametrize("kind", KINDS)
def test_killed_and_resumed_is_the_same(tmp_path: Path, kind: str) -> None:
    """Two runs of a seed give one hash, as does a run that was killed twice; another seed not."""
    r, path = KINDS[kind], tmp_path / "checkpoint"
    whole = train(r, inputs(r), Y, seed=1)

    def kill(epoch: int) -> None:
        def kill_now(at: Progress) -> None:
            if (at.epoch, at.batch) == (epoch, 3):
                raise Killed

        with pytest.raises(Killed):
            train(r, inputs(r), Y, seed=1, checkpoint=path, on_progress=kill_now)

    kill(2)
    kill(4)
    asked: list[int] = []
    resumed = train(
        r, inputs(r), Y, seed=1, checkpoint=path, on_progress=lambda at: asked.append(at.epoch)
    )
    assert set(asked) == {4}
    assert content_hash(resumed.network) == content_hash(whole.network)
    assert (resumed.best, resumed.last, resumed.epoch) == (whole.best, whole.last, whole.epoch)
    assert resumed.history == whole.history
    assert len(whole.history) == 1 + r.training.epochs
    again = train(r, inputs(r), Y, seed=1, checkpoint=path)
    assert content_hash(again.network) == content_hash(whole.network)
    assert again.frozen == resumed.frozen == whole.frozen
    assert content_hash(train(r, inputs(r), Y, seed=2).network) != content_hash(whole.network)


@pytest.mark.parametrize("kind", KINDS)
def test_accuracy_is_that_of_the_integers(kind: str) -> None:
    """It learns; the accuracy it tells is the frozen network's on the held-out samples."""
    r = changed(KINDS[kind], epochs=15)
    trained = train(r, inputs(r), Y, seed=3)
    held = np.random.default_rng(3).permutation(300)[:25]
    run = trained.network.run(inputs(r)[held])
    assert trained.best == (run.decision.label == Y[held]).mean() > 0.85
    assert trained.steps_used == pytest.approx(run.decision.step.mean() + 1)


@pytest.mark.parametrize("weighting", ["linear", "exponential"])
@pytest.mark.parametrize("loss", ["hazard", "spikes", "weighted"])
def test_weighted_losses_learn(loss: str, weighting: str) -> None:
    """Losses that weigh the steps train a first-spike network, by either weighting."""
    r = changed(TINY, loss=loss, time_weighting=weighting, gamma=2.0, epochs=12)
    assert train(r, inputs(r), Y, seed=3).best > 0.85


def test_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    """A checkpoint of another seed or recipe, or none at all, is refused."""
    path = tmp_path / "checkpoint"
    short = changed(TINY, epochs=1)
    train(short, X, Y, seed=1, checkpoint=path)
    for r, seed in ((short, 2), (changed(short, learning_rate=0.1), 1)):
        with pytest.raises(InputError) as error:
            train(r, inputs(r), Y, seed=seed, checkpoint=path)
        assert str(error.value) == (
            f"Checkpoint {path} must be of the same recipe, data, seed, device and torch;"
            " remove it to start anew"
        )
    for content in (b"", b"no checkpoint", path.read_bytes()[:-100]):
        path.write_bytes(content)
        with pytest.raises(InputError) as error:
            train(short, X, Y, seed=1, checkpoint=path)
        assert str(error.value) == f"Checkpoint {path} must be a whole checkpoint of spikeline"


def test_data_are_checked() -> None:
    """Samples and labels must fit the recipe."""
    with pytest.raises(InputError) as error:
        train(TINY, X[:, 1:], Y, seed=1)
    assert str(error.value) == "Samples must have the shape (samples, 16), not (300, 15)"
    for n in (0, 1):
        with pytest.raises(InputError) as error:
            train(TINY, X[:n], Y[:n], seed=1)
        assert str(error.value) == f"Samples must number at least 2, one of them held out, not {n}"
    for x, told in (
        (X / np.float64(512), "float64 from 0 to 0.44"),
        (X.astype(int) - 1, "int64 from -1 to 2"),
        (X.astype(int) * 2, "int64 from 0 to 4"),
    ):
        with pytest.raises(InputError) as error:
            train(TINY, x, Y, seed=1)
        assert str(error.value).startswith(f"Samples must be integers in 0..255, not {told}")
    for y, message in (
        (Y[1:], "y must hold 300 labels, one per sample, not 299"),
        (Y - 1, "y must be labels from 0, not -1"),
        (Y + 1, "Labels must be below 3, as the network has as many classes, not 3"),
    ):
        with pytest.raises(InputError) as error:
            train(TINY, X, y, seed=1)
        assert str(error.value) == message


def test_images_are_moved_whole() -> None:
    """A shift by a whole pixel moves every pixel; no shift, turn or scale leaves all as it is."""
    x = torch.from_numpy(X)

    assert moved(x, TINY.training, torch.Generator()) is x
    random = torch.Generator().manual_seed(0)
    by = moved(x, Training(translate=1e-6), random)
    assert torch.equal(by, x)
    assert not torch.equal(moved(x, Training(rotate=20.0), random), x)


def test_recipes_are_found() -> None:
    """Every recipe builds a network; an unknown name is refused."""
    for name, r in RECIPES.items():
        of, width = r.architecture, r.architecture.build(sample(r)).width
        net = recipe(name).architecture.build(sample(r)).export()
        assert net.steps == of.steps and list(net.layers) == [x.name for x in of.layers]
        if not of.coding.counted:
            assert of.steps <= 16 and width in (64, 784)
        if of.min_rate is not None and not of.coding.counted:
            assert not kernel(net.layers["layer0"]).weights[:, 0].any()
        assert all((layer.neuron.bias == 0).all() for layer in net.layers.values())
    with pytest.raises(InputError) as error:
        recipe("cifar")
    assert str(error.value) == f"Recipe must be one of {', '.join(RECIPES)}, not 'cifar'"


def sample(r: Recipe) -> np.ndarray:
    """Two samples for a recipe, whose first input never fires."""
    x = np.full((2, *[5] * r.architecture.coding.counted, r.architecture.width), 255)
    x[..., 0] = 0
    return x.astype(np.uint8)


@pytest.mark.parametrize("delta", [0.5, 1.0], ids=["to_a_delta", "as_published"])
def test_freezing_delays_is_measured(delta: float) -> None:
    """Rounded and integer networks decide alike; trained to a delta, so does the trained one."""
    frozen = train(changed(DELAYS, delta_after=delta, epochs=8), EVENTS, Y, seed=1).frozen
    assert frozen["same"] == frozen["samples"] == 25
    assert frozen["rounded"] == frozen["integer"]
    if delta < 1:
        assert frozen["trained"] == frozen["rounded"]
    assert train(changed(TINY, epochs=1), X, Y, seed=1).frozen == {}


def built(monkeypatch: pytest.MonkeyPatch) -> list[Network]:
    """Keep the networks that are trained from now on."""
    build, kept = Architecture.build, []

    def keep(self: Architecture, x: np.ndarray) -> Network:
        kept.append(build(self, x))
        return kept[-1]

    monkeypatch.setattr(Architecture, "build", keep)
    return kept


@pytest.mark.parametrize("delta", [0.5, 1.0], ids=["to_a_delta", "as_published"])
def test_statistics_are_those_of_rounded_delays(
    monkeypatch: pytest.MonkeyPatch, delta: float
) -> None:
    """What is folded is the mean and the variance of the currents that are deployed."""
    networks = built(monkeypatch)
    train(changed(DELAYS, delta_after=delta, norm_frozen=0.0, epochs=4), EVENTS, Y, seed=1)
    layer = networks[0].eval().layers["layer0"]
    kept = EVENTS[np.random.default_rng(1).permutation(300)[25:]]
    with torch.no_grad():
        current = layer.connections[0](networks[0].encode(torch.from_numpy(kept), False))
    (norm,) = layer.neuron.norms()
    torch.testing.assert_close(norm.mean, current.mean((0, 1)))
    torch.testing.assert_close(norm.variance, current.var((0, 1), correction=0))


def test_profile_narrows_by_a_constant_factor_then_is_a_delta() -> None:
    """D = 25: from 12 to 0.23 within a quarter of 8 epochs, half-way in factors; from 4 on, 0."""
    r = delays(24, 25, epochs=8)
    widths = [entry["width"] for entry in train(r, EVENTS, Y, seed=1).history]
    # The first entry is before training, each other one of the epoch before it.
    assert widths[:2] == [12.0, 12.0]
    assert widths[2] == pytest.approx(12 * (0.23 / 12) ** 0.5)
    assert widths[3:5] == pytest.approx([0.23, 0.23])
    assert widths[5:] == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("ours", "rows", "moves"),
    [({}, 12, True), ({"axonal": True}, 1, True), ({"learned": False}, 12, False)],
    ids=["synaptic", "axonal", "fixed"],
)
def test_positions_move_at_their_own_rate(
    monkeypatch: pytest.MonkeyPatch, ours: dict[str, bool], rows: int, moves: bool
) -> None:
    """Positions, per synapse or per input, move by their rate alone; fixed ones never do."""
    networks = built(monkeypatch)

    def moved(rate: float) -> tuple[bool, bool]:
        """Train; tell whether positions moved, and whether weights did."""
        r = delays(**ours, epochs=2, position_rate=rate)
        train(r, EVENTS, Y, seed=1)
        torch.manual_seed(1)
        r.architecture.build(EVENTS)
        trained, drawn = (network.kernels()[0] for network in networks[-2:])
        assert isinstance(trained, Delayed) and isinstance(drawn, Delayed)
        assert trained.position.shape == (rows, 6, 1)
        return (
            not torch.equal(trained.position, drawn.position),
            not torch.equal(trained.weight, drawn.weight),
        )

    assert moved(0.1) == (moves, True)
    assert moved(0.0) == (False, True)


@pytest.mark.parametrize("name", ["shd-256", "ssc-512", "gsc-512"])
def test_published_recipes_train(name: str) -> None:
    """With few neurons and samples they learn an epoch, and end as integers without loss."""
    r, random = recipe(name), np.random.default_rng(1)
    of = r.architecture
    small = [
        replace(
            layer,
            connections=(
                replace(
                    layer.connections[0], synapses=replace(layer.connections[0].synapses, out=12)
                ),  # type: ignore[type-var]
            ),
        )
        for layer in of.layers[:-1]
    ]
    r = replace(r, architecture=replace(of, layers=(*small, of.layers[-1])))
    x = random.poisson(0.3, (60, 100, 140)).astype(np.uint8)
    y = random.permutation(np.arange(60) % of.shapes()[of.layers[-1].name].size)
    trained = train(changed(r, epochs=2, batch_size=20), x, y, seed=1)
    assert [x.neuron.size for x in trained.network.layers.values()][:-1] == [12] * len(small)
    assert {kernel(x).window for x in trained.network.layers.values()} <= {25, 31}
    assert trained.frozen["rounded"] == trained.frozen["integer"]
    assert trained.frozen["same"] == trained.frozen["samples"] == 5


def test_twins_of_digits_spoken_have_as_many_parameters() -> None:
    """Weights and delays, within a thousandth: 45,568, 45,589, 45,568 and 45,600."""
    counts = {}
    for kind in ("", "-axonal", "-fixed", "-none"):
        network = recipe(f"digits-spoken{kind}").architecture.build().export()
        counts[kind] = sum(
            x.weights.size + (x.delays.size if x.kind == "delayed" else 0)
            for x in map(kernel, network.layers.values())
        )
    assert counts == {"": 45_568, "-axonal": 45_589, "-fixed": 45_568, "-none": 45_600}


def test_delays_of_a_loop_are_trained_like_others() -> None:
    """Recurrent positions narrow to a delta, stay in their range, and are frozen without loss."""
    back = DelayedLinear(bits=2, max_delay=4)
    r = delays(recurrent=back, delta_after=0.1, epochs=6, position_rate=0.5)
    trained = train(r, EVENTS, Y, seed=1)
    forward, back = trained.history[-1]["delays"]
    assert (sum(forward), sum(back)) == (6 * 12, 12 * 12)
    assert back[0] == 0 and back != trained.history[0]["delays"][1]
    assert len(trained.network.layers["layer0"].connections) == 2
    assert trained.frozen["trained"] == trained.frozen["rounded"] == trained.frozen["integer"]
    assert trained.frozen["same"] == trained.frozen["samples"]


def test_best_epoch_is_frozen() -> None:
    """Labels that mean nothing: the network is the one of the best epoch, not the last."""
    y = Y[::-1]
    runs = ((seed, train(changed(TINY, epochs=4), X, y, seed=seed)) for seed in range(20))
    seed, trained = next((n, t) for n, t in runs if t.last < t.best)
    assert trained.epoch < 3
    held = np.random.default_rng(seed).permutation(300)[:25]
    assert trained.best == (trained.network.run(X[held]).decision.label == y[held]).mean()


def test_epochs_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch has an order of its own, and no held-out sample takes part."""
    seen: list[torch.Tensor] = []

    def keep(x: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(x)
        return x

    monkeypatch.setattr("spikeline.quant.loop.moved", keep)
    train(changed(TINY, epochs=2), X, Y, seed=3)
    epochs = [torch.cat(seen[: len(seen) // 2]), torch.cat(seen[len(seen) // 2 :])]
    assert not torch.equal(epochs[0], epochs[1])
    kept = np.sort(X[np.random.default_rng(3).permutation(300)[25:]].view("V16").ravel())
    for x in epochs:
        assert np.array_equal(np.sort(x.numpy().view("V16").ravel()), kept)


@pytest.mark.parametrize("device", ["foo", "meta", "", "cuda:99"])
def test_device_that_torch_cannot_use_is_refused(device: str) -> None:
    """A device that does not exist, or holds no numbers, is told in one sentence."""
    with pytest.raises(InputError) as error:
        train(TINY, X, Y, seed=1, device=device)
    assert str(error.value) == f"Device must be one that torch can use here, not {device!r}"


def test_a_checkpoint_is_of_one_network_only(tmp_path: Path) -> None:
    """What no parameter tells, as a leak or a coding, belongs to a run all the same."""
    path = tmp_path / "checkpoint"

    def made(leak: float, floor: int) -> Network:
        torch.manual_seed(1)
        layers = (hidden(LIF(leak)), output(TTFS()))
        return tiny(*layers, coding=Latency(floor), readout="first-spike").architecture.build(X)

    how = Training(epochs=2, batch_size=64)
    first = fit(made(1 / 2, 100), X, Y, how, seed=1, checkpoint=path)
    for leak, floor in ((1 / 4, 100), (1 / 2, 110)):
        with pytest.raises(InputError, match="must be of the same recipe"):
            fit(made(leak, floor), X, Y, how, seed=1, checkpoint=path)
    again = fit(made(1 / 2, 100), X, Y, how, seed=1, checkpoint=path)
    assert content_hash(again.network) == content_hash(first.network)


def test_a_network_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    """The same network, given again after an interruption, goes on from its checkpoint."""
    path, net = tmp_path / "checkpoint", DELAYS.architecture.build()
    state = deepcopy(net.state_dict())

    def kill(at: Progress) -> None:
        if (at.epoch, at.batch) == (3, 2):
            raise Killed

    with pytest.raises(Killed):
        fit(net, EVENTS, Y, DELAYS.training, seed=1, checkpoint=path, on_progress=kill)
    trained = fit(net, EVENTS, Y, DELAYS.training, seed=1, checkpoint=path)
    whole = DELAYS.architecture.build()
    whole.load_state_dict(state)
    assert content_hash(trained.network) == content_hash(
        fit(whole, EVENTS, Y, DELAYS.training, seed=1).network
    )


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_any_number_of_steps_trains(epochs: int) -> None:
    """One batch an epoch, and few epochs: the rate rises and falls over them all the same."""
    trained = train(changed(TINY, epochs=epochs, batch_size=300), X, Y, seed=1)
    assert len(trained.history) == 1 + epochs
