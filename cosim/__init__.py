"""Emitted Verilog beside the golden model, in Verilator under cocotb."""
