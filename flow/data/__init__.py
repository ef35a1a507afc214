"""Data sets: from files to samples and labels."""
