"""Families of devices: how Yosys maps to them, what their cells count, where they are placed.

lut    xilinx  LUT1..LUT6, INV, SRL16E, SRLC32E 1; RAM32M, RAM64M 4; RAM32X1D, RAM64X1D 2
       ecp5    LUT4 1; CCU2C, two LUTs with a carry, 2; TRELLIS_DPR16X4 6, as in nextpnr
       ice40   SB_LUT4 1; a carry cell shares its LUT's place
bram   xilinx RAMB18E1 1, RAMB36E1 2;  ecp5 DP16KD (18 kbit);  ice40 SB_RAM40 (4 kbit)
"""

import re
from dataclasses import dataclass

__all__ = ["KINDS", "TARGETS", "Target", "count"]

KINDS = ("lut", "ff", "bram", "dsp")


@dataclass(frozen=True, slots=True)
class Target:
    """A family of devices.

    Parameters
    ----------
    passes : str
        The Yosys commands that map to it. On xilinx adders that are never used at once are
        shared: 9 % fewer LUT where lanes have folds.
    cells : dict
        For each of lut, ff, bram, dsp: pattern of a cell's name -> how much it counts.
    place : str
        The program that places and routes; empty where no free one does.
    pins : str
        Constraints of pins, for ``carrier.lpf``: the clock comes in where clocks do.
    devices : tuple of (arguments, lut, bram, dsp)
        What to place for and what is there, from small to large.
    """

    passes: str
    cells: dict[str, dict[str, int]]
    place: str = ""
    pins: str = ""
    devices: tuple[tuple[str, int, int, int], ...] = ()


XILINX = "synth_xilinx -family xc7 -noiopad -noclkbuf -flatten -top carrier"
TARGETS = {
    "ice40": Target(
        "synth_ice40 -abc9 -device hx -top carrier",
        {
            "lut": {"SB_LUT4": 1},
            "ff": {"SB_DFF.*": 1},
            "bram": {"SB_RAM40_.*": 1},
            "dsp": {"SB_MAC16": 1},
        },
        "nextpnr-ice40",
        "",
        (("--hx8k --package ct256 --freq 100", 7680, 32, 0),),
    ),
    "ecp5": Target(
        "synth_ecp5 -abc9 -nowidelut -top carrier",
        {
            "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            "ff": {"TRELLIS_FF": 1},
            "bram": {"DP16KD|PDPW16KD": 1},
            "dsp": {"MULT18X18D": 1},
        },
        "nextpnr-ecp5",
        'LOCATE COMP "clk" SITE "G2";\n',
        (("--85k --speed 6 --package CABGA381 --freq 150", 83640, 208, 156),),
    ),
    "xilinx": Target(
        "\n".join(
            (
                f"{XILINX} -run begin:fine",
                "share -aggressive",
                "opt -full",
                f"{XILINX} -run fine:",
            )
        ),
        {
            "lut": {
                "LUT[1-6]|INV|SRL16E|SRLC32E": 1,
                "RAM32X1D|RAM64X1D": 2,
                "RAM32M|RAM64M": 4,
            },
            "ff": {"FD[RSCP]E(_1)?": 1},
            "bram": {"RAMB18E1": 1, "RAMB36E1": 2},
            "dsp": {"DSP48E1": 1},
        },
    ),
}


def count(target: Target, cells: dict[str, int]) -> dict[str, int]:
    """Count cells (type -> number) as lut, ff, bram, dsp."""
    return {
        kind: sum(
            number * weight
            for cell, number in cells.items()
            for pattern, weight in target.cells[kind].items()
            if re.fullmatch(pattern, cell)
        )
        for kind in KINDS
    }
