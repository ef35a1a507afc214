"""What goes wrong outside spikeline, by whom it is to be mended; each is told in one sentence.

The command line prints the sentence and exits with 2; nothing half-written stays.
"""

__all__ = ["InputError", "MissingTool", "SpikelineError", "ToolFailed"]


class SpikelineError(Exception):
    """What a user, not a developer of spikeline, can mend."""


class InputError(SpikelineError, ValueError):
    """Input that cannot be used: whose what must be what, not value."""


class MissingTool(SpikelineError, RuntimeError):
    """A program or a package that is not there, or too old, and how to get it."""


class ToolFailed(SpikelineError, RuntimeError):
    """A program that was started and failed: what it said, and where all of it stands."""
