"""Streams in Amaranth's simulator: put, get, watch, and a timeout in every simulation.

A bench collects; the test asserts after `run`.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module, Shape, Value
from amaranth.lib import data
from amaranth.sim import Simulator

__all__ = ["STALLS", "Bench", "Trace", "each_stall", "items_of", "spikes_of"]

# Share of cycles in which a source offers nothing, and in which a sink refuses.
STALLS = {
    "eager": (0.0, 0.0),
    "slow-source": (0.7, 0.0),
    "slow-sink": (0.0, 0.7),
    "random-both": (0.4, 0.4),
}
each_stall = pytest.mark.parametrize("stalls", STALLS.values(), ids=STALLS.keys())


@dataclass
class Trace:
    """What was seen of a stream.

    Attributes
    ----------
    items : payloads that were taken
    cycles : cycles in which they were taken
    offered : cycles from which on they were offered
    faults : breaches of the stream rules
    """

    items: list[Any] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    read: Callable[[int], Any] = int
    _held: Any = None

    def see(self, cycle: int, valid: int, ready: int, payload: int) -> None:
        """Note one cycle: an offered payload is never taken back or changed."""
        if self._held is not None:
            if not valid:
                self.faults.append(f"cycle {cycle}: {self.read(self._held)} was taken back")
            elif payload != self._held:
                changed = f"{self.read(self._held)} changed into {self.read(payload)}"
                self.faults.append(f"cycle {cycle}: {changed}")
        if valid and self._held is None:
            self.offered.append(cycle)
        self._held = payload if valid and not ready else None
        if valid and ready:
            self.items.append(self.read(payload))
            self.cycles.append(cycle)

    def forget(self) -> None:
        """Reset: what was offered may go."""
        if self._held is not None:
            self.offered.pop()
        self._held = None


class Bench:
    """A component with its clock and reset, and what drives and watches it, cycle by cycle.

    Parameters
    ----------
    component : wiring.Component
    seed : int
        Of stalls, and of what lies on the payload of a source that offers nothing.
    """

    def __init__(self, component: Any, seed: int = 0) -> None:
        self.component = component
        self.random = random.Random(seed)
        self.domain = ClockDomain("sync")
        self.cycle = 0
        self._sources: list[_Source] = []
        self._sinks: list[tuple[Any, float, Trace]] = []
        self._watched: list[tuple[Any, Trace]] = []
        self._sampled: list[tuple[Any, Callable[[int], Any], list[Any]]] = []
        self._hooks: list[Callable[[Any, int], None]] = []
        self._reset_at: set[int] = set()

    def put(
        self,
        stream: Any,
        items: Iterable[Any],
        gap: float = 0.0,
        after: Mapping[int, int] | None = None,
    ) -> Trace:
        """Offer items one after the other; those of the indices in `after` from a cycle on."""
        shape = stream.p.shape() if isinstance(stream.p, data.View) else None
        bits = [shape.const(x).as_bits() if shape else int(x) for x in items]
        self._sources.append(source := _Source(stream, bits, gap, after or {}))
        return self._watch(stream, source.trace)

    def get(self, stream: Any, gap: float = 0.0) -> Trace:
        """Take what a stream offers; payloads come as dicts, or as integers."""
        self._sinks.append((stream, gap, trace := Trace()))
        return self._watch(stream, trace)

    def watch(self, stream: Any) -> Trace:
        """Look at a stream between two components."""
        return self._watch(stream, Trace())

    def sample(self, value: Any) -> list[Any]:
        """Note a signal in every cycle."""
        self._sampled.append((value, _reader(value), seen := []))
        return seen

    def each(self, hook: Callable[[Any, int], None]) -> None:
        """Call `hook(ctx, cycle)` at the start of every cycle."""
        self._hooks.append(hook)

    def reset(self, *cycles: int) -> None:
        """Assert reset in these cycles; sources and sinks outside go on."""
        self._reset_at.update(cycles)

    def run(self, done: Callable[[], bool], limit: int = 20000, quiet: int = 40) -> None:
        """Simulate until `done` and `quiet` cycles more, in which nothing should come.

        Raises
        ------
        TimeoutError
            If that takes more than `limit` cycles.
        AssertionError
            If a stream broke its rules.
        """
        m = Module()
        m.domains.sync = self.domain
        m.submodules.component = self.component
        simulator = Simulator(m)
        simulator.add_clock(1e-6)
        finished = []

        async def drive(ctx: Any) -> None:
            left = quiet
            while self.cycle < limit:
                left = left - 1 if done() else quiet
                if left < 0:
                    finished.append(True)
                    return
                await self._step(ctx)

        simulator.add_testbench(drive)
        simulator.run()
        faults = [fault for _, trace in self._watched for fault in trace.faults]
        if not finished:
            raise TimeoutError(f"not done after {limit} cycles; {faults}")
        assert not faults

    def _watch(self, stream: Any, trace: Trace) -> Trace:
        trace.read = _reader(stream.p)
        self._watched.append((stream, trace))
        return trace

    async def _step(self, ctx: Any) -> None:
        resets = self.cycle in self._reset_at
        ctx.set(self.domain.rst, resets)
        for source in self._sources:
            source.offer(ctx, self.cycle, self.random)
        for stream, gap, _ in self._sinks:
            ctx.set(stream.ready, self.random.random() >= gap)
        for hook in self._hooks:
            hook(ctx, self.cycle)
        values = [v for s, _ in self._watched for v in (s.valid, s.ready, Value.cast(s.p))]
        values += [Value.cast(value) for value, *_ in self._sampled]
        _, _, *seen = await ctx.tick().sample(*values)
        for n, (_, trace) in enumerate(self._watched):
            valid, ready, payload = seen[3 * n : 3 * n + 3]
            trace.see(self.cycle, valid, ready, payload)
            if resets:
                trace.forget()
        for (_, read, list_), bits in zip(
            self._sampled, seen[3 * len(self._watched) :], strict=True
        ):
            list_.append(read(bits))
        self.cycle += 1


@dataclass
class _Source:
    """Items on their way into a stream."""

    stream: Any
    bits: Sequence[int]
    gap: float
    after: Mapping[int, int]
    trace: Trace = field(default_factory=Trace)
    offers: bool = False
    sent: int = 0

    def offer(self, ctx: Any, cycle: int, rng: random.Random) -> None:
        """Offer the next item, unless one is being offered or it is not yet time."""
        taken = len(self.trace.items)
        if taken > self.sent:
            self.sent, self.offers = taken, False
        if not self.offers:
            due = self.sent < len(self.bits) and cycle >= self.after.get(self.sent, 0)
            self.offers = due and rng.random() >= self.gap
            # What a source does not offer is noise.
            payload = Value.cast(self.stream.p)
            noise = rng.getrandbits(len(payload))
            ctx.set(payload, self.bits[self.sent] if self.offers else noise)
            ctx.set(self.stream.valid, self.offers)


def _reader(value: Any) -> Callable[[int], Any]:
    """Make a function from a signal's bits to a dict, a list or an integer."""
    return _of_shape(value.shape())


def _of_shape(shape: Any) -> Callable[[int], Any]:
    if isinstance(shape, data.StructLayout):
        parts = [(n, f.offset, (1 << f.width) - 1, _of_shape(f.shape)) for n, f in shape]
        return lambda bits: {n: read(bits >> at & mask) for n, at, mask, read in parts}
    if isinstance(shape, data.ArrayLayout):
        parts = [(f.offset, (1 << f.width) - 1, _of_shape(f.shape)) for _, f in shape]
        return lambda bits: [read(bits >> at & mask) for at, mask, read in parts]
    shape = Shape.cast(shape)
    width, half = shape.width, 1 << max(shape.width - 1, 0)
    if shape.signed:
        return lambda bits: ((bits & (1 << width) - 1) ^ half) - half
    return int


def items_of(s: np.ndarray, joined: bool = False) -> list[dict[str, int]]:
    """List a sample's items: its events, an end after each step.

    Parameters
    ----------
    s : int (steps, inputs)
    joined : bool
        Whether the end of a step travels with its last event.
    """
    items = []
    for t, row in enumerate(s):
        events = [
            {"position": int(a), "lanes": int(row[a]), "tick": 0, "last": 0}
            for a in np.flatnonzero(row)
        ]
        if not (joined and events):
            events.append({"position": 0, "lanes": 0, "tick": 0, "last": 0})
        events[-1] |= {"tick": 1, "last": int(t == len(s) - 1)}
        items += events
    return items


def spikes_of(
    items: Iterable[dict[str, int]], lanes: int, neurons: int, offsets: Sequence[int] = ()
) -> list[np.ndarray]:
    """Read spikes from the items of a layer: per sample bool (steps, neurons).

    `offsets`: of vectors of several places, where each of their lanes is.
    """
    samples, steps = [], []
    row = np.zeros(neurons, bool)
    for item in items:
        for lane, offset in enumerate(offsets or range(lanes)):
            if item["lanes"] >> lane & 1:
                n = item["position"] * lanes + offset
                assert not row[n], f"neuron {n} spikes twice in a step"
                row[n] = True
        if item["tick"]:
            steps.append(row)
            row = np.zeros(neurons, bool)
        if item["last"]:
            assert not row.any(), "spikes without the end of their step"
            samples.append(np.array(steps).reshape(-1, neurons))
            steps = []
    assert not steps and not row.any(), "a sample without an end"
    return samples


VOID = {"position": 0, "lanes": 0, "tick": 0, "last": 1}
