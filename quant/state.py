"""What a network is at a moment, beside its parameters and buffers too."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import is_dataclass
from typing import Any

from torch import nn

__all__ = ["settings", "snapshot"]

PLAIN = (bool, int, float, str, tuple, type(None))


def settings(network: nn.Module) -> dict[str, dict[str, Any]]:
    """List what all modules hold beside tensors and modules, by their names: numbers, words, and
    values such as a coding."""
    return {
        name: {
            key: value
            for key, value in vars(module).items()
            if not key.startswith("_") and (isinstance(value, PLAIN) or is_dataclass(value))
        }
        for name, module in network.named_modules()
    }


def snapshot(network: nn.Module) -> Callable[[], None]:
    """Remember a network; the function that is returned makes it again what it was."""
    tensors, others = deepcopy(network.state_dict()), settings(network)

    def restore() -> None:
        network.load_state_dict(tensors)
        modules = dict(network.named_modules())
        for name, found in others.items():
            vars(modules[name]).update(found)

    return restore
