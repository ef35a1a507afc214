"""Trainable twins of the model, computing in the deployed integers (torch)."""
