"""Recipes: data, an architecture and a training; with a seed they make a trained network.

A shipped one is a TOML file here, and its name that of the file.
"""

from pathlib import Path

from ...model.check import choice
from .reader import read
from .recipe import Recipe

__all__ = ["FILES", "RECIPES", "Recipe", "read", "recipe"]

FILES = {path.stem: path for path in Path(__file__).parent.glob("*.toml")}
RECIPES: dict[str, Recipe] = {name: read(FILES[name]) for name in sorted(FILES)}


def recipe(name: str) -> Recipe:
    """Find a shipped recipe by its name."""
    return RECIPES[choice("Recipe", name, RECIPES)]
