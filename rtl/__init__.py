"""Hardware that computes the model bit for bit (amaranth)."""

from ..model.extras import need

need("amaranth")
