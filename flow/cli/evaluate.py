"""``spikeline eval``: the golden model over a data set."""

from pathlib import Path
from typing import Any

import click

from .. import show
from ..data.data import Data
from ..experiments.evaluate import evaluate as measure
from ..zoo.zoo import Named
from .options import options
from .shared import network_and_data

__all__ = ["command", "evaluate"]


@click.command("eval")
@click.argument("network")
@options("data", "dataset", "framing", "split", "samples", "json")
def command(
    network: str,
    folder: Path | None,
    dataset: str | None,
    framing: str | None,
    split: str,
    samples: int | None,
    json_to: str | None,
) -> None:
    """Run the golden model over a data set.

    Tells the accuracy by every readout, the spikes and, where a sample is decided before its last
    step, the mean step of decision and what deciding early costs.

    \b
    Example:
      spikeline eval mnist-ttfs --data DIR
    """
    named, data = network_and_data(network, dataset, split, samples, folder, framing)
    result = evaluate(named, data)
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
        f"spikes per sample: {result['input_spikes']} in, {result['hidden_spikes']} hidden"
        f" ({result['hidden_spikes_decided']} up to the decision)",
    )


def evaluate(named: Named, data: Data) -> dict[str, Any]:
    """Run the golden model over samples."""
    with show.progress(f"golden run of {named.name}", len(data.x)) as tick:
        result = measure(named.network, data.x, data.y, tick)
    return {"network": named.name, "hash": named.hash, **data.source, **result}
