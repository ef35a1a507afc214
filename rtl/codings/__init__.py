"""What the bus meets first: beats to events."""
