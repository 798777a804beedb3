"""Benchmarks that anyone can run: `python3 dev.py bench NAME`."""
