"""Benchmarks: each file is one command, prints the machine, versions, medians and ratios, and says what it aims at."""
