"""The report: one HTML page with everything measured, that needs no other file."""

from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from ...model.bounds import prove
from ...model.network import Network
from ...plan.mapping import Mapping
from ..data.data import Data
from ..zoo.zoo import Named
from . import pictures

__all__ = ["page"]


def page(
    named: Named,
    mapping: Mapping,
    data: Data,
    evaluated: dict[str, Any],
    simulated: dict[str, Any],
    run: Any,
    costs: list[dict[str, Any]],
    sample: int | None = None,
) -> str:
    """Write the page.

    Parameters
    ----------
    named : Named
    mapping : Mapping
    data : Data, the samples everything was measured on
    evaluated : what evaluate.evaluate gave
    simulated : what cosim's JSON gave
    run : cosim's result, for its arrays `cycles`, `interval` and `predicted`, one value per sample
    costs : what synth gave, one per target
    sample : int
        The sample to draw; by default the first one that is decided right with a median number of
        spikes.
    """
    network = named.network
    sample = typical(network, data) if sample is None else sample
    environment = Environment(
        loader=PackageLoader("spikeline.flow.report", "."),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda n: f"{n:,}".replace(",", "\u202f")
    return environment.get_template("report.html.jinja").render(
        named=named,
        network=network,
        layers=layers(network, mapping),
        evaluated=evaluated,
        simulated=simulated,
        costs=costs,
        sample=sample,
        label=int(data.y[sample]),
        decided=network.run(data.x[sample : sample + 1]).decision,
        picture=pictures.picture(data.x[sample]),
        raster=pictures.raster(network, data.x[sample]),
        steps=pictures.steps(network, data),
        delays=pictures.delays(network, named.history),
        journeys=pictures.journeys(network, data.x[sample]),
        by_delay=pictures.by_delay(network, data),
        cycles=pictures.histogram(run),
        agreement=pictures.agreement(run),
    )


def typical(network: Network, data: Data) -> int:
    """Choose a sample to draw, of the first 200: decided right, with a median number of spikes."""
    run = network.run(data.x[:200])
    spikes = run.counts.sum(axis=0)
    right = run.decision.label == data.y[:200]
    away = np.abs(spikes - np.median(spikes)) + np.where(right, 0, spikes.max() + 1)
    return int(away.argmin())


def layers(network: Network, mapping: Mapping) -> list[dict[str, Any]]:
    """Describe each layer: its sizes, its law, its layout and its proven widths."""
    rows = []
    for i, (layer, unit, bound) in enumerate(
        zip(network.layers, mapping.units, prove(network), strict=True)
    ):
        synapses, neuron = layer.synapses, layer.neuron
        kind = "once" if neuron.once else "leaky" if neuron.leaks else "integrate-and-fire"
        if neuron.threshold is None:
            kind = "never fires"
        proven = [
            {
                "name": name,
                "low": int(getattr(bound, name)[0].min()),
                "high": int(getattr(bound, name)[1].max()),
                "bits": bound.width(name),
            }
            for name in ("current", "accumulator", "membrane")
        ]
        rows.append(
            {
                "index": i,
                "pre": synapses.pre,
                "post": synapses.post,
                "bits": synapses.bits,
                "memory": sum(x.weights.size * x.bits for x in layer.connections),
                "kind": kind if layer.recurrent is None else f"{kind}, recurrent",
                "leak": f"{neuron.leak[0]} / {1 << neuron.leak[1]}" if neuron.leaks else "none",
                "reset": "fires once" if neuron.once else neuron.reset,
                "delays": max(x.window for x in layer.connections) - 1,
                "engine": unit.engine,
                "lanes": unit.lanes,
                "folds": unit.folds,
                "sweep": unit.sweep,
                "proven": proven,
            }
        )
    return rows
