"""Benchmarks: each file is one command that prints the machine, versions, medians, ratios and its aims."""
