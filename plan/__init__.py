"""Layouts: mapping, pipeline, and exact cycles (NumPy only)."""
