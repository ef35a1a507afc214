"""Hardware that computes the model bit for bit (amaranth)."""
