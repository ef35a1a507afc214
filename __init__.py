"""spikeline: spiking neural networks from PyTorch training to Verilog that is proven to compute the same thing."""
