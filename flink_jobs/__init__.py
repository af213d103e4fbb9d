"""The PyFlink job between ``documents`` and ``vector-embeddings``."""
