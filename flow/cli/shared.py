"""What several commands do: find network and samples, emit, keep folders whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from filelock import FileLock, Timeout

from ...model.errors import InputError, SpikelineError
from ...model.network import Network
from ...plan.mapping import Mapping, delay_bits
from ..data.data import Data, guess, load
from ..zoo.zoo import Named, resolve

__all__ = ["alone", "delays", "emit", "network_and_data", "scratch"]

LOCK = ".cosim.lock"  # stays, empty: to remove it would let two in


def network_and_data(
    given: str,
    data: str | None,
    split: str,
    samples: int | None,
    folder: Path | None,
    framing: str | None = None,
) -> tuple[Named, Data]:
    """Find a network and load the samples to run it on; bins beyond its steps are cut off.

    What is not given is as it was when the network was trained, where that is known.
    """
    named = resolve(given, data)
    folder, framing = folder or named.folder, framing or named.framing or "grid"
    name = named.data or guess(split, folder)
    if name is None:
        raise InputError(
            f"Data set must be given by --dataset, as {given} is not of the zoo"
            " and no folder of one known data set is given"
        )
    network = named.network
    found = load(name, split, folder, framing)
    found = found.shaped(network.coding.counted, network.width, named.name)
    return named, found.cut(network.steps, samples)


def emit(
    named: Named, mapping: Mapping, folder: Path, *, inline: bool = False, name: str | None = None
) -> Any:
    """Write the Verilog of a network, by default named as it is and by its hash (rtl/emit.py)."""
    from ...rtl.emit import default_name, emit

    name = name or default_name(named.name, named.network)
    return emit(named.network, mapping, folder, name=name, inline=inline)


def delays(network: Network, mapping: Mapping) -> dict[str, Any]:
    """Tell by which engine each layer with delays is built, and the bits that either would need."""
    found = [
        {
            "layer": name,
            "engine": mapping.units[name].engine,
            "line_bits": bits.get("line"),
            "wheel_bits": bits["wheel"],
        }
        for name, bits in delay_bits(network, mapping.units).items()
        if bits
    ]
    return {"delays": found} if found else {}


@contextmanager
def scratch(out: Path | None) -> Iterator[Path]:
    """Give `out`, or else a folder that goes, unless a refusal names what is in it."""
    folder, kept = out or Path(mkdtemp(prefix="spikeline-")), out is not None
    try:
        yield folder
    except SpikelineError as error:
        kept = kept or str(folder) in str(error)
        raise
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep other co-simulations, whose files have the same names, out of a folder meanwhile."""
    lock = FileLock(out / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"Folder {out} must be used by one co-simulation at a time; give another by --out"
        ) from None
    try:
        yield
    finally:
        lock.release()
