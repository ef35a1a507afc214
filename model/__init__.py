"""The law of every layer in integers (NumPy only): golden model, frozen network, width proofs, cycle model."""
