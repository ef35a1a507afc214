"""Losses and decisions while training."""
