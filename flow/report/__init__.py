"""The report: everything measured, on one HTML page."""
