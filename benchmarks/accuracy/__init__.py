"""Accuracy on public data: one module a section of ``docs/accuracy.md``."""
