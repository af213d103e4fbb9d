"""Files to text: one small extractor for each kind, chosen by the file's extension."""

from producers.files.extraction.kinds import Extract, extractor
from producers.files.extraction.protocol import Content, RefusedFile

__all__ = ["Content", "Extract", "RefusedFile", "extractor"]
