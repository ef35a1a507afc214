"""The law of every layer in integers (NumPy only): golden run, frozen network, widths, cycles."""
