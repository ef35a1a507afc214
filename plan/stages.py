"""Stages: what the streams of a core pass, as a list of plain values.

A stage names those that it takes items from by their numbers in the list, and stands behind them.
A soma writes queues, which stand anywhere before it: what comes back begins at one of them.

What each kind does in a cycle, plan/kernel.py tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

__all__ = [
    "EVERY",
    "FINAL",
    "SPIKES",
    "Filter",
    "Fork",
    "Framer",
    "Join",
    "Line",
    "Membranes",
    "Memory",
    "Pixels",
    "Player",
    "Queue",
    "Readout",
    "Replay",
    "Scatter",
    "Serializer",
    "Skid",
    "Soma",
    "Spikes",
    "Stage",
    "Stages",
    "Taker",
]

# Cycles of an event of value 1: for all the same, or by its address.
Cost = int | np.ndarray

# Which items are worth the scan of a readout.
EVERY = 0
SPIKES = 1  # those with a spike, or of the last step
FINAL = 2  # those of the last step


class Memory:
    """Integers beside the stages: tables, and room to remember."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.size = 0

    def table(self, values: Sequence[int] | np.ndarray) -> int:
        """Keep integers; returns where."""
        self.parts.append(np.array(values, np.int64).ravel())
        self.size += self.parts[-1].size
        return self.size - self.parts[-1].size

    def room(self, size: int, value: int = 0) -> int:
        """Keep room for integers, which are `value` at first; returns where."""
        return self.table(np.full(size, value))

    def cost(self, cost: Cost) -> tuple[int, int]:
        """Keep a cost: itself and -1, or 0 and where its table is."""
        return (0, self.table(cost)) if isinstance(cost, np.ndarray) else (cost, -1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage; `kind` is its number in plan/kernel.py."""

    kind: ClassVar[int]

    @property
    def links(self) -> tuple[int, ...]:
        """Numbers of the stages that it takes items from."""
        return ()

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        """Give its parameters as the kernel reads them; what is long goes to memory."""
        return ()


@dataclass(frozen=True, slots=True)
class Framer(Stage):
    """Beats to items (rtl/codings/framer.py), without the skid buffer.

    Parameters
    ----------
    record : int
        Number of the record that is played: steps, samples, `inputs`.
    inputs : int
    """

    record: int
    inputs: int
    kind: ClassVar[int] = 0

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.record, self.inputs


@dataclass(frozen=True, slots=True)
class Pixels(Stage):
    """Images to vectors of `lanes` pixels (rtl/codings/pixels.py)."""

    record: int
    inputs: int
    lanes: int
    kind: ClassVar[int] = 1

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.record, self.inputs, self.lanes


@dataclass(frozen=True, slots=True)
class Skid(Stage):
    """A buffer of two items (rtl/stream.py)."""

    source: int
    kind: ClassVar[int] = 2

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Serializer(Stage):
    """Vectors in chunks (rtl/serializer.py)."""

    source: int
    chunk: int
    registered: bool
    kind: ClassVar[int] = 3

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.chunk, int(self.registered)


@dataclass(frozen=True, slots=True)
class Queue(Stage):
    """A queue that a soma writes (rtl/stream.py).

    Parameters
    ----------
    depth : int
    every : bool
        Whether it takes every vector of a sweep that ends a step, not those alone with a spike or
        an end.
    """

    depth: int
    every: bool = False
    kind: ClassVar[int] = 4

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        place = memory.room(4 * self.depth)
        return place, self.depth, int(self.every)


@dataclass(frozen=True, slots=True)
class Join(Stage):
    """Several edges of events to one, without latency.

    In every step the edges that come back are taken, then the others, one after another, each up to
    its end; the last one's end is the step's. No edge comes back in a sample's first step. Behind a
    sample each that comes back is taken up to its `last`, and dropped.

    Parameters
    ----------
    back, forward : tuples of int
        Edges, in their order; at least one that goes forward.
    bases : tuple of int, one per edge
        Address of its first event.
    """

    back: tuple[int, ...]
    forward: tuple[int, ...]
    bases: tuple[int, ...]
    kind: ClassVar[int] = 6

    @property
    def links(self) -> tuple[int, ...]:
        return self.back + self.forward

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return len(self.back), memory.table(self.bases)


@dataclass(frozen=True, slots=True)
class Filter(Stage):
    """Moves events to other addresses, or drops them, without latency; ends always pass.

    Parameters
    ----------
    source : int
    moves : int (addresses, n)
        New addresses by address, one a cycle: an end comes with the last. Below 0 the event is
        dropped.
    """

    source: int
    moves: np.ndarray
    kind: ClassVar[int] = 7

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return memory.table(self.moves), self.moves.shape[1]


@dataclass(frozen=True, slots=True)
class Scatter(Stage):
    """Adds events to the slots of a wheel, hands on ends (rtl/synapses/wheel.py).

    Parameters
    ----------
    source : int
    cost : Cost
    taking, clearing : int, cycles
        Behind the end of a step; behind that of a sample beside it.
    """

    source: int
    cost: Cost
    taking: int
    clearing: int
    kind: ClassVar[int] = 8

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return *memory.cost(self.cost), self.taking, self.clearing


@dataclass(frozen=True, slots=True)
class Line(Stage):
    """Sends the inputs that have an event in the window, then the end (rtl/synapses/line.py)."""

    source: int
    inputs: int
    window: int
    kind: ClassVar[int] = 9

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        long_ago = memory.room(self.inputs, -(1 << 40))
        return self.inputs, self.window, long_ago, memory.room(self.inputs), memory.room(1, 1)


@dataclass(frozen=True, slots=True)
class Replay(Stage):
    """Cuts the histories that a line sends into events (rtl/synapses/map_line.py).

    Parameters
    ----------
    source : int
        Of a line.
    record : int
        Number of the record that tells what came to the inputs: steps, samples, `inputs`.
    inputs : int
    ages : tuple of int
        Steps ago; event k of input i has the address i * len(ages) + k.
    """

    source: int
    record: int
    inputs: int
    ages: tuple[int, ...]
    kind: ClassVar[int] = 17

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.record, self.inputs, memory.table(self.ages), len(self.ages)


@dataclass(frozen=True, slots=True)
class Soma(Stage):
    """Adds the rows of events, sweeps at the end of a step (rtl/soma.py).

    Parameters
    ----------
    source : int
    queues : tuple of int
        What a sweep finds is written to all of them; it waits for room in each.
    cost : Cost
    record : int
        Number of the record that tells what it finds: steps, samples, `neurons`.
    neurons, sweep, positions : int
        Neurons, those of one vector, vectors.
    rest : int, cycles
        Behind a sweep.
    settles : int, cycles
        Between the last addition and a sweep.
    depth : int, cycles
        From an operation of a sweep to the write of what it found.
    touched : int
        Number of the record that tells which positions are swept, at least one: steps, samples,
        `positions`; -1 is none: all are.
    waits : int, cycles
        How long an addition is kept from accumulators that were just added to.
    meets : int64 (inputs, 4, banks), where it waits
        What the first two additions of an event, and its last two, add to; -1 is nothing.
    passes : int, cycles
        Of a vector that is swept.
    whole : int
        Steps of a sample behind which all of them are told, step by step; 0: each as it is swept.
    """

    source: int
    queues: tuple[int, ...]
    cost: Cost
    record: int
    neurons: int
    sweep: int
    positions: int
    rest: int
    settles: int
    depth: int
    touched: int = -1
    waits: int = 0
    meets: np.ndarray | None = None
    passes: int = 1
    whole: int = 0
    kind: ClassVar[int] = 10

    @property
    def links(self) -> tuple[int, ...]:
        return self.source, *self.queues

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        way = memory.room(5 * (self.depth + 1))
        layout = self.record, self.neurons, self.sweep, self.positions
        times = self.rest, self.depth
        told = way, self.touched, self.settles, self.passes, self.whole
        found = *memory.cost(self.cost), *layout, *times, *told
        if self.meets is None:
            return *found, 0
        return *found, self.waits, memory.table(self.meets), self.meets.shape[2]


@dataclass(frozen=True, slots=True)
class Readout(Stage):
    """Scans items, and answers each sample once (rtl/readouts/).

    Parameters
    ----------
    source : int
    worth : EVERY, SPIKES or FINAL
    scan, settling, sends : int, cycles
        Of an item that is worth it; behind that of an end; of an answer, behind its first.
    early : bool
        Whether a step with a spike is answered, not the last one alone.
    """

    source: int
    worth: int
    scan: int
    settling: int
    sends: int
    early: bool
    kind: ClassVar[int] = 11

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.worth, self.scan, self.settling, self.sends, int(self.early)


@dataclass(frozen=True, slots=True)
class Fork(Stage):
    """Writes every item into all of its queues, where each has room (rtl/network.py).

    The queues stand before it in the list.
    """

    source: int
    queues: tuple[int, ...]
    kind: ClassVar[int] = 14

    @property
    def links(self) -> tuple[int, ...]:
        return self.source, *self.queues


@dataclass(frozen=True, slots=True)
class Membranes(Stage):
    """Sends what the items of the last step hold, neuron by neuron (rtl/readouts/membranes.py)."""

    source: int
    neurons: int
    sweep: int
    kind: ClassVar[int] = 15

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return self.neurons, self.sweep


@dataclass(frozen=True, slots=True)
class Spikes(Stage):
    """Passes on every spike, and the end of every sample (rtl/readouts/spikes.py)."""

    source: int
    kind: ClassVar[int] = 16

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Player(Stage):
    """Offers given items, to try a stage alone.

    Parameters
    ----------
    items : int (items, 4)
        Of each the cycle from which on it is offered, if those before are taken; the address of its
        event; whether it has one; tick as 1 and last as 2.
    """

    items: Sequence[Sequence[int]] | np.ndarray
    kind: ClassVar[int] = 12

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return memory.table(np.asarray(self.items)), len(self.items), memory.room(len(self.items))


@dataclass(frozen=True, slots=True)
class Taker(Stage):
    """Takes items in given cycles, to try a stage alone; behind the last one play ends.

    Parameters
    ----------
    source : int
    ready : bool (cycles,)
    """

    source: int
    ready: Sequence[bool] | np.ndarray
    kind: ClassVar[int] = 13

    @property
    def links(self) -> tuple[int, ...]:
        return (self.source,)

    def numbers(self, memory: Memory) -> tuple[int, ...]:
        return memory.table(self.ready), len(self.ready), memory.room(len(self.ready))


class Stages(list[Stage]):
    """A list of stages.

    Parameters
    ----------
    records : int
        Records that there are so far.
    """

    def __init__(self, records: int = 0) -> None:
        super().__init__()
        self.records = records

    def add(self, stage: Stage) -> int:
        """Add a stage; returns its number."""
        self.append(stage)
        return len(self) - 1

    def record(self) -> int:
        """Ask for one more record; returns its number."""
        self.records += 1
        return self.records - 1
