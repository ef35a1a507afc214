"""Measurements: accuracy, cross-validation, speed."""
