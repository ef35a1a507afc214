"""The cycle model: how many cycles every sample takes, exactly.

    start(stage, item) = max(arrival, end of the previous item, a free place downstream)

Two figures per sample: **latency**, from its first beat to its result with the core idle before,
and **interval**, between its result and the one before, back to back; source and sink never stall.
The hardware must meet both exactly.

Every stage of the hardware has its twin here, of the same name, and `take(at, ...)`: hand it an
item that is offered from cycle `at` on; returns the cycle in which it is taken. Items are followed
one at a time through all stages, so that whatever a stage waits for is known already: an item only
ever waits for older ones."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..model.network import Layer, Network, Run
from .mapping import Mapping, Unit, slots
from .pipeline import IN_FLIGHT, QUEUE, chunks, latency, reporting, rest
from .readouts import scanned, timing

__all__ = [
    "predict",
    "reached",
    "work",
]

Vector = Sequence[int]  # numbers of spikes in the chunks of a vector, zeros left out


class Readout:
    """Scans the items of deciding steps, and sends results (rtl/readouts/scan.py)."""

    def __init__(self, network: Network, unit: Unit) -> None:
        self.timing = timing(network.readout)
        self.classes = network.classes
        self.scan = unit.sweep // scanned(unit)
        self.whole = unit.folds * unit.groups == 1
        self.free = 0
        self.ignore = False
        self.spiked = False
        self.decided = 0  # cycle from which the last decision can be seen
        self.decisions = 0

    def take(self, at: int, spikes: Vector, tick: bool, last: bool, final: bool) -> int:
        """Take an item of the last layer; `final`: its step is the sample's last."""
        at = max(at, self.free)
        any_spike = bool(spikes)
        worth = self.timing.worth(self.whole, any_spike, tick, final)
        if self.ignore or not worth or (last and not tick):
            self.free = at + 1
        else:
            self.spiked |= any_spike
            self.free = at + self.scan + 1
            if tick:
                self.free += self.timing.settling + 1
                if final or (self.timing.early and self.spiked):
                    self.decided = self.free
                    self.decisions += 1
                    self.free += self.classes + 1
                    self.ignore = True
        if tick:
            self.spiked = False
        if last:
            self.ignore = False
        return at


class Narrow:
    """Passes a vector on in chunks, in the end event by event (rtl/narrow.py)."""

    def __init__(self, sink: "Serial", chunk: int, registered: bool) -> None:
        self.sink = sink
        self.chunk = chunk
        self.registered = registered
        self.free = 0
        self.sent = 0  # the last chunk was taken from the output register

    def take(self, at: int, vector: Vector, tick: bool, last: bool) -> int:
        """Take a vector, not empty unless it ends something."""
        at = moved = max(at, self.free)
        if self.chunk == 1:
            # Event by event: each moves to the output register as the one before is taken.
            first = max(at + 1, self.sent)
            moved, self.sent = self.sink.take_all(first, sum(vector), tick, last)
        else:
            for n, count in enumerate(vector or (0,)):
                end = n + 1 >= len(vector)
                moved = max(moved + 1, self.sent)
                chunk = (count,) if count else ()
                self.sent = self.sink.take(moved + 1, chunk, tick and end, last and end)
        self.free = moved + 1 if self.registered else moved
        return at


class Serial:
    """Takes items one by one."""

    def __init__(self) -> None:
        self.free = 0

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item: an event of `value` (0 is none), perhaps the end of a step or sample."""
        raise NotImplementedError

    def take_all(self, at: int, events: int, tick: bool, last: bool) -> tuple[int, int]:
        """Take events that move to a register before, the first at `at`, the last with the end.

        Returns
        -------
        tuple of int
            When the last of them moves there, and when it is taken.
        """
        for _ in range(events - 1):
            at = self.take(at + 1, 1, False, False)
        return at, self.take(at + 1, min(events, 1), tick, last)


class Skid(Serial):
    """A buffer of two items (rtl/stream.py)."""

    def __init__(self, sink: "Narrow | Serial") -> None:
        super().__init__()
        self.sink: Any = sink
        self.left = [-2, -2]  # when the last two items left

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item."""
        at = max(at, self.left[0] + 1)
        left = self.sink.take(max(at, self.left[1]) + 1, value, tick, last)
        self.left = [self.left[1], left]
        return at


class Adder(Serial):
    """Takes events one by one; each takes value x `cost` cycles."""

    def __init__(self, cost: int) -> None:
        super().__init__()
        self.cost = cost

    def busy(self, at: int, value: int) -> int:
        """Add an event that is taken at `at`: until when that takes."""
        return at + value * self.cost

    def take_all(self, at: int, events: int, tick: bool, last: bool) -> tuple[int, int]:
        """Take events as `Serial` does, all but the last at once."""
        moved = at
        if events > 1:
            moved = max(at + 1, self.free)
            self.free = self.busy(moved, events - 1)
            if events > 2:
                moved = self.free - self.cost
        return moved, self.take(moved + 1, min(events, 1), tick, last)


class Heard(Serial):
    """The spikes that come back; the end of the step opens the loop (rtl/loop.py)."""

    def __init__(self, sink: Serial) -> None:
        super().__init__()
        self.sink = sink

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take a spike, or the end of the step alone."""
        at = max(at, self.free)
        value = _events(value)
        if value:
            at = self.sink.take(at, value, False, False)
        self.free = at + 1
        return at


class Loop(Serial):
    """Sends the spikes of a layer's last step before the events of the next (rtl/loop.py)."""

    def __init__(self, sink: Serial, engine: "Engine") -> None:
        super().__init__()
        self.sink = sink
        self.sent = engine.sent = []  # when it left, spikes, whether a step ends
        self.heard = Heard(sink)
        self.back = _serialised(self.heard, engine.unit)
        self.over = False  # the sample's end has passed

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item."""
        for left, spikes, ends in self.sent:
            if self.over:
                self.heard.free = left + 1
            elif spikes or ends:
                self.back.take(left + 1, spikes, ends, False)
        self.sent.clear()
        self.over = last
        return self.sink.take(max(at, self.heard.free), value, tick, last)


class Wheel(Adder):
    """Adds the rows of events to slots; hands step ends to the tail (rtl/synapses/wheel.py)."""

    def __init__(self, layer: Layer, unit: Unit, sink: "Engine") -> None:
        super().__init__(layer.synapses.taps * unit.folds)
        self.sink = sink
        self.folds = unit.folds
        self.slots = slots(layer.synapses.window)

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item."""
        value = _events(value)
        at = max(at, self.free)
        busy = self.busy(at, value)
        if not (tick or last):
            self.free = max(busy, at + 1)
            return at
        # The tail takes the step's slots; after a sample all of them are cleared.
        self.free = self.sink.take(busy + 1, 1, tick, last) + self.folds
        if last:
            self.free += self.slots * self.folds
        return at


class Line(Adder):
    """Sends the inputs that have an event in the window, then the end (rtl/synapses/line.py)."""

    def __init__(self, sink: Serial) -> None:
        super().__init__(1)
        self.sink = sink
        self.rows = 0  # inputs with an event in the window of the step that is next
        self.idle = 0  # the step before is out of the way
        self.moved = 0  # its end moved to the output register
        self.taken = 0  # and was taken from there

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item; its value does not matter."""
        at = max(at, self.free)
        self.free = at + 1
        if not (tick or last):
            return at
        self.free = max(at + 1, self.idle)
        moved = max(self.free + 3, self.moved)
        if tick and self.rows:
            # Each moves to the output register as the one before is taken.
            moved, self.taken = self.sink.take_all(
                max(moved + 1, self.taken), self.rows, False, False
            )
        self.idle = moved + 1
        self.moved = max(moved + 1, self.taken)
        self.taken = self.sink.take(self.moved + 1, 0, tick, last)
        return at


class Engine(Adder):
    """Adds the rows of events, sweeps at the end of a step: the tail (rtl/tail.py)."""

    def __init__(self, layer: Layer, unit: Unit, last: bool) -> None:
        taps = layer.synapses.taps if unit.engine == "line" else 1
        super().__init__(taps * unit.folds)
        self.unit = unit
        self.last = last
        self.rest = rest(layer.neuron, unit)
        # From a sweep to the write of what it found.
        self.pipeline = latency(unit) + reporting(unit)
        self.sink: Narrow | Serial | Readout | None = None
        self.taken = 0  # when the last vector left the queue
        self.room: list[int] = []  # when the places given away come back
        self.found: Sequence[Vector] = ()  # spikes of the step that is next, by position
        self.sent: list[tuple[int, Vector, bool]] | None = None  # what left, if a loop hears it
        self.final = False

    def take(self, at: int, value: int | Vector, tick: bool, last: bool) -> int:
        """Take an item."""
        value = _events(value)
        at = max(at, self.free)
        busy = self.busy(at, value)
        if not (tick or last):
            self.free = max(busy, at + 1)
            return at
        # Sweep: an operation waits for room; what it finds goes on.
        for position in range(positions := self.unit.folds * self.unit.groups):
            busy += 1
            if len(self.room) == QUEUE:
                busy = max(busy, heappop(self.room) + 1)
            end = position == positions - 1
            spikes = self.found[position] if tick else ()
            if end or spikes or (self.last and tick):
                back = self._hand_on(busy, spikes, tick and end, last and end)
            else:
                back = busy + self.pipeline
            heappush(self.room, back + 1)
        self.free = busy + self.rest
        return at

    def _hand_on(self, at: int, spikes: Vector, tick: bool, last: bool) -> int:
        offered = max(at + self.pipeline + 1, self.taken + 1)
        assert self.sink is not None
        if isinstance(self.sink, Readout):
            self.taken = self.sink.take(offered, spikes, tick, last, self.final)
        else:
            self.taken = self.sink.take(offered, spikes, tick, last)
        if self.sent is not None:
            self.sent.append((self.taken, spikes, tick))
        return self.taken


class Framer:
    """Makes items of beats, in two stages before a skid buffer (rtl/codings/framer.py)."""

    def __init__(self, sink: Serial, readout: Readout) -> None:
        self.sink = Skid(sink)
        self.readout = readout
        self.beat = -1  # the last beat was taken
        self.looked = self.checked = -1  # the last item left the first stage, the second

    def _item(self, value: int, tick: bool, last: bool) -> None:
        self.looked = max(self.beat + 1, self.checked)
        self.checked = self.sink.take(self.looked + 1, value, tick, last)

    def play(self, at: int, steps: Iterable[Sequence[int]], count: int) -> int:
        """Take a sample's beats from cycle `at` on; returns when the first is taken.

        Parameters
        ----------
        steps : per step, the values of its events
        count : int
            Number of steps.
        """
        decisions = self.readout.decisions
        first = -1
        for t, values in enumerate(steps):
            for value in (*values, 0):
                self.beat = max(self.beat + 1, self.looked, at)
                first = self.beat if first < 0 else first
                tick, last = value == 0, value == 0 and t == count - 1
                if self.readout.decisions == decisions or self.readout.decided > self.beat:
                    self._item(value, tick, last)
                elif last:
                    # Decided: the rest of the packet was dropped, its last beat ends the sample.
                    self._item(0, False, True)
        return first


class Pixels:
    """Plays images back from one of two memories (rtl/codings/pixels.py)."""

    def __init__(self, sink: "Narrow | Serial", readout: Readout) -> None:
        self.sink = sink
        self.readout = readout
        self.beat = -1
        self.looked = -1  # the last word was looked at
        self.taken = -1  # the last item was taken
        self.freed = [-1, -1]  # the two memories

    def play(self, at: int, steps: Iterable[Sequence[int]], count: int) -> int:
        """Take an image from cycle `at` on; returns when its first beat is taken.

        Parameters
        ----------
        steps : per step, the number of spikes in each word
        count : int
            Number of steps.
        """
        decisions = self.readout.decisions
        first = -1
        for t, words in enumerate(steps):
            if not t:
                first = max(self.beat + 1, self.freed[0] + 1, at)
                self.beat = first + len(words) - 1
                self.looked = max(self.looked, self.beat)
            for k, spikes in enumerate(words):
                self.looked = max(self.looked + 1, self.taken)
                tick = k == len(words) - 1
                last = tick and t == count - 1
                decided = self.readout.decisions > decisions
                if decided and self.readout.decided <= self.looked:
                    self.taken = self.sink.take(self.looked + 1, (), False, True)
                    last = True
                elif spikes or tick:
                    vector = (spikes,) if spikes else ()
                    self.taken = self.sink.take(self.looked + 1, vector, tick, last)
                if last:
                    self.freed = [self.freed[1], self.looked]
                    return first
        return first


class Core:
    """All stages of a network, and what makes its items (rtl/accelerator.py)."""

    def __init__(self, network: Network, mapping: Mapping, unrolled: Sequence[Layer]) -> None:
        self.readout = Readout(network, mapping.units[-1])
        sink: Serial | None = None
        self.engines: list[Engine] = []
        self.lines: list[Line | None] = []
        for whole, layer, unit in zip(
            reversed(network.layers), reversed(unrolled), reversed(mapping.units), strict=True
        ):
            engine = Engine(layer, unit, sink is None)
            engine.sink = _serialised(sink, unit) if sink else self.readout
            sink = engine
            if unit.engine != "dense":
                sink = Skid(Wheel(layer, unit, engine)) if unit.engine == "wheel" else Line(engine)
            self.engines.insert(0, engine)
            self.lines.insert(0, sink if isinstance(sink, Line) else None)
            if whole.recurrent is not None:
                sink = Loop(sink, engine)
        assert sink is not None
        if mapping.pixels:
            stages = [1] if mapping.pixels > 1 else []
            self.source = Pixels(_narrowed(sink, stages), self.readout)
        else:
            self.source = Framer(sink, self.readout)
        self.results: list[int] = []

    def sample(
        self,
        beats: Sequence[Sequence[int]],
        found: Sequence[Sequence[Sequence[Vector]]],
        reach: Sequence[Sequence[int]],
    ) -> tuple[int, int]:
        """Follow a sample; returns the cycles of its first beat and of its result.

        Parameters
        ----------
        beats : per step, what the source plays
        found : per layer, per step, per position: the vector that the sweep finds
        reach : per layer, per step: the inputs with an event in the window; empty but for lines
        """

        def steps() -> Iterator[Sequence[int]]:
            for t, values in enumerate(beats):
                for engine, layer in zip(self.engines, found, strict=True):
                    engine.found, engine.final = layer[t], t == len(beats) - 1
                for line, rows in zip(self.lines, reach, strict=True):
                    if line:
                        line.rows = rows[t]
                yield values

        earliest = self.results[-IN_FLIGHT] if len(self.results) >= IN_FLIGHT else 0
        start = self.source.play(earliest, steps(), len(beats))
        self.results.append(self.readout.decided)
        return start, self.results[-1]


def _events(value: int | Vector) -> int:
    """Sum the spikes of a vector; an event has a value."""
    return sum(value) if isinstance(value, Sequence) else value


def _serialised(sink: Serial, unit: Unit) -> Narrow | Serial:
    """Put the way of vectors before an engine (rtl/narrow.py)."""
    narrowed = _narrowed(sink, chunks(unit))
    return Skid(narrowed) if unit.groups > 1 else narrowed


def _narrowed(sink: Serial, stages: list[int]) -> Narrow | Serial:
    """Put stages of serialisation before an engine."""
    narrowed: Narrow | Serial = sink
    for chunk in reversed(stages):
        narrowed = Narrow(Skid(narrowed) if chunk > 1 else sink, chunk, chunk > 1)
    return narrowed


def predict(network: Network, mapping: Mapping, run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Predict latency and interval of every sample of a recorded run.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    run : Run
        Recorded.

    Returns
    -------
    latency : int64 (samples,), cycles
    interval : int64 (samples - 1,), cycles
    """
    assert run.input is not None
    samples = run.input.shape[1]
    unrolled = [layer.unrolled() for layer in network.layers]
    found = [_vectors(s, unit) for s, unit in zip(run.spikes, mapping.units, strict=True)]
    reach = [
        reached(s, flat.synapses.window).T.tolist() if unit.engine == "line" else None
        for s, flat, unit in zip(_inputs(run, unrolled), unrolled, mapping.units, strict=True)
    ]
    cycles, ends = np.empty(samples, np.int64), np.empty(samples, np.int64)
    stream = Core(network, mapping, unrolled)
    for n in range(samples):
        beats = _beats(run.input[:, n], mapping.pixels)
        vectors = [layer[n] for layer in found]
        rows = [layer[n] if layer else [] for layer in reach]
        start, end = Core(network, mapping, unrolled).sample(beats, vectors, rows)
        cycles[n] = end - start
        _, ends[n] = stream.sample(beats, vectors, rows)
    return cycles, np.diff(ends)


def work(network: Network, mapping: Mapping, run: Run) -> np.ndarray:
    """Count the cycles in which each layer adds, of whole samples, int64 (layers, samples).

    A row of every event, as often as its value says; of lines, of every input with an event in the
    window of a step; times taps and folds. No sample is quicker than its busiest layer, unless it
    is decided early: what comes behind the decision is not added.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    run : Run
        Recorded.
    """
    unrolled = [layer.unrolled() for layer in network.layers]
    counts = []
    for s, layer, unit in zip(_inputs(run, unrolled), unrolled, mapping.units, strict=True):
        x, lines = layer.synapses, unit.engine == "line"
        rows = reached(s, x.window) if lines else s.sum(axis=2, dtype=np.int64)
        counts.append(rows.sum(axis=0) * (x.taps * unit.folds))
    return np.array(counts)


def _inputs(run: Run, unrolled: Sequence[Layer]) -> Iterator[np.ndarray]:
    """Give the input of each layer (steps, samples, inputs), the spikes that come back with it."""
    assert run.input is not None
    for s, own, layer in zip([run.input, *run.spikes[:-1]], run.spikes, unrolled, strict=True):
        if layer.synapses.pre == s.shape[-1]:
            yield s
        else:
            yield np.concatenate([s, np.concatenate([own[:1] & False, own[:-1]])], axis=-1)


def reached(s: np.ndarray, window: int) -> np.ndarray:
    """Count the inputs that have an event in the window of each step.

    Parameters
    ----------
    s : (steps, ..., inputs)
    window : int

    Returns
    -------
    int64 (steps, ...)
    """
    seen = s != 0
    counts = [seen[max(t + 1 - window, 0) : t + 1].any(axis=0).sum(axis=-1) for t in range(len(s))]
    return np.array(counts)


def _beats(s: np.ndarray, pixels: int) -> list[list[int]]:
    """What the source plays in each step: values of events, or numbers of spikes per word.

    Parameters
    ----------
    s : uint8 (steps, inputs)
    pixels : int
        Pixels of a beat; 0 plays events.
    """
    if not pixels:
        return [row[row > 0].tolist() for row in s]
    padded = np.zeros((len(s), -(-s.shape[1] // pixels) * pixels), np.int64)
    padded[:, : s.shape[1]] = s
    return padded.reshape(len(s), -1, pixels).sum(axis=2).tolist()


def _vectors(s: np.ndarray, unit: Unit) -> list[list[list[list[int]]]]:
    """Count the spikes of every chunk: per sample, step and position, zeros left out.

    Parameters
    ----------
    s : bool (steps, samples, neurons)
    unit : Unit
    """
    steps, samples, neurons = s.shape
    positions, stages = unit.folds * unit.groups, chunks(unit)
    chunk = stages[0] if len(stages) == 2 else unit.sweep
    per = -(-unit.sweep // chunk)
    padded = np.zeros((samples, steps, positions, per * chunk), bool)
    lanes = np.zeros((steps, samples, positions * unit.sweep), bool)
    lanes[:, :, :neurons] = s
    padded[..., : unit.sweep] = lanes.reshape(steps, samples, positions, unit.sweep).transpose(
        1, 0, 2, 3
    )
    counts = padded.reshape(samples, steps, positions, per, chunk).sum(axis=-1)
    return [
        [[[c for c in vector if c] for vector in step] for step in sample]
        for sample in counts.tolist()
    ]
