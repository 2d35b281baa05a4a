"""Event deltas: what some events have in common that the others do not, and which attributes explain a change."""
