"""Synapses: linear maps from spikes to currents, in integers."""
