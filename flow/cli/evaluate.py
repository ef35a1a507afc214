"""``spikeline eval``: the golden model over a data set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...model.errors import InputError
from .. import show
from ..data.data import Data
from ..experiments.evaluate import evaluate as measure
from ..zoo.zoo import Named, checked_scale
from .options import options
from .shared import network_and_data

__all__ = ["SCALE", "command", "error", "evaluate", "scaled"]


SCALE = click.option(
    "--scale",
    type=float,
    metavar="X",
    help="Integer output for a target of 1, of networks without classes; else what was told in"
    " training.",
)


@click.command("eval")
@click.argument("network")
@SCALE
@options("data", "dataset", "framing", "split", "samples", "json")
def command(
    network: str,
    scale: float | None,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    samples: int | None,
    json_to: str | None,
) -> None:
    """Run the golden model over a data set.

    Tells the accuracy by every readout, the spikes and, where a sample is decided before its last
    step, the mean step of decision and what deciding early costs. Of a network without classes it
    tells the spikes and, where the data set has targets, the mean squared error and R2 of each
    output: predictions are its integers divided by the scale.

    \b
    Example:
      spikeline eval mnist-ttfs --data DIR
    """
    named, data = network_and_data(network, dataset, split, samples, folder, framing)
    result = evaluate(scaled(named, scale), data)
    spikes = f"spikes per sample: {result['input_spikes']} in, {result['hidden_spikes']} hidden"
    if result["accuracy"] is None:
        show.deliver(result, json_to, *_told(named, result), spikes)
        return
    early = result["early_exit"]
    show.deliver(
        result,
        json_to,
        f"{named.name}: {result['accuracy']:.2%} of {result['samples']} samples right"
        f" by {result['readout']}",
        *(f"  {kind:15} {share:.2%}" for kind, share in result["readouts"].items()),
        f"decides after {early['mean_steps_used']:.2f} of {result['steps']} steps on average,"
        f" at {round(-100 * early['loss'], 2) + 0.0:+.2f} points against the final membrane;"
        f" {early['same']} of {result['samples']} decisions as in the full run"
        if early
        else f"decides after the last of {result['steps']} steps",
        f"{spikes} ({result['hidden_spikes_decided']} up to the decision)",
    )


def _told(named: Named, result: dict[str, Any]) -> list[str]:
    """Write the result of a network without classes for the screen."""
    said = f"{named.name}: {result['readout']} of {result['samples']} samples"
    if "outputs" not in result:
        return [f"{said}; there are no targets to compare them with"]
    return [
        f"{said}: {error(result)} at {result['scale']:g} for a target of 1",
        *(f"  output {n:<8} {error(output)}" for n, output in enumerate(result["outputs"])),
    ]


def error(of: dict[str, Any]) -> str:
    """Say error and R2, of one output or on average."""
    return f"mean squared error {of['mse']:.4g}, R2 " + (
        "not defined" if of["r2"] is None else f"{of['r2']:.4f}"
    )


def scaled(named: Named, scale: float | None) -> Named:
    """Take the scale that was given, if any, in place of the one that is known."""
    if scale is None:
        return named
    if named.network.readout.classifies:
        raise InputError(
            f"Scale must be given for networks without classes only, not for {named.name}"
        )
    return replace(named, scale=checked_scale(scale))


def evaluate(named: Named, data: Data) -> dict[str, Any]:
    """Run the golden model over samples."""
    with show.progress(f"golden run of {named.name}", len(data.x)) as advance:
        result = measure(named.network, data.x, data.y, advance, scale=named.scale)
    return {"network": named.name, "hash": named.hash, **data.source, **result}
