"""The engines against each other, and the server over the best: ``python -m tests.bench.models``."""
