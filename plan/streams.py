"""The stages of a layout, in the order of its streams, as rtl/ joins them."""

from collections.abc import Sequence
from itertools import pairwise

from .engines import ENGINES
from .layout import Edge, Layout, Part
from .neurons import filtering
from .pipeline import DIVIDING, chunks, latency, pause, reporting, settles
from .readouts import timing
from .stages import (
    Filter,
    Fork,
    Framer,
    Join,
    Pixels,
    Queue,
    Serializer,
    Skid,
    Soma,
    Stages,
)
from .unit import Unit

__all__ = ["streams"]


def streams(layout: Layout) -> Stages:
    """List the stages of a layout.

    Record 0 is the input, record n + 1 the n-th layer, of several banks by fold and lane. Behind
    them come, layer by layer, what came to its inputs, if its engine recalls that, and the folds
    that are touched, if it skips others.
    """
    return _Streams(layout).stages


class _Streams:
    """Stages as they are added, and where the edges' queues and streams are among them."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.stages = layout, Stages(1 + len(layout.parts))
        self.queues: dict[Edge, int] = {}
        self.arriving: dict[Edge, int] = {}
        self._feed()
        for record, part in enumerate(layout.parts.values(), 1):
            for edge in part.edges:
                if edge.back:
                    self._leave(edge)
            self._part(part, record)

    def _feed(self) -> None:
        """Add what makes items of beats, and hands them to the edges that leave the input."""
        network, pixels, stages = self.layout.network, self.layout.mapping.pixels, self.stages
        if pixels:
            source = stages.add(Pixels(0, network.width, pixels))
            source = self._serializers(source, [1] if pixels > 1 else [])
        else:
            source = stages.add(Skid(stages.add(Framer(0, network.width))))
        edges = self.layout.inputs
        if len(edges) == 1:
            self.arriving[edges[0]] = self._look(source, edges[0])
            return
        queues = [stages.add(Queue(edge.depth)) for edge in edges]
        stages.add(Fork(source, tuple(queues)))
        for edge, queue in zip(edges, queues, strict=True):
            self.arriving[edge] = self._look(queue, edge)

    def _part(self, part: Part, record: int) -> None:
        """Add a layer, from its join to its queues and what stands behind them."""
        stages, unit = self.stages, part.unit
        source = self.arriving[part.edges[0]]
        if part.joins:
            back = tuple(self.arriving[edge] for edge in part.edges if edge.back)
            forward = tuple(self.arriving[edge] for edge in part.edges if not edge.back)
            source = stages.add(Join(back, forward, tuple(edge.base for edge in part.edges)))
        engine = ENGINES[unit.engine](unit, part.taps)
        source = engine.before(stages, source)
        for edge in part.outs:
            if edge not in self.queues:
                self.queues[edge] = stages.add(Queue(edge.depth))
        touched = stages.record() if part.skips else -1
        queues = [self.queues[edge] for edge in part.outs]
        if part.last:
            queues.append(stages.add(Queue(unit.queue, every=part.measures)))
        stages.add(
            Soma(
                source,
                tuple(queues),
                engine.soma_cost,
                record,
                unit.neurons if unit.places == 1 else unit.folds * unit.width,
                unit.vector,
                unit.folds * unit.groups,
                pause(part.layer.neuron, unit, part.skips),
                settles(unit, part.skips),
                latency(unit) + reporting(unit) + filtering(part.layer.neuron, unit),
                touched,
                unit.waits,
                engine.meets,
                unit.passes,
                part.steps if part.layer.neuron.whole else 0,
            )
        )
        for edge in part.outs:
            if not edge.back:
                self._leave(edge)
        if part.last:
            self._answer(part, queues[-1])

    def _leave(self, edge: Edge) -> None:
        """Add the stages of an edge, behind its queue, which may have been added already."""
        if edge not in self.queues:
            self.queues[edge] = self.stages.add(Queue(edge.depth))
        unit = self.layout.parts[edge.source].unit
        self.arriving[edge] = self._look(self._serialize(self.queues[edge], unit), edge)

    def _answer(self, part: Part, source: int) -> None:
        """Add the readout."""
        network, unit = self.layout.network, part.unit
        if not part.measures:
            source = self._serialize(source, unit)
        self.stages.add(timing(network.readout).stage(source, unit, network.classes))

    def _look(self, source: int, edge: Edge) -> int:
        """Add the views of an edge."""
        sizes = [edge.pre]
        for view in edge.views:
            sizes.append(view.size(sizes[-1]))
        for view, (pre, _) in zip(edge.views, pairwise(sizes), strict=True):
            divides = view.kind in DIVIDING
            source = self.stages.add(Skid(source)) if divides else source
            source = self.stages.add(Filter(source, view.table(pre)))
            source = self.stages.add(Skid(source)) if divides else source
        return source

    def _serialize(self, source: int, unit: Unit) -> int:
        """Add the stages that cut the vectors of a layer into events."""
        if unit.groups > 1:
            source = self.stages.add(Skid(source))
        source = self._serializers(source, chunks(unit))
        # Recorded cell by cell.
        return source if unit.places == 1 else self.stages.add(Filter(source, unit.order[:, None]))

    def _serializers(self, source: int, sizes: Sequence[int]) -> int:
        """Add a serializer for each of these sizes of chunks."""
        for chunk in sizes:
            source = self.stages.add(Serializer(source, chunk, registered=chunk > 1))
            if chunk > 1:
                source = self.stages.add(Skid(source))
        return source
