"""Whole layers: synapses and neurons that belong together, of which nothing is learned.

They become layers like any other, so model, plan and rtl know nothing of them. A new kind is a file
here and a line in `SPECS`, which makes it known to recipes.
"""

from .max_pool import MaxPool2d
from .whole import WholeSpec

__all__ = ["SPECS", "WholeSpec"]

SPECS: dict[str, type[WholeSpec]] = {kind.kind: kind for kind in (MaxPool2d,)}
