"""Synthesis, place and route: what a design costs."""
