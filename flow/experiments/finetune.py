"""A float network with ReLU, taken into the integers of a recipe and fine-tuned in a third of the
epochs, beside the same recipe trained from nothing.

python -m spikeline.flow.experiments.finetune mnist-ttfs DIR
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...model.network import accuracy
from ..data.data import Data, load

if TYPE_CHECKING:
    from ...quant.training import Training

__all__ = ["compare", "floats"]

RATE = 3e-3  # of fine-tuning; from nothing it is the recipe's
FIRING = 0.35  # share of the samples in which a neuron is to fire, at first
EPOCHS = 20  # of the float network


def floats(data: Data, sizes: tuple[int, ...], how: "Training", seed: int) -> Any:
    """Train a float network of matrices and ReLU on pixels, 0 to 1; returns the torch module.

    Its images are moved, turned and scaled as those of the recipe.
    """
    import torch
    from torch import nn

    from ...quant.augment import moved

    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for pre, post in pairwise(sizes):
        layers += [nn.Linear(pre, post, bias=False), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    x, y = torch.tensor(data.x), torch.tensor(data.y)
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(x)).split(256):
            optimizer.zero_grad()
            seen = moved(x[chosen], how, random).float() / 255
            nn.functional.cross_entropy(net(seen), y[chosen]).backward()
            optimizer.step()
        falls.step()
    return net


def compare(
    name: str, folder: Path | None, *, seed: int, told: Callable[[str], object] = print
) -> dict[str, float]:
    """Fine-tune the network of a recipe for images, and train it from nothing.

    Returns
    -------
    dict
        Accuracy on the test split: ``float``, of the network with ReLU; ``taken``, of its integers
        before any training; ``tuned``, and ``from_nothing``.
    """
    import torch

    from ...quant.loop import fit, train
    from ...quant.recipes import recipe

    how = recipe(name)
    of, width = how.architecture, how.architecture.width
    data, test = (
        load(how.data, split, folder).shaped(False, width, name) for split in ("train", "test")
    )
    sizes = tuple(shape.size for shape in of.shapes().values())
    net = floats(data, sizes, how.training, seed)
    with torch.no_grad():
        label = net(torch.tensor(test.x).float() / 255).argmax(1).numpy()
    result = {"float": accuracy(label, test.y)}
    torch.manual_seed(seed)
    network = of.build(data.x)
    network.load_float(net.state_dict(), samples=data.x[:2000], firing=FIRING)
    network.eval()
    result["taken"] = accuracy(network.export().run(test.x).decision.label, test.y)
    told(f"float {result['float']:.2%}, its integers {result['taken']:.2%}")
    epochs = how.training.epochs // 3
    few = replace(how.training, epochs=epochs, learning_rate=RATE)
    tuned = fit(network, data.x, data.y, few, seed=seed)
    result["tuned"] = accuracy(tuned.network.run(test.x).decision.label, test.y)
    told(f"fine-tuned in {epochs} epochs {result['tuned']:.2%}, held out {tuned.best:.2%}")
    whole = train(how, data.x, data.y, seed=seed)
    result["from_nothing"] = accuracy(whole.network.run(test.x).decision.label, test.y)
    told(
        f"from nothing in {how.training.epochs} epochs {result['from_nothing']:.2%},"
        f" held out {whole.best:.2%}"
    )
    return result


def main() -> None:
    """Print what both reach."""
    parser = argparse.ArgumentParser(description="Fine-tuning against training from nothing.")
    parser.add_argument("recipe", help="a recipe for images, such as mnist-ttfs")
    parser.add_argument("data", type=Path, nargs="?", help="folder of its data set")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    compare(given.recipe, given.data, seed=given.seed)


if __name__ == "__main__":
    main()
