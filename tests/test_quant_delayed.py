"""Learned delays: profiles worked by hand, the published convolution, and what is deployed."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv1d, pad

from spikeline.model.errors import InputError
from spikeline.quant.synapses.delayed import PROFILES, Delayed, convolve, merge, spread


def delayed(pre: int = 3, post: int = 4, steps: int = 20, **options) -> Delayed:
    """Make synapses with 9 delays and fixed random parameters."""
    torch.manual_seed(1)
    return Delayed(pre, post, 6, steps, **{"window": 9, **options})


@pytest.mark.parametrize(
    ("profile", "width", "delay", "shares"),
    [
        # exp(-1 / (2 * 0.5**2)) = 0.1353 beside 1; two away exp(-8) = 0.0003.
        ("gauss", 0.23, 4.0, [0, 0, 0.0003, 0.1065, 0.7866, 0.1065, 0.0003, 0, 0]),
        ("gauss", 0.23, 4.5, [0, 0, 0, 0.0090, 0.4910, 0.4910, 0.0090, 0, 0]),
        ("gauss", 0.23, 8.0, [0, 0, 0, 0, 0, 0, 0.0003, 0.1192, 0.8805]),
        ("gauss", 0.23, 0.0, [0.8805, 0.1192, 0.0003, 0, 0, 0, 0, 0, 0]),
        ("linear", 3.0, 2.25, [0, 0, 0.75, 0.25, 0, 0, 0, 0, 0]),
        ("linear", 3.0, 8.0, [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("triangle", 3.0, 2.25, [0, 0, 0.75, 0.25, 0, 0, 0, 0, 0]),
        ("wide", 0.0, 2.25, [0, 0, 0.75, 0.25, 0, 0, 0, 0, 0]),
        # s = 2: 1, 2, 1 of 4.
        ("wide", 1.0, 3.0, [0, 0, 0.25, 0.5, 0.25, 0, 0, 0, 0]),
        # At the border only 2, 1 of 3 are on the grid.
        ("wide", 1.0, 8.0, [0, 0, 0, 0, 0, 0, 0, 1 / 3, 2 / 3]),
    ],
)
def test_profiles_by_hand(profile, width, delay, shares) -> None:
    """Shares are those worked out beside each case, and those published for Gaussians."""
    got = spread(profile, torch.tensor(delay), 9, width)
    assert got.numpy() == pytest.approx(shares, abs=6e-5)


def test_mass_is_one_on_the_grid() -> None:
    """Whatever the profile and the width, a tap's shares add up to 1."""
    delays = torch.linspace(0, 8, 33)
    for profile in PROFILES:
        for width in (0.0, 0.23, 1.0, 4.0):
            mass = spread(profile, delays, 9, width).sum(-1)
            assert mass.numpy() == pytest.approx(np.ones(33), abs=1e-6)


@pytest.mark.parametrize("steps", [1, 5, 20, 33])
def test_convolve_is_the_published_convolution(steps: int) -> None:
    """Values and gradients are those of conv1d, padded and flipped as published, in float64."""
    torch.manual_seed(2)
    x = torch.rand(steps, 6, 7, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(5, 7, 9, dtype=torch.float64, requires_grad=True)
    there = torch.randn(steps, 6, 5, dtype=torch.float64)
    # Cell i of the published kernel is delay 8 - i, and 8 zeros come before the input.
    published = conv1d(pad(x.permute(1, 2, 0), (8, 0)), kernel.flip(2)).permute(2, 0, 1)
    expected = torch.autograd.grad((published * there).sum(), (x, kernel))

    got = convolve(x, kernel)

    assert torch.allclose(got, published, rtol=0, atol=1e-12)
    for mine, theirs in zip(
        torch.autograd.grad((got * there).sum(), (x, kernel)), expected, strict=True
    ):
        assert torch.allclose(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("pre", "post", "steps"), [(3, 4, 20), (140, 64, 100)], ids=["small", "published"]
)
@pytest.mark.parametrize("axonal", [False, True], ids=["synaptic", "axonal"])
@pytest.mark.parametrize("profile", PROFILES)
def test_training_is_the_published_layer(
    profile: str, axonal: bool, pre: int, post: int, steps: int
) -> None:
    """Spread by hand and convolved by conv1d: the same currents and gradients to 1e-5."""
    layer = delayed(pre, post, steps, taps=2, axonal=axonal, profile=profile).train()
    layer.width = 1.3
    x, there = torch.rand(steps, 6, pre), torch.randn(steps, 6, post)
    parameters = [layer.weight, layer.position]
    mine = layer(x)
    gradients = torch.autograd.grad((mine * there).sum(), parameters)

    w = layer.integers().view(post, pre, 2)
    kernel = torch.zeros(post, pre, 9)
    for tap in range(2):
        delay = (4 - layer.position[..., tap]).expand(post, pre)
        kernel = kernel + w[..., tap, None] * spread(profile, delay, 9, 1.3)
    theirs = conv1d(pad(x.permute(1, 2, 0), (8, 0)), kernel.flip(2)).permute(2, 0, 1)

    assert torch.allclose(mine, theirs, rtol=1e-5, atol=1e-5 * float(theirs.detach().abs().max()))
    for a, b in zip(
        gradients, torch.autograd.grad((theirs * there).sum(), parameters), strict=True
    ):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-5 * float(b.abs().max()))


def test_delay_is_half_the_window_less_the_position() -> None:
    """Position (D-1)/2 is delay 0, -(D-1)/2 is delay D-1; a position between is rounded."""
    layer = delayed(1, 4, standardise="none").eval()
    with torch.no_grad():
        layer.position[:, 0, 0] = torch.tensor([4.0, -4.0, 1.4, -0.6])

    assert [0, 8, 3, 5] == layer.export().delays[:, 0, 0].tolist()
    with torch.no_grad():
        layer.weight.fill_(1.0)
    impulse = torch.zeros(20, 1, 1)
    impulse[2] = 1
    for j, delay in enumerate([0, 8, 3, 5]):
        assert [2 + delay] == layer(impulse)[:, 0, j].nonzero().flatten().tolist()


def test_delta_trains_what_is_deployed() -> None:
    """With width 0 training gives the very integers of evaluation; positions still have slopes."""
    layer = delayed(taps=2).train()
    layer.width = 0.0
    x = (torch.rand(20, 6, 3) < 0.3).float()
    current = layer(x)
    (slope,) = torch.autograd.grad((current * torch.randn_like(current)).sum(), layer.position)

    assert torch.equal(current, layer.eval()(x))
    assert torch.equal(slope != 0, layer.integers().view_as(slope) != 0)


def test_clamp_puts_positions_back() -> None:
    """Positions beyond the ends go to the ends; recurrent synapses keep a delay of at least 1."""
    layer = delayed(least=1)
    with torch.no_grad():
        layer.position[0, :, 0] = torch.tensor([9.0, -9.0, 3.5])
    layer.clamp()

    assert [3.0, -4.0, 3.0] == layer.position[0, :, 0].tolist()
    assert layer.export().delays.min() >= 1


def test_equal_taps_become_one() -> None:
    """Delays 2, 2, 5: the first two weights are added, unless the sum does not fit the width."""
    weights, delays = np.array([[[3, 2, 1], [6, 5, 1]]]), np.array([[[2, 2, 5], [2, 2, 5]]])

    w, d = merge(weights, delays, 4)

    assert [[[5, 0, 1], [6, 5, 1]]] == w.tolist()
    assert delays.tolist() == d.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 8}, "Delayed window must be odd, not 8"),
        ({"window": 0}, "Delayed window must be odd, not 0"),
        ({"window": -3}, "Delayed window must be odd, not -3"),
        ({"window": 21}, "Delayed window must be at most the 20 steps, not 21"),
        (
            {"profile": "square"},
            "Delayed profile must be one of linear, triangle, wide, gauss, not 'square'",
        ),
    ],
)
def test_wrong_parameters_are_refused(options, message) -> None:
    """An even window, one beyond T and an unknown profile are refused."""
    with pytest.raises(InputError) as refused:
        delayed(**options)
    assert message == str(refused.value)
