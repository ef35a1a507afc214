"""Trainable twins of model/neurons."""
