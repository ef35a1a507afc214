"""Emission: a network and its mapping to Verilog, weight files and a description."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape

from ..model.check import choice, flag, word
from ..model.check import path as path_of
from ..model.errors import InputError
from ..model.network import Network
from ..model.store import content_hash, describe, write_together
from ..plan.mapping import Mapping, mapped
from .accelerator import Accelerator
from .codings.framer import beat
from .engine import Engine
from .host import HOSTS
from .host.axi_stream import AxiStream
from .memory import Emission, Rom
from .verilog import convert

__all__ = ["Emitted", "default_name", "emit", "free_name", "usable"]

# Words of Verilog, and the modules around a design in simulation (harness) and synthesis (carrier).
RESERVED = frozenset(
    "always and assign automatic begin buf bufif0 bufif1 carrier case casex casez cell cmos"
    " config deassign default defparam design disable edge else end endcase endconfig endfunction"
    " endgenerate endmodule endprimitive endspecify endtable endtask event for force forever fork"
    " function generate genvar harness highz0 highz1 if ifnone incdir include initial inout input"
    " instance integer join large liblist library localparam macromodule medium module nand"
    " negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge"
    " primitive pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent rcmos real"
    " realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled"
    " signed small specify specparam strong0 strong1 supply0 supply1 table task time tran tranif0"
    " tranif1 tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while"
    " wire wor xnor xor".split()
)
ROM = """\
module {name} (input clk, {ports});
  (* rom_style = "block" *) reg [{high}:0] memory [0:{last}];
  reg [{high}:0] {words};
{contents}
{reads}
endmodule
"""
PORT = "input [{high_address}:0] address{n}, output reg [{high}:0] data{n}"
READ = """\
  always @(posedge clk) begin
    word{n} <= memory[address{n}];
    data{n} <= word{n};
  end"""


@dataclass(frozen=True, slots=True)
class Emitted:
    """What `emit` wrote.

    Attributes
    ----------
    folder : Path
    top, core : str
        Verilog module names of the top, which is the host, and of the core in it.
    sources : tuple of Path
        Verilog files; they read the weight files from the folder they run in.
    description : Path
        JSON: ports, packet formats, mapping, hash.
    """

    folder: Path
    top: str
    core: str
    sources: tuple[Path, ...]
    description: Path


def default_name(stem: str, network: Network) -> str:
    """Name a design after its network, by `stem` and the first digits of its hash.

    So networks from files of the same name fit into one design.
    """
    return f"{free_name(word('Verilog name', stem))}_{content_hash(network)[:8]}"


def free_name(stem: str) -> str:
    """Make any name of a file one that Verilog takes: ``n_`` goes before a digit or a word of
    Verilog's own."""
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return name if re.match(r"[A-Za-z_]", name) and name not in RESERVED else f"n_{name}"


def usable(name: str) -> str:
    """Make the name of a top module: anything but letters, digits and _ becomes _."""
    name = re.sub(r"\W", "_", word("Verilog name", name), flags=re.ASCII)
    if not re.match(r"[A-Za-z_]", name):
        raise InputError(f"Verilog name must begin with a letter, not {name!r}")
    if name in RESERVED:
        raise InputError(f"Verilog name must be free to use, not {name!r}")
    return name


def emit(
    network: Network,
    mapping: Mapping,
    folder: Path,
    *,
    name: str,
    inline: bool = False,
    host: str = "axi4-stream",
) -> Emitted:
    """Write the Verilog of a network; the same arguments always give the same bytes.

    Parameters
    ----------
    network : Network
    mapping : Mapping
    folder : Path
        Made if missing.
    name : str
        Name of the top module and prefix of every other module and file (see `default_name`);
        anything but letters, digits and _ becomes _.
    inline : bool
        Whether the weights stand in the Verilog instead of in ``$readmemh`` files.
    host : str
        What connects it to a bus, a kind of rtl/host/.
    """
    mapped(mapping, network)
    folder = path_of("Verilog folder", folder)
    choice("Verilog host", host, HOSTS)
    flag("Verilog inline", inline)
    name = usable(name)
    platform = Emission()
    top = HOSTS[host](Accelerator(network, mapping, name=name))
    text = convert(top, name, platform)
    digest, units = content_hash(network), mapping.units.values()
    header = (
        f"// {name}: {network.shape}, {network.steps} steps, made by spikeline.\n"
        f"// network sha256 {digest}\n"
        f"// lanes {', '.join(str(u.lanes) for u in units)};"
        f" sweep {', '.join(str(u.sweep) for u in units)};"
        f" engines {', '.join(u.engine for u in units)}\n"
        "// This file belongs to whoever generated it, without conditions.\n"
    )
    roms = "\n".join(_rom(rom, inline) for rom in platform.roms.values())
    source = folder / f"{name}.v"
    files = {source: f"{header}\n{text}\n{roms}"}
    if not inline:
        for rom in platform.roms.values():
            digits = -(-rom.width // 4)
            words = "".join(f"{w:0{digits}x}\n" for w in rom.words)
            files[folder / f"{rom.name}.hex"] = words
    description = folder / "description.json"
    files[description] = json.dumps(_describe(top, name, digest), indent=2) + "\n"
    write_together(files)
    return Emitted(folder, name, f"{name}.accelerator.core", (source,), description)


def _rom(rom: Rom, inline: bool) -> str:
    """Write the module of a weight memory."""
    if inline:
        lines = (f"    memory[{n}] = {rom.width}'h{w:x};" for n, w in enumerate(rom.words))
        contents = "  initial begin\n" + "\n".join(lines) + "\n  end"
    else:
        contents = f'  initial $readmemh("{rom.name}.hex", memory);'
    high, high_address = rom.width - 1, max(len(rom.address), 1) - 1
    ends = ["", *range(1, rom.readers)]  # of the names of the ports
    return ROM.format(
        name=rom.name,
        ports=", ".join(PORT.format(n=n, high=high, high_address=high_address) for n in ends),
        high=high,
        last=len(rom.words) - 1,
        words=", ".join(f"word{n}" for n in ends),
        contents=contents,
        reads="\n".join(READ.format(n=n) for n in ends),
    )


def _describe(top: AxiStream, name: str, digest: str) -> dict[str, object]:
    """Describe ports and packets for a driver."""
    core = top.accelerator.core
    network, mapping, held = core.golden, core.mapping, core.layout.held
    return {
        "name": name,
        "hash": digest,
        "network": describe(network),
        "mapping": [
            {
                "layer": name,
                "lanes": u.lanes,
                "sweep": u.sweep,
                "folds": u.folds,
                "engine": u.engine,
                "queue": u.queue,
            }
            for name, u in mapping.units.items()
        ],
        "host": top.kind,
        "clock": "clk, rising edge",
        "reset": "rst, high, synchronous, one cycle or more: needed after power-up, whatever"
        " registers and memories hold then; given at any time, together with the source of beats:"
        " samples under way are forgotten, the next beat begins one",
        "s_axis": {"tdata_bits": len(top.s_axis_tdata)} | _packet(network, mapping, held),
        "m_axis": {"tdata_bits": len(top.m_axis_tdata)} | core.readout.describe(),
        "layers": [_items(name, engine) for name, engine in core.engines.items()],
        "probes": "of each layer (probe)_valid and _data: an item of its output is told; left open,"
        " they cost nothing",
        "idle": "1 while nothing of any sample is in the accelerator and nothing is being cleared",
        "refused": "beats dropped since reset because they broke the input's declaration, 16 bits",
    }


def _packet(network: Network, mapping: Mapping, held: bool) -> dict[str, object]:
    """Describe the packet of a sample."""
    if mapping.pixels:
        return {
            "packet": "one image: pixels of 8 bits, the first in the lowest bits of the first beat;"
            " tlast on its last beat; missing pixels are dark",
            "pixels": mapping.pixels,
        }
    events = "events of step 0, tick, events of step 1, tick, ..."
    if held:
        events = "events of step 0, which are those of every step and come once, tick, tick, ..."
    return {
        "packet": f"one sample: {events}; tlast on its last beat; missing ticks are added",
        "held": held,
        "beat": {key: {"lsb": field.offset, "bits": field.width} for key, field in beat(network)},
    }


def _items(name: str, engine: Engine) -> dict[str, object]:
    """Describe what a layer tells (rtl/stream.py; of the last one rtl/soma.py `measured`)."""
    part, neuron = engine.part, engine.lanes.neuron
    neurons = part.unit.neurons
    shape: Any = engine.told.shape()
    return {
        "name": name,
        "probe": f"probe_{name}",
        "bits": Shape.cast(shape).width,
        "neurons": neurons,
        "position_bits": Shape.cast(shape["position"].shape).width,
        "lanes": part.unit.vector,
        "stride": part.unit.sweep,
        "offsets": part.unit.offsets,
        "membrane_bits": engine.lanes.told if part.measures else 0,
        "offset": [neuron.offset(n) for n in range(neurons)] if part.measures else [],
    }
