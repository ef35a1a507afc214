"""What views are to be, but for the map that they look at.

Views that need no map are those of model/views themselves. A new kind is a file here and a line in
`SPECS`, which makes it known to recipes.
"""

from typing import Any

from ...model.maps import Map
from ...model.views import View
from ...model.views.crop import Crop
from ...model.views.flatten import Flatten
from .pool import AvgPool2d, SumPool2d
from .repeat import Upsample
from .view import ViewSpec

__all__ = ["SPECS", "ViewSpec", "after"]

SPECS: dict[str, Any] = {
    kind.kind: kind for kind in (AvgPool2d, Crop, Flatten, SumPool2d, Upsample)
}


def after(view: View, before: Map) -> Map:
    """Tell the map that a view shows; one place where it keeps none."""
    return getattr(view, "after", None) or Map(view.size(before.size), 1, 1)
