"""A training loop of one's own: what the schedule does, epoch by epoch, and at the end."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.model.store import content_hash, load
from spikeline.quant.network import Network

RANDOM = np.random.default_rng(0)
Y = torch.from_numpy(RANDOM.integers(0, 3, 120))
# Class c is three channels that fire one after the other, in an order of its own.
X = torch.zeros(120, 10, 3, dtype=torch.uint8)
for n, label in enumerate(Y):
    for place, channel in enumerate(np.roll(np.arange(3), int(label))):
        X[n, 3 * place + int(RANDOM.integers(0, 2)), channel] = 2
HOW = q.Training(epochs=8, learning_rate=1e-2, position_rate=1.0)


def made(readout: str = "final-membrane") -> Network:
    """Make a network with a normalisation, learned delays, and learned delays in a loop."""
    torch.manual_seed(1)
    return q.Sequential(
        q.DelayedLinear(12, max_delay=6),
        q.LIF(1 / 2, norm=True, recurrent=q.DelayedLinear(max_delay=2)),
        q.Linear(3),
        q.TTFS() if readout == "first-spike" else q.LI(),
        inputs=3,
        steps=12,
        coding=q.Counts(2),
        readout=readout,
    )


def loop(
    net: Network,
    epochs: range,
    optimizer: Any = None,
    how: q.Training = HOW,
    rounds: int = 8,
) -> tuple[q.Schedule, torch.optim.Optimizer]:
    """Train as one does with torch, all samples at once."""
    schedule = q.Schedule(net, how)
    optimizer = optimizer or torch.optim.Adam(schedule.parameters())
    for epoch in epochs:
        schedule.begin(epoch)
        for _ in range(rounds):
            optimizer.zero_grad()
            cross_entropy(net(X).logits, Y).backward()
            optimizer.step()
            schedule.step()
    return schedule, optimizer


def test_an_own_loop_learns_what_is_exported() -> None:
    """It learns; what `finish` tells is the accuracy of the integers that are exported."""
    net = made()
    schedule, _ = loop(net, range(8), rounds=24)
    accuracy = schedule.finish(X, Y)
    run = net.export().run(X.numpy())
    # A third by chance; eight other initialisations gave 0.83 or more.
    assert accuracy == (run.decision.label == Y.numpy()).mean() > 0.7
    assert not net.training


def test_delays_narrow_and_stay_in_their_range() -> None:
    """The widths are those of `fit`; a loop's delays stay at 1 or more at any rate."""
    net, widths = made(), []
    for epoch in range(8):
        loop(net, range(epoch, epoch + 1))
        forward, back, _ = net.kernels()
        widths.append(forward.width)
        for kernel, least in ((forward, 0), (back, 1)):
            delays = kernel.delays()
            assert delays is not None and least <= delays.min() and delays.max() < kernel.window
    history = q.fit(made(), X, Y, HOW, seed=1).history
    assert widths == [entry["width"] for entry in history[1:]]
    assert widths[0] == 3 and widths[-1] == 0


def test_statistics_stand_still_at_the_end() -> None:
    """Over the last fifth of the epochs a forward in training moves no statistics."""
    net = made()
    (norm,) = net.layers["layer0"].neuron.norms()
    for epoch, moves in ((0, True), (5, True), (6, False), (7, False)):
        before = norm.mean.clone()
        loop(net, range(epoch, epoch + 1))
        assert torch.equal(norm.mean, before) != moves


def test_statistics_are_settled_on_samples() -> None:
    """`settle` takes them from samples, with rounded delays: those of the deployed currents."""
    net = made()
    schedule, _ = loop(net, range(2))
    net.eval()
    schedule.settle(X)
    layer = net.layers["layer0"]
    with torch.no_grad():
        current = layer.connections[0](net.encode(X, False))
    torch.testing.assert_close(layer.neuron.norms()[0].mean, current.mean((0, 1)))


def test_an_own_loop_is_resumed_from_states() -> None:
    """A network and an optimiser that come back from their states go on to the same network."""
    whole = made()
    loop(whole, range(8))
    first = made()
    _, optimizer = loop(first, range(3))
    second = made()
    resumed = torch.optim.Adam(q.Schedule(second, HOW).parameters())
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(optimizer.state_dict())
    loop(second, range(3, 8), resumed)
    assert content_hash(second.eval().export()) == content_hash(whole.eval().export())


def test_the_threshold_is_chosen_last() -> None:
    """Of a first-spike output, one threshold for all: that whose accuracy no other one beats."""
    net = made("first-spike")
    schedule, _ = loop(net, range(8))
    accuracy = schedule.finish(X, Y)
    exported = net.export()
    theta = exported.last.neuron.threshold  # type: ignore[attr-defined]
    assert len(set(theta.tolist())) == 1
    assert accuracy == (exported.run(X.numpy()).decision.label == Y.numpy()).mean() > 0.5
    for other in range(1, 2 * int(theta[0])):
        net.last.neuron.place(other)
        label = net.export().run(X.numpy()).decision.label
        assert (label == Y.numpy()).mean() <= accuracy


def test_what_does_not_fit_is_refused() -> None:
    """An epoch beyond the training, labels of another number, a readout without classes."""
    net = made()
    schedule = q.Schedule(net, HOW)
    for call, message in (
        (lambda: schedule.begin(8), "Epoch must be in 0..7, not 8"),
        (lambda: schedule.begin(1.5), "Epoch must be an integer in 0..7, not 1.5"),  # type: ignore[arg-type]
        (lambda: schedule.finish(X, Y[1:]), "y must hold 120 labels, one per sample, not 119"),
        (lambda: schedule.finish(X[:0], Y[:0]), "Samples must number at least one, not 0"),
        (lambda: q.Schedule(3), "Network must be one of spikeline.quant, not 3"),  # type: ignore[arg-type]
        (lambda: q.Schedule(net, 3), "Training must be one of spikeline.quant, not 3"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert str(refused.value) == message


def test_normalised_outputs_have_no_one_threshold() -> None:
    """A normalisation gives each neuron a threshold of its own; first-spike could choose none."""
    net = q.Sequential(
        q.Linear(3),
        q.TTFS(norm=True),
        inputs=3,
        steps=12,
        coding=q.Counts(2),
        readout="first-spike",
    )
    with pytest.raises(InputError) as refused:
        q.fit(net, X, Y, seed=1)
    assert str(refused.value) == (
        "Layer layer0 must have no normalisation, as readout first-spike has one threshold for all"
        " its neurons"
    )


def test_an_own_loop_of_targets_is_saved_with_its_scale(tmp_path: Path) -> None:
    """`finish` gives the error of the integers; what `save` keeps turns them into targets again."""
    net = q.Sequential(
        q.Linear(8),
        q.IF(),
        q.Linear(2, bits=8),
        q.LI(),
        inputs=3,
        steps=12,
        coding=q.Counts(2),
        readout="membranes",
    )
    y = torch.stack([X[:, :, 0].sum(1), X[:, :, 1].sum(1)], 1).float()
    schedule = q.Schedule(net, HOW)
    error = schedule.finish(X, y)
    schedule.save(tmp_path / "r.safetensors", folder=tmp_path)
    told = json.loads((tmp_path / "r.training.json").read_text())
    found = load(tmp_path / "r.safetensors").run(X.numpy()).decision.score / told["scale"]
    assert error == pytest.approx(((found - y.numpy()) ** 2).mean())
    assert (told["data"], told["folder"]) == ("own", str(tmp_path.resolve()))
    logits = net(X).logits.detach().numpy()
    np.testing.assert_allclose(logits, found, rtol=1e-5)


@pytest.mark.parametrize("readout", ["membranes", "spikes"])
def test_targets_are_learned(readout: str) -> None:
    """A regression: the error it tells is the integer network's, and it falls."""
    random = np.random.default_rng(5)
    x = random.integers(0, 3, (300, 6, 4))
    y = np.stack([x[:, :, 0].sum(1) - x[:, :, 1].sum(1), x[:, 3:, 2].sum(1)], 1) / 2.0
    y = (x[:, :, :2] > 0).sum(1).astype(float) if readout == "spikes" else y
    torch.manual_seed(1)
    net = q.Sequential(
        q.Linear(24, bits=8),
        q.LIF(3 / 4, reset="subtract"),
        q.Linear(2, bits=8),
        q.LI() if readout == "membranes" else q.IF(reset="subtract"),
        inputs=4,
        steps=6,
        coding=q.Counts(2),
        readout=readout,
    )
    how = q.Training(epochs=25, batch_size=32, learning_rate=1e-2, logit_scale=0.3)
    trained = q.fit(net, x, y, how, seed=2)
    held = np.random.default_rng(2).permutation(300)[:25]
    found = trained.network.run(x[held]).decision.score / trained.scale
    assert trained.metric == "error"
    assert trained.best == pytest.approx(((found - y[held]) ** 2).mean(), rel=1e-5)
    assert trained.best == min(entry["error"] for entry in trained.history[1:])
    assert trained.best < 0.4 * trained.history[1]["error"]


@pytest.mark.parametrize(
    ("readout", "loss", "message"),
    [
        ("membranes", "final", "Training loss must be mse for the readout membranes, not final"),
        (
            "final-membrane",
            "mse",
            "Training loss mse must follow a readout that gives no class, not final-membrane",
        ),
        ("final-membrane", "hazard", "Loss hazard must have a threshold of the last layer"),
        ("final-membrane", "count", "Loss count must have a threshold of the last layer"),
    ],
)
def test_losses_that_do_not_go_with_the_readout_are_refused(
    readout: str, loss: str, message: str
) -> None:
    """Classes and targets have losses of their own; losses of spikes need spikes."""
    y = Y.numpy() if readout != "membranes" else RANDOM.normal(size=(120, 3))
    with pytest.raises(InputError) as refused:
        q.fit(made(readout), X, y, q.Training(loss=loss, epochs=1), seed=1)
    assert str(refused.value) == message


def test_only_square_images_are_moved() -> None:
    """Counts, and rows of pixels that make no square, are refused where images would be moved."""
    with pytest.raises(InputError) as refused:
        q.fit(made(), X, Y, q.Training(rotate=4.0), seed=1)
    assert str(refused.value) == (
        "Training translate, rotate and scale must be 0 for samples that are no square images"
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("loss", "mae", "Training loss must be one of hazard, spikes, weighted, every, count,"),
        ("time_weighting", "late", "Training time_weighting must be one of even, linear, exp"),
        ("epochs", 0, "Training epochs must be in 1..2147483648, not 0"),
        ("batch_size", 2.5, "Training batch_size must be an integer in 1..2147483648, not 2.5"),
        ("learning_rate", float("nan"), "Training learning_rate must be a number, not nan"),
        ("learning_rate", "fast", "Training learning_rate must be a number, not 'fast'"),
        ("validation", 1, "Training validation must be in 0..0.9, not 1"),
        ("sharp_after", -0.1, "Training sharp_after must be in 0..1, not -0.1"),
        ("threads", True, "Training threads must be an integer in 1..1024, not True"),
    ],
)
def test_settings_are_checked(field: str, value: Any, message: str) -> None:
    """A setting out of its range is told by its name."""
    with pytest.raises(InputError) as refused:
        q.Training(**{field: value})
    assert str(refused.value).startswith(message)
