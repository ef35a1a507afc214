"""spikeline: spiking neural networks from PyTorch training to Verilog, equal spike by spike."""
