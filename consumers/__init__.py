"""The adaptive-batching upserter between ``vector-embeddings`` and the store, and the redrive of dead letters."""
