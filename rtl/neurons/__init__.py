"""Neurons in gates."""
