"""The report: everything measured, on one HTML page."""

from ...model.cache import caching
from ...model.extras import need

need("matplotlib", "jinja2")
with caching():
    import matplotlib

    # It looks for its folders once.
    matplotlib.get_configdir()
    matplotlib.get_cachedir()
