"""Augmentation: training images, moved, turned and scaled a little, each epoch anew."""

from math import pi

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from .training import Training

__all__ = ["moved"]


def moved(x: Tensor, how: Training, random: torch.Generator) -> Tensor:
    """Move, turn and scale square images (samples, pixels) at random, black coming in."""
    if not how.augments:
        return x
    side = round(x.shape[1] ** 0.5)
    # Drawn on the processor, so that every device sees the same images.
    u = torch.rand(4, len(x), generator=random) * 2 - 1
    angle, size = u[0] * (how.rotate * pi / 180), 1 + u[1] * how.scale
    across, down = u[2:] * (how.translate * 2 / side)
    c, s = angle.cos() * size, angle.sin() * size
    affine = torch.stack([c, -s, across, s, c, down], 1).view(-1, 2, 3).to(x.device)
    images = x.view(-1, 1, side, side).float()
    grid = affine_grid(affine, list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False).round().to(torch.uint8).view(x.shape)
