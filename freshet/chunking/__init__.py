"""Text to chunks: cut by content, so that what did not change keeps its chunks."""

from freshet.chunking.chunker import Chunker
from freshet.chunking.parts import parts
from freshet.chunking.sections import sections

__all__ = ["Chunker", "parts", "sections"]
