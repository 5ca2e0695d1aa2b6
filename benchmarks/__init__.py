"""The benchmark: what `benchmark_test.py` runs, part by part. docs/performance.md says how to read it."""
