"""Trainable twins of model/synapses."""
