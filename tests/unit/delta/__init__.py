"""Event deltas."""
