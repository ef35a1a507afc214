"""The report: one HTML page with everything measured, that needs no other file."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from ...model.bounds import prove
from ...model.network import Layer, Network
from ...model.neurons import Neurons
from ...model.neurons.neuron import Neuron
from ...model.neurons.parallel import Parallel
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
        The sample to draw; by default the first one with a median number of spikes, and decided
        right, where there are classes.
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
        graph=pictures.graph(network, mapping),
        layers=layers(network, mapping),
        evaluated=evaluated,
        simulated=simulated,
        costs=costs,
        sample=sample,
        said=said(network, data, sample, named.scale),
        picture=pictures.picture(data.x[sample]),
        raster=pictures.raster(network, data.x[sample]),
        maps=pictures.maps(network, data.x[sample]),
        spacings=pictures.spacings(network),
        filters=pictures.filters(network),
        result=pictures.steps(network, data)
        if network.readout.classifies
        else pictures.regression(network, data, named.scale)
        if named.scale is not None and data.targets
        else None,
        delayed=any(latest for _, _, latest in pictures.latencies(network)),
        delays=pictures.delays(network, named.history),
        journeys=pictures.journeys(network, data.x[sample]),
        by_delay=pictures.by_delay(network, data, named.scale),
        cycles=pictures.histogram(run),
        agreement=pictures.agreement(run),
    )


def typical(network: Network, data: Data) -> int:
    """Choose a sample to draw, of the first 200: with a median number of spikes; where there are
    classes, one that is decided right."""
    run = network.run(data.x[:200])
    spikes = np.sum(list(run.counts.values()), axis=0)
    right = run.decision.label == data.y[:200] if network.readout.classifies else True
    away = np.abs(spikes - np.median(spikes)) + np.where(right, 0, spikes.max() + 1)
    return int(away.argmin())


def said(network: Network, data: Data, sample: int, scale: float | None) -> str:
    """Tell what a sample is and what the network gives."""
    found, y = network.run(data.x[sample : sample + 1]).decision, data.y[sample]
    if network.readout.classifies:
        return f"a {y}, decided as {found.label[0]} at step {found.step[0]}."
    given = found.score[0]
    if scale is None or not data.targets:
        return f"the network gives {listed(given)}."
    return f"the targets are {listed(y)}, the network gives {listed(given / scale)}."


def listed(values: np.ndarray) -> str:
    """List some numbers, in short."""
    return ", ".join(f"{value:.4g}" for value in values[:8]) + ", ..." * (len(values) > 8)


def layers(network: Network, mapping: Mapping) -> list[dict[str, Any]]:
    """Describe each layer: its sizes, its law, its layout and its proven widths."""
    rows, bounds = [], prove(network)
    for name, layer in network.layers.items():
        taps, unit, bound = mapping.taps(network, name), mapping.units[name], bounds[name]
        kind, leak, reset = LAWS.get(layer.neuron.kind, foreign)(layer.neuron)
        proven = [
            {
                "name": value,
                "low": int(getattr(bound, value)[0].min()),
                "high": int(getattr(bound, value)[1].max()),
                "bits": bound.width(value),
            }
            for value in ("current", "accumulator", "membrane")
        ]
        rows.append(
            {
                "name": name,
                "sources": sources(network, name, layer),
                "pre": taps.pre,
                "post": taps.post,
                "bits": taps.bits,
                "memory": taps.memory,
                "kind": kind,
                "leak": leak,
                "reset": reset,
                "delays": max(c.delay + c.synapses.latest for c in layer.connections),
                "engine": unit.engine,
                "lanes": unit.lanes,
                "folds": unit.folds,
                "sweep": unit.sweep,
                "proven": proven,
            }
        )
    return rows


def sources(network: Network, name: str, layer: Layer) -> str:
    """List what feeds a layer."""
    found = dict.fromkeys(source for c in layer.connections for source in c.sources)
    return ", ".join(f"{s} (recurrent)" if network.recurs(name, s) else s for s in found)


def integrating(neuron: Neuron) -> tuple[str, str, str]:
    """Describe neurons that integrate: what they are, leak, reset."""
    kind = "once" if neuron.once else "leaky" if neuron.leaks else "integrate-and-fire"
    m, k = neuron.leak
    return (
        kind if neuron.fires else "never fires",
        f"{m} / {1 << k}" if neuron.leaks else "none",
        "fires once" if neuron.once else neuron.reset,
    )


def foreign(neuron: Neurons) -> tuple[str, str, str]:
    """Describe neurons of which nothing but the name of their kind is known."""
    return neuron.kind, "", ""


def parallel(neuron: Parallel) -> tuple[str, str, str]:
    """Describe parallel neurons: what a membrane is made of."""
    form = "masked" if neuron.weight.shape[1] > 1 else "sliding"
    form = "whole sample" if neuron.whole else f"{form}, taps {neuron.taps}"
    apart = f", {neuron.dilation} steps apart" if neuron.dilation > 1 else ""
    return f"parallel, {form}{apart}", "none", "none"


# By the kind of the neurons.
LAWS: dict[str, Callable[[Any], tuple[str, str, str]]] = {
    Neuron.kind: integrating,
    Parallel.kind: parallel,
}
