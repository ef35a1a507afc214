"""``spikeline recipe``: a recipe that ships, printed."""

import click

__all__ = ["command"]


@click.command("recipe")
@click.argument("name")
def command(name: str) -> None:
    """Print a recipe that ships, in TOML, to begin one of your own with.

    \b
    Example:
      spikeline recipe mnist-ttfs > mine.toml
      spikeline train mine.toml --data FOLDER --out mine.safetensors
    """
    from ...quant.recipes import FILES, recipe

    recipe(name)
    click.echo(FILES[name].read_text(encoding="utf-8"), nl=False)
