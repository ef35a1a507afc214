"""Emitted Verilog beside the golden model, in Verilator under cocotb."""

from ..model.extras import need

need("cocotb_tools")
