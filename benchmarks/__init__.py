"""Measurements: `python -m benchmarks.NAME` prints one and writes benchmarks/results/NAME.json."""
