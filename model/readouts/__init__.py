"""Readouts: from the last layer to what a network answers."""
