"""Text to vectors: the protocol, the engines, and the cache that spares them work."""

from freshet.embedding.protocol import Embedder, Tokens

__all__ = ["Embedder", "Tokens"]
