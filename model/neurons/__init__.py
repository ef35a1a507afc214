"""Neurons: from currents to spikes, in integers."""
