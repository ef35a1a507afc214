"""From the beats of a bus to items."""
