"""Sources of terms, one per engine."""
