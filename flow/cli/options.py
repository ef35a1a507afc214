"""Options that mean the same in every command, and the words that they take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...plan.mapping import BUDGET, FEW
from .. import show

__all__ = ["LAYOUT", "SEED", "PerLayer", "Seeds", "Words", "options"]

SEED = click.IntRange(0, 2**31 - 1)
# How a network is laid out: the arguments of Mapping.of.
LAYOUT = ("lanes", "sweep", "taps", "products", "queue", "delay", "pixels")


class PerLayer(click.ParamType):
    """One number per layer, separated by commas."""

    name = "N,N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(word) for word in value.split(","))
        except ValueError:
            self.fail(
                f"{param.name.capitalize()} must be whole numbers separated by commas, one per"
                f" layer, not {value!r}"
            )


class Words(click.ParamType):
    """One word, or one per layer, separated by commas."""

    name = "WORD,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> str | tuple[str, ...]:
        """Read the words."""
        return tuple(value.split(",")) if isinstance(value, str) and "," in value else value


class Seeds(click.ParamType):
    """Different seeds, separated by commas."""

    name = "N,N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        words = value.split(",")
        if not all(word.isdecimal() for word in words) or len(set(words)) < len(words):
            self.fail(
                f"Seeds must be different whole numbers from 0, separated by commas, not {value!r}"
            )
        return tuple(SEED.convert(word, param, ctx) for word in words)


def _json_to(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """See that the result can be written before it is computed."""
    if value not in (None, "-"):
        show.writable(Path(str(value)))
    return value


def options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command some of the options that mean the same everywhere."""
    known = {
        "json": click.option(
            "--json",
            "json_to",
            metavar="FILE",
            callback=_json_to,
            help="Write the result as JSON; - is stdout.",
        ),
        "out": click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder to write to, made if missing; else one under out/.",
        ),
        "kept": click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder that keeps Verilog, netlist and logs, made if missing; else they stay only"
            " where one of them tells why it failed.",
        ),
        "data": click.option(
            "--data",
            "folder",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder of the data set; else SPIKELINE_DATA, else shipped or downloaded.",
        ),
        "dataset": click.option(
            "--dataset",
            metavar="NAME",
            help="digits, mnist, fashion-mnist, spoken, shd, ssc, gsc or own (.npz in --data);"
            " random for shd-256 and ssc-512.",
        ),
        "framing": click.option(
            "--framing",
            metavar="NAME",
            help="How events of shd and ssc become frames: grid or squeezed (silence left out);"
            " else as the network was trained, else grid.",
        ),
        "split": click.option(
            "--split",
            default="test",
            show_default=True,
            metavar="NAME",
            help="train or test; ssc and gsc also have valid.",
        ),
        "samples": click.option(
            "--samples", type=click.IntRange(1), metavar="N", help="Only the first N samples."
        ),
        "lanes": click.option(
            "--lanes",
            type=PerLayer(),
            help="Lanes of each layer, as 16,10; else all neurons at once.",
        ),
        "sweep": click.option(
            "--sweep",
            type=PerLayer(),
            help="Neurons per sweep cycle of each layer; else as lanes; behind a wheel 8 to 16,"
            " where that divides them.",
        ),
        "delay": click.option(
            "--delay",
            type=Words(),
            default="auto",
            show_default=True,
            metavar="line|wheel|auto",
            help="What computes the delays of layers that have some, or one per layer: line keeps"
            " what came, little memory; wheel keeps what is to come, few cycles; auto: wheels while"
            f" those of the network fit {BUDGET:,} bits, lines beyond; over maps wheels.",
        ),
        "taps": click.option(
            "--taps",
            type=Words(),
            default="one",
            show_default=True,
            metavar="one|row|all",
            help="Taps of a convolution that are added in a cycle: one, a row of the kernel, or all"
            " of them; for all layers or, as one,row,one, for each. More lanes, fewer cycles.",
        ),
        "products": click.option(
            "--products",
            type=Words(),
            default="auto",
            show_default=True,
            metavar="auto|one|all",
            help="Products of a parallel neuron that are made in a cycle: one after another, or all"
            f" of its taps at once, or one per layer; auto: all, where there are at most {FEW}.",
        ),
        "queue": click.option(
            "--queue",
            type=PerLayer(),
            help="Vectors that wait behind each layer, as 16,256,16; else 16. Deeper queues even"
            " out steps of many spikes.",
        ),
        "pixels": click.option(
            "--pixels",
            type=int,
            default=0,
            metavar="N",
            help="Take packed pixels, N a beat, and encode them in hardware; else input events.",
        ),
        "seeds": click.option(
            "--seeds",
            type=click.IntRange(1),
            default=3,
            show_default=True,
            help="Number of placement seeds, with --pnr; fmax is their median.",
        ),
    }

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = known[name](command)
        return command

    return give
