"""``spikeline verilog``: hardware, and a bench for it."""

import re
from pathlib import Path
from typing import Any

import click

from ...model.errors import InputError
from ...plan.mapping import Mapping
from .. import show
from ..data.data import Data
from ..zoo.zoo import Named, resolve
from .exported import whole
from .options import LAYOUT, options
from .shared import emit, network_and_data

__all__ = ["command", "verilog"]


@click.command("verilog")
@click.argument("network")
@click.option(
    "--inline", is_flag=True, help="Weights inside the Verilog instead of files beside it."
)
@click.option(
    "--bench",
    type=click.IntRange(1),
    metavar="N",
    help="Add a bench of the first N samples of a data set, which needs pytest, cocotb and"
    " Verilator, but not spikeline.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name of the top module, with which every module and file name begins, so that several"
    " networks fit one design; else the network's, with the first digits of its hash.",
)
@options("data", "dataset", "framing", "split", *LAYOUT, "out", "json")
def command(
    network: str,
    inline: bool,
    bench: int | None,
    name: str | None,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> None:
    """Write the Verilog of a network, with AXI4-Stream ports and a description of them.

    The same network and lanes always give the same bytes. The Verilog is yours, without conditions.
    An earlier export in the same folder goes.
    A data set is read for --bench only.

    \b
    Example:
      spikeline verilog mnist-ttfs --lanes 16,10 --out rtl
      spikeline verilog digits-ttfs --bench 20 --out rtl
      spikeline verilog mine.safetensors --name second --out rtl/second
    """
    named, data = resolve(network), None
    if bench is not None:
        named, data = network_and_data(network, dataset, split, bench, folder, framing)
    out = out or Path("out") / named.name / "verilog"
    result = verilog(named, out, inline=inline, bench=data, name=name, **layout)
    show.deliver(result, json_to, *(f"{out / file}" for file in result["files"]))


def verilog(
    named: Named,
    out: Path,
    *,
    inline: bool = False,
    bench: Data | None = None,
    name: str | None = None,
    **layout: Any,
) -> dict[str, Any]:
    """Emit Verilog into the folder `out`, with a bench of samples; `layout` is Mapping.of's.

    A `name` that is given is taken as it is, or refused. An earlier export in the folder goes.
    """
    if name is not None and not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise InputError(f"Name must be a letter or _, then letters, digits and _, not {name!r}")
    if name is not None:
        from ...rtl.emit import usable

        usable(name)
    mapping = Mapping.of(named.network, **layout)
    with whole(out) as folder:
        emitted = emit(named, mapping, folder, inline=inline, name=name)
        if bench is not None:
            from ...cosim.export import export

            export(named.network, mapping, emitted, bench.x)
        files = sorted(path.name for path in folder.iterdir())
    return {
        "network": named.name,
        "hash": named.hash,
        "folder": str(out),
        "top": emitted.top,
        "core": emitted.core,
        "description": emitted.description.name,
        "files": files,
        **(bench.source if bench is not None else {}),
    }
