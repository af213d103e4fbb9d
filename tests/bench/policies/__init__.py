"""The batch-size policies against each other: ``python -m tests.bench.policies``."""
