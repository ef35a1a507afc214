"""``spikeline synth``: what the Verilog costs."""

from pathlib import Path
from typing import Any

import click

from ...plan.mapping import Mapping
from .. import show
from ..synth.synth import check
from ..synth.synth import synth as run
from ..zoo.zoo import Named, resolve
from .exported import apart
from .options import LAYOUT, options
from .shared import delays, emit, scratch

__all__ = ["command", "synth"]


@click.command("synth")
@click.argument("network")
@click.option("--target", required=True, metavar="NAME", help="ice40, ecp5 or xilinx.")
@click.option("--pnr", is_flag=True, help="Place and route too (ice40, ecp5).")
@options("seeds", *LAYOUT, "kept", "json")
def command(
    network: str,
    target: str,
    pnr: bool,
    seeds: int,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> None:
    """Synthesise a network with Yosys, and place and route it with nextpnr.

    Tells LUT, FF, BRAM and DSP of each layer, of the core and of the AXI wrapper around it, and
    fmax with --pnr.

    \b
    Example:
      spikeline synth mnist-ttfs --target ecp5 --pnr
      spikeline synth mnist-ttfs --target xilinx --lanes 16,10
    """
    named = resolve(network)
    result = synth(named, target, out, pnr=pnr, seeds=seeds, **layout)
    said: list[Any] = [f"{named.name} on {target}", show.table(rows(result))]
    if result["fmax_mhz"]:
        said.append(
            f"fmax {result['fmax_mhz']} MHz on {result['device']}"
            f" (median of {', '.join(map(str, result['fmax_mhz_seeds']))});"
            f" the slowest path: {result['critical_path']}"
        )
    show.deliver(result, json_to, *said)


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Lay out costs: of each layer, by its name; of each other part of the core; of the sums."""
    layers = [{**layer, "name": f"layer {layer['name']}"} for layer in result["layers"]]
    sums = [{"name": name, **result[name]} for name in ("core", "wrapper")]
    return [*layers, *result["parts"], *sums]


def synth(
    named: Named,
    target: str,
    out: Path | None = None,
    *,
    pnr: bool = False,
    seeds: int = 3,
    **layout: Any,
) -> dict[str, Any]:
    """Synthesise the Verilog of a network; its files stay where `out` is given.

    Without it they go, unless a refusal names one of them.
    """
    check(target, pnr, seeds)
    apart(out)
    mapping = Mapping.of(named.network, **layout)
    with scratch(out) as folder, show.stages() as stage:
        show.writable_folder(folder)
        stage(f"Verilog of {named.name}")
        design = emit(named, mapping, folder)
        result = run(design, target, pnr=pnr, seeds=seeds, stage=stage)
    lanes = [unit.lanes for unit in mapping.units.values()]
    told = {"network": named.name, "hash": named.hash, "lanes": lanes}
    return {**told, **delays(named.network, mapping), **result}
