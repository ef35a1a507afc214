"""The one error that a user causes."""

__all__ = ["Refused"]


class Refused(ValueError):
    """Input that cannot be used, in one sentence: whose what must be what, not value."""
