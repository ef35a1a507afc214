"""Readouts in gates."""
