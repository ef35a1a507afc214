"""The way of an edge: from the queue behind a layer to the events that another one takes."""

from typing import Any

from amaranth.hdl import Module, Value

from ..plan.layout import Edge
from ..plan.unit import Unit
from .serializer import serialize
from .stream import join
from .views import KINDS as VIEWS

__all__ = ["edge_of", "look"]


def edge_of(m: Module, source: Any, edge: Edge, unit: Unit, name: str, idles: list[Value]) -> Any:
    """Add serializers and views of an edge; returns the stream of the events that its target sees.

    Parameters
    ----------
    m : Module
        Takes the stages.
    source : stream of vectors
    edge : Edge
    unit : Unit
        Of the layer that it comes from.
    name : str
        Tells these stages from others of `m`.
    idles : list
        Takes what tells that a stage is empty.
    """
    return look(m, serialize(m, source, unit, name, idles), edge, name, idles)


def look(m: Module, source: Any, edge: Edge, name: str, idles: list[Value]) -> Any:
    """Add the views of an edge behind a stream of events; returns the stream behind them."""
    pre = edge.pre
    for n, view in enumerate(edge.views):
        part = VIEWS[view.kind](view, pre, edge.limit.bit_length())
        m.submodules[f"view{name}_{n}"] = part
        join(m, source, part.i)
        idles.append(part.idle)
        pre, source = view.size(pre), part.o
    return source
