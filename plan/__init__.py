"""Layouts: mapping, pipeline, and exact cycles (numba)."""
