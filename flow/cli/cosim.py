"""``spikeline cosim``: the Verilog beside the golden model."""

from pathlib import Path
from typing import Any

import click

from ...model.answers import suit
from ...model.errors import InputError
from ...plan.mapping import Mapping
from .. import show
from ..data.data import Data
from ..zoo.zoo import Named
from .errors import differs
from .exported import apart
from .options import LAYOUT, SEED, options
from .shared import alone, delays, network_and_data

__all__ = ["command", "cosim"]


@click.command("cosim")
@click.argument("network")
@click.option("--stalls", default="none", show_default=True, metavar="KIND", help="none or random.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the random stalls.")
@options("data", "dataset", "framing", "split", "samples")
@options(*LAYOUT, "out", "json")
def command(
    network: str,
    stalls: str,
    seed: int,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    samples: int | None,
    out: Path | None,
    json_to: str | None,
    **layout: Any,
) -> int:
    """Compare the Verilog with the golden model: every spike, every decision, every cycle.

    Runs the emitted Verilog in Verilator over a data set. Exits with 1 at a mismatch, and tells
    the first one, or if a cycle was predicted wrong. With random stalls cycles are not compared.

    \b
    Example:
      spikeline cosim mnist-ttfs --data DIR --split test --json -
      spikeline cosim mnist-ttfs --data DIR --stalls random --samples 500
      spikeline cosim digits-spoken --delay line --samples 20
    """
    named, data = network_and_data(network, dataset, split, samples, folder, framing)
    result, run = cosim(named, data, out, stalls=stalls, seed=seed, **layout)
    cycles, interval = result["cycles"], result["interval"]
    said = [
        f"{named.name}: {result['spikes_compared']} neuron values of {result['samples']} samples",
        f"{result['mismatches']} mismatches",
        f"median cycles per sample: {cycles['median']} ({cycles['min']} to {cycles['max']})",
        f"median back to back: {interval['median']}",
    ]
    if result["accuracy"] is not None:
        said[1] += f"; {result['accuracy']:.2%} right"
    if result["cycles_predicted_wrong"] is not None:
        said[-1] += f"; predicted wrong: {result['cycles_predicted_wrong']}"
    if "delays" in result:
        engines = (f"{d['layer']} by {d['engine']}" for d in result["delays"])
        said.append(f"delays: {', '.join(engines)}")
    if result["mismatches"]:
        said.append(str(run.divergence))
    show.deliver(result, json_to, *said)
    return differs(result)


def cosim(
    named: Named,
    data: Data,
    out: Path | None = None,
    *,
    stalls: str = "none",
    seed: int = 0,
    **layout: Any,
) -> tuple[dict[str, Any], Any]:
    """Simulate the Verilog beside the golden model; returns the result as JSON and as it is."""
    if stalls not in ("none", "random"):
        raise InputError(f"Stalls must be none or random, not {stalls!r}")
    suit(data.y, named.network.classes, named.network.readout.classifies)
    mapping = Mapping.of(named.network, **layout)
    out = out or Path("out") / named.name / "cosim"
    apart(out)
    show.writable_folder(out)
    from ...cosim.run import cosim as simulate
    from ...rtl.emit import free_name

    with alone(out), show.stages() as stage:
        run = simulate(
            named.network,
            mapping,
            data.x,
            data.y,
            name=free_name(named.name),
            stalls=stalls,
            seed=seed,
            folder=out,
            on_progress=lambda what: stage(f"co-simulation of {named.name}: {what}"),
        )
    return {**run.json(), **delays(named.network, mapping), **data.source}, run
