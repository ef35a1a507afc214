"""``spikeline report``: everything measured, on one page."""

from pathlib import Path
from typing import Any

import click

from ...model.store import write_atomically
from ...plan.mapping import Mapping
from .. import show
from ..data.data import Data
from ..synth.synth import check
from ..zoo.zoo import Named
from .cosim import cosim
from .errors import differs
from .evaluate import SCALE, evaluate, scaled
from .options import LAYOUT, options
from .shared import network_and_data
from .synth import synth

__all__ = ["command", "report"]


@click.command("report")
@click.argument("network")
@click.option("--target", default="ecp5", show_default=True, metavar="NAME", help="As for synth.")
@click.option("--pnr", is_flag=True, help="Place and route too.")
@SCALE
@options("data", "dataset", "framing", "split", "samples")
@options("seeds", *LAYOUT, "out", "json")
def command(
    network: str,
    target: str,
    pnr: bool,
    scale: float | None,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    samples: int | None,
    seeds: int,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Evaluate, co-simulate and synthesise a network; write all of it on one HTML page.

    \b
    Example:
      spikeline report digits-ttfs --pnr
      spikeline report mnist-ttfs --data DIR --samples 500
    """
    named, data = network_and_data(network, dataset, split, samples, folder, framing)
    named, out = scaled(named, scale), out or Path("out") / named.name
    result = report(named, data, out, target=target, pnr=pnr, seeds=seeds, **layout)
    compared = result["cosim"]
    said = (
        f"co-simulated: {compared['mismatches']} mismatches,"
        f" {compared['cycles_predicted_wrong']} cycles predicted wrong"
    )
    show.deliver(result, json_to, said, result["report"])
    return differs(compared)


def report(
    named: Named,
    data: Data,
    out: Path,
    *,
    target: str,
    pnr: bool,
    seeds: int,
    **layout: Any,
) -> dict[str, Any]:
    """Evaluate, co-simulate, synthesise; write ``report.html`` in the folder `out`."""
    from ..report.page import page

    check(target, pnr, seeds)
    show.writable_folder(out)
    evaluated = evaluate(named, data)
    simulated, run = cosim(named, data, out / "cosim", **layout)
    cost = synth(named, target, out / target, pnr=pnr, seeds=seeds, **layout)
    with show.stages() as stage:
        stage("report")
        mapping = Mapping.of(named.network, **layout)
        text = page(named, mapping, data, evaluated, simulated, run, [cost])
    return {"report": write_report(out, text), "eval": evaluated, "cosim": simulated, "synth": cost}


def write_report(out: Path, text: str) -> str:
    """Write the page; returns its path."""
    write_atomically(out / "report.html", text)
    return str((out / "report.html").absolute())
