"""The law of every layer in integers (NumPy only): golden run, frozen network, proven widths."""
