"""Float weights taken into integers: the same spikes where they fit, what it costs elsewhere."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from spikeline import quant as q
from spikeline.model.errors import InputError
from spikeline.quant.network import Network

STEPS = 6
X = np.random.default_rng(2).integers(0, 2, (40, STEPS, 10)).astype(np.uint8)


def made(**neuron: Any) -> Network:
    """Make 10-8-3 with a recurrence, in 8 bits."""
    torch.manual_seed(1)
    return q.Sequential(
        q.Linear(8, bits=8),
        q.LIF(1 / 2, recurrent=q.Linear(bits=8), **neuron),
        q.Linear(3, bits=8),
        q.LI(),
        inputs=10,
        steps=STEPS,
        coding=q.Counts(1),
        readout="final-membrane",
    )


def floats(step: float) -> dict[str, Tensor]:
    """Draw float weights that are whole multiples of a step, the largest one 127 times it."""
    random = np.random.default_rng(3)
    state = {}
    for name, shape in (("fc.weight", (8, 10)), ("rec.weight", (8, 8)), ("out.weight", (3, 8))):
        w = random.integers(-127, 128, shape)
        w[0, 0] = 127
        state[name] = torch.from_numpy(w * step)
    return state


def by_hand(state: dict[str, Tensor], threshold: float, bias: float = 0.0) -> np.ndarray:
    """Run the float network as snnTorch computes it, but for its leak's floor; last membranes."""
    w, r, o = (x.numpy() for x in state.values())
    v, s, out = np.zeros((40, 8)), np.zeros((40, 8)), np.zeros((40, 3))
    for t in range(STEPS):
        h = np.floor(v / 2 * 64) / 64 + X[:, t] @ w.T + s @ r.T + bias
        s = (h >= threshold).astype(float)
        v = h * (1 - s)
        out += s @ o.T
    return out


@pytest.mark.parametrize("threshold", [1.0, 0.5, 20.0])
def test_weights_that_fit_give_the_same_network(threshold: float) -> None:
    """Multiples of 1/64 up to 127/64 are taken without error: every membrane is 64 times as large,
    whatever the threshold, and a bias of 1/4 a step is 16."""
    net, state = made(threshold=threshold, bias=True), floats(1 / 64)
    state["fc.bias"] = torch.full((8,), 0.25)
    report = net.load_float(state)
    assert report == {
        name: {"scale": pytest.approx(64), "clipped": 0, "error": pytest.approx(0, abs=1e-9)}
        for name in ("layer0", "layer1")
    }
    del state["fc.bias"]
    h = net.export().run(X).decision.score
    assert np.array_equal(h, 64 * by_hand(state, threshold, 0.25))


def test_what_clips_is_told() -> None:
    """One weight far out is clipped where that errs less, and counted."""
    net, state = made(), floats(1 / 64)
    state["out.weight"][1, 1] = 100.0
    report = net.load_float(state)
    assert report["layer0"]["clipped"] == 0
    assert report["layer1"]["clipped"] <= 1 / 24 and report["layer1"]["error"] > 0.001
    few = q.Sequential(
        q.Linear(50, bits=2), q.LI(), inputs=100, steps=1, coding=q.Counts(1), readout="membranes"
    )
    w = torch.randn(50, 100, generator=torch.Generator().manual_seed(1))
    told = few.load_float({"w": w})["layer0"]
    # The best three levels of a normal variable: -1.22, 0, 1.22 deviations, error 0.19 (Max 1960).
    assert 1 / told["scale"] == pytest.approx(1.22, rel=0.05)
    assert told["error"] ** 2 == pytest.approx(0.19, rel=0.05)
    assert told["clipped"] == pytest.approx((w.abs() >= 1.5 / told["scale"]).float().mean().item())


def test_the_width_of_the_surrogate_goes_with_the_threshold() -> None:
    """The gradient of a spike is the float network's, whatever its threshold is measured in."""
    grads = []
    for factor in (1.0, 8.0):
        net = made(threshold=factor)
        net.load_float({k: w * factor for k, w in floats(1 / 64).items()})
        net.train()(X).logits.sum().backward()
        grad = net.kernels()[0].weight.grad  # type: ignore[union-attr]
        assert grad is not None and grad.abs().sum() > 0
        grads.append(grad / grad.abs().sum())  # type: ignore[operator]
    torch.testing.assert_close(grads[0], grads[1])


def test_thresholds_are_set_from_samples() -> None:
    """Neurons reach the threshold in the share of samples that is asked for; biases spread."""
    for firing in (0.1, 0.5):
        net, state = made(bias=True), floats(1 / 64)
        state["fc.bias"] = torch.ones(8)
        net.load_float(state, samples=X, firing=firing)
        run = net.export().run(X, record=True)
        # A reset lets less through than what thresholds were set from.
        share = run.spikes["layer0"].any(axis=0).mean()
        assert abs(share - firing) < 0.06
        assert net.export().layers["layer0"].neuron.bias.tolist() == [round(64 / STEPS)] * 8


def test_names_tell_what_is_whose() -> None:
    """Matrices in another order, and one too many, are taken by their names."""
    state = floats(1 / 64)
    mixed = {"out.weight": state["out.weight"], "other": torch.ones(2, 2), **state}
    names = {"layer0": "fc.weight", "layer0.1": "rec.weight", "layer1": "out.weight"}
    net, named = made(), made()
    net.load_float(state)
    named.load_float(mixed, names=names)
    assert all(map(torch.equal, net.parameters(), named.parameters()))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            {"more": torch.ones(2, 2)},
            {},
            "Float weights must be 3 matrices, one per connection, not 4: names tells which",
        ),
        (
            {"fc.weight": torch.ones(8, 9)},
            {},
            "Float weight fc.weight must have the shape (8, 10) for layer layer0, not (8, 9)",
        ),
        (
            {"fc.weight": torch.full((8, 10), torch.nan)},
            {},
            "Float weight fc.weight must be finite, not NaN or infinite",
        ),
        (
            {"out.weight": torch.zeros(3, 8)},
            {},
            "Float weights of layer layer1 must not all be 0",
        ),
        (
            {"fc.bias": torch.ones(8)},
            {},
            "Layer layer0 must have neurons with bias=True to take a bias",
        ),
        (
            {},
            {"names": {"layer9": "fc.weight"}},
            "to a matrix, not to or from 'layer9'; there are layer0, layer0.1, layer1",
        ),
        (
            {},
            {"names": {"layer0": "fc.weight"}},
            "Names must tell the weight of layer0.1, layer1, too",
        ),
        (
            {},
            {"samples": X[:, :, 1:]},
            "the shape (samples, up to 6, 10), not (40, 6, 9)",
        ),
        ({}, {"samples": X, "firing": 2}, "Firing must be in 1e-06..0.999, not 2"),
        ({"fc.weight": "w"}, {}, "Float weights must be a state_dict of torch, not dict"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    """What is missing, too much, of another shape or no number is told, and nothing is taken."""
    net = made()
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(InputError) as refused:
        net.load_float(floats(1 / 64) | change, **options)
    assert str(refused.value).endswith(message)
    assert all(map(torch.equal, before, net.parameters()))


def test_what_was_taken_is_state() -> None:
    """A network that takes the state of another one is that one; taking twice is taking once."""
    net, other = made(threshold=0.5), made(threshold=0.5)
    net.load_float(floats(1 / 64))
    other.load_state_dict(net.state_dict())
    assert torch.equal(net.train()(X).logits, other.train()(X).logits)
    before = [p.clone() for p in net.parameters()]
    net.load_float(floats(1 / 64))
    assert all(map(torch.equal, before, net.parameters()))


def test_a_refusal_on_the_way_leaves_the_network() -> None:
    """A bias that no register holds is refused, and so late that all is put back."""
    net = made(bias=True)
    before, was = [p.clone() for p in net.parameters()], net.training
    for options in ({}, {"samples": X}):
        with pytest.raises(InputError) as refused:
            net.load_float(floats(1 / 64) | {"fc.bias": torch.full((8,), 1e30)}, **options)
        assert "bias" in str(refused.value)
        assert all(map(torch.equal, before, net.parameters())) and net.training == was
        assert all(k.standardise == "row" for k in net.kernels())  # type: ignore[attr-defined]


def test_thresholds_after_a_normalisation_are_not_set_from_samples() -> None:
    """They are measured in the deviations of the current, which no scale of weights changes."""
    net = made(norm=True)
    net.load_float(floats(1 / 64), samples=X)
    threshold = net.layers["layer0"].neuron.threshold
    assert isinstance(threshold, Tensor) and threshold.tolist() == [1.0]
