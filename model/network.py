"""The network: layers in order, and the one loop over time.

A spike of layer l at step t reaches layer l + 1 at the same step t. Every sample starts from the
reset state.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .codings.encode import Coding
from .neurons.neuron import Neuron
from .readouts.protocol import Decision, Readout
from .refuse import Refused, integer
from .synapses.delayed import Delayed
from .synapses.dense import Dense, product

__all__ = ["Layer", "Network", "Run", "Synapses", "accuracy"]

Synapses = Dense | Delayed


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Synapses and the neurons they feed.

    Parameters
    ----------
    synapses : Dense or Delayed (post, pre)
    neuron : Neuron (post,)
    recurrent : Delayed (post, post) or None
        Synapses from these neurons to themselves; their delays are at least 1.
    """

    synapses: Synapses
    neuron: Neuron
    recurrent: Delayed | None = None

    def __post_init__(self) -> None:
        if self.synapses.post != self.neuron.size:
            raise Refused(
                f"Layer neurons must number {self.synapses.post}, as its weights have rows, "
                f"not {self.neuron.size}"
            )
        if self.recurrent is not None:
            n, shape = self.neuron.size, self.recurrent.weights.shape
            if shape[:2] != (n, n):
                raise Refused(
                    f"Recurrent weights must have the shape ({n}, {n}, taps), not {shape}"
                )
            if self.recurrent.delays.min() < 1:
                raise Refused("Recurrent delays must be at least 1, not 0")

    @property
    def connections(self) -> tuple[Synapses, ...]:
        """The synapses, and the recurrent ones if there are any."""
        return (self.synapses,) if self.recurrent is None else (self.synapses, self.recurrent)

    def unrolled(self) -> "Layer":
        """Turn what recurs into inputs: a layer for hardware, with the same currents.

        Spikes of this layer in a step are to come as events of the next one, on inputs behind the
        others; their delays are one less. All inputs then have as many taps as those that have the
        most, and one window, as large as the longest delay asks for. A layer that is not recurrent
        is as it was.
        """
        if self.recurrent is None:
            return self
        x, r = self.connections
        taps, rows = max(x.taps, r.taps), max(len(x.delays), len(r.delays))
        weights = [
            np.pad(y.weights.reshape(y.post, y.pre, y.taps), [(0, 0), (0, 0), (0, taps - y.taps)])
            for y in (x, r)
        ]
        delays = [
            np.pad(np.broadcast_to(d, (rows, *d.shape[1:])), [(0, 0), (0, 0), (0, taps - y.taps)])
            for y, d in ((x, x.delays), (r, r.delays - 1))
        ]
        bits, window = max(x.bits, r.bits), 1 + max(int(d.max()) for d in delays)
        w = np.concatenate(weights, axis=1)
        synapses = Delayed(w, np.concatenate(delays, axis=1), bits, window)
        if window == taps == 1:
            synapses = Dense(w[..., 0], bits)
        return Layer(synapses, self.neuron)

    def run(self, s: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """Run the layer over whole samples.

        Parameters
        ----------
        s : uint8 (steps, samples, pre)
        limit : int
            Largest value in `s`.

        Returns
        -------
        s : bool (steps, samples, post)
        h : int64 (steps, samples, post)
        """
        current = self.synapses.current(s, limit)
        spikes = np.empty(current.shape, bool)
        state = self.neuron.start(current.shape[1])
        loop = [] if self.recurrent is None else list(self.recurrent.kernels(len(current)))
        for t in range(len(current)):
            spikes[t], current[t], state = self.neuron.step(state, current[t])
            for delay, weights in loop:
                if t + delay < len(current):
                    current[t + delay] += product(spikes[t], weights, 1)
        return spikes, current


@dataclass(slots=True)
class Run:
    """What a golden run saw.

    Attributes
    ----------
    decision : Decision
    counts : int64 (layers + 1, samples)
        Spikes per sample of the input (sum of its values) and of each layer.
    input : uint8 (steps, samples, inputs), or None unless recorded
    spikes : list of bool (steps, samples, neurons), one per layer; empty unless recorded
    membranes : list of int64 (steps, samples, neurons), h of each layer; empty unless recorded
    """

    decision: Decision
    counts: np.ndarray
    input: np.ndarray | None
    spikes: list[np.ndarray]
    membranes: list[np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A frozen integer network.

    Parameters
    ----------
    steps : int >= 1
        T, the number of steps of a sample.
    inputs : int
    coding : Coding
    layers : tuple of Layer
    readout : Readout
    """

    steps: int
    inputs: int
    coding: Coding
    layers: tuple[Layer, ...]
    readout: Readout

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", integer("Network steps", self.steps, 1, 1 << 15))
        object.__setattr__(self, "inputs", integer("Network inputs", self.inputs, 1, 1 << 24))
        if not self.layers:
            raise Refused("Network must have at least one layer")
        pre = self.inputs
        for i, layer in enumerate(self.layers):
            if layer.synapses.pre != pre:
                raise Refused(
                    f"Layer {i} must take {pre} inputs, as what comes before it gives, "
                    f"not {layer.synapses.pre}"
                )
            pre = layer.synapses.post
            for name, synapses in zip(("", "recurrent "), layer.connections, strict=False):
                if synapses.delays.max() >= self.steps:
                    raise Refused(
                        f"Layer {i} {name}delays must be below the {self.steps} steps of the "
                        f"network, not {synapses.delays.max()}"
                    )
        last = self.layers[-1].neuron
        self.readout.check(self.steps, last.threshold is not None)
        self._refuse_overflow()

    def _refuse_overflow(self) -> None:
        """Refuse what 64-bit integers might not hold; ``v * m`` takes 16 bits more than v."""
        reach = 0
        for i, (layer, (limit, _)) in enumerate(zip(self.layers, self.declared(), strict=True)):
            limits = (limit, 1)
            current = sum(
                c * np.abs(x.weights.astype(np.int64)).reshape(x.post, -1).sum(axis=1)
                for c, x in zip(limits, layer.connections, strict=False)
            )
            step = (current << layer.neuron.shift) + np.abs(layer.neuron.bias.astype(np.int64))
            reach = self.steps * int(step.max())
            if reach >= 1 << 47:
                raise Refused(f"Layer {i} must keep its membranes below 2**47, not reach {reach}")
        self.readout.check_reach(reach)

    @property
    def classes(self) -> int:
        """Number of neurons in the last layer."""
        return self.layers[-1].synapses.post

    @property
    def shape(self) -> str:
        """Sizes of the layers, as in ``784-128-10``."""
        return "-".join(
            str(n) for n in (self.inputs, *(layer.synapses.post for layer in self.layers))
        )

    def declared(self) -> list[tuple[int, bool]]:
        """For each layer what its input declares: (limit, once); see model/codings/encode.py."""
        return [
            (self.coding.limit, self.coding.once),
            *((1, layer.neuron.once) for layer in self.layers[:-1]),
        ]

    def encode(self, samples: np.ndarray) -> np.ndarray:
        """Encode samples as the input of layer 0, uint8 (steps, samples, inputs)."""
        return self.coding.encode(samples, self.steps, self.inputs)

    def run(
        self,
        samples: np.ndarray,
        *,
        record: bool = False,
        batch: int = 500,
        tick: Callable[[int], object] | None = None,
    ) -> Run:
        """Run samples through the golden model.

        Parameters
        ----------
        samples : (samples, ...), what `coding` takes
        record : bool
            Whether to keep the input, every spike and every membrane.
        batch : int
            Samples computed at a time.
        tick : callable
            Called with the number of samples done, after each batch.
        """
        parts = []
        for chunk in batches(samples, batch):
            parts.append(self._run(chunk, record))
            if tick:
                tick(len(chunk))
        if not parts:
            raise Refused("Samples must number at least one, not 0")
        return join(parts) if len(parts) > 1 else parts[0]

    def _run(self, samples: np.ndarray, record: bool) -> Run:
        s = self.encode(samples)
        run = Run(Decision(*[np.empty(0)] * 3), np.empty(0), s if record else None, [], [])
        counts, h = [s.sum(axis=(0, 2), dtype=np.int64)], np.empty(0)
        for layer, (limit, _) in zip(self.layers, self.declared(), strict=True):
            s, h = layer.run(s, limit)
            counts.append(s.sum(axis=(0, 2), dtype=np.int64))
            if record:
                run.spikes.append(s)
                run.membranes.append(h)
        run.decision, run.counts = self.readout.decide(s, h), np.array(counts)
        return run


def batches(samples: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Cut samples into batches of at most `size`."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def join(parts: list[Run]) -> Run:
    """Join runs of consecutive samples."""
    decision = Decision(
        *(
            np.concatenate([getattr(p.decision, n) for p in parts])
            for n in ("label", "step", "score")
        )
    )
    inputs = [p.input for p in parts if p.input is not None]
    layers = range(len(parts[0].spikes))
    return Run(
        decision,
        np.concatenate([p.counts for p in parts], axis=1),
        np.concatenate(inputs, axis=1) if inputs else None,
        [np.concatenate([p.spikes[i] for p in parts], axis=1) for i in layers],
        [np.concatenate([p.membranes[i] for p in parts], axis=1) for i in layers],
    )


def accuracy(decided: np.ndarray, labels: np.ndarray) -> float:
    """Share of decisions that equal the label."""
    return float(np.mean(np.asarray(decided) == np.asarray(labels)))
