"""The report: everything measured, on one HTML page."""

from ...model.extras import need

need("matplotlib", "jinja2")
