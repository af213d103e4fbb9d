"""Text to vectors: the protocol, the engines, and the cache that spares them work."""

from freshet.embedding.load import ModelEmbedder, load_embedder
from freshet.embedding.protocol import Embedder, Tokens
from freshet.embedding.settings import ModelSettings

__all__ = ["Embedder", "ModelEmbedder", "ModelSettings", "Tokens", "load_embedder"]
