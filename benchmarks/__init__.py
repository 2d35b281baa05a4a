"""Benchmarks: each file is one command that prints the machine, the versions, medians, ratios and its aims."""
