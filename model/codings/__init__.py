"""Codings: from samples to input events."""
