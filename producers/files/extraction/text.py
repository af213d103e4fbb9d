"""Plain text, Markdown and source code, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, TextIO

from producers.files.extraction.encoding import text_of
from producers.files.extraction.protocol import Content

_PIECE_CHARS: Final = 1 << 16
_HEADING: Final = re.compile(r"^#{1,2}[ \t]+(.{1,200}?)[ \t#]*$", re.MULTILINE)


def extract_text(file: BinaryIO) -> Content:
    return Content(_pieces(text_of(file)))


def extract_markdown(file: BinaryIO) -> Content:
    """The title is the first heading of level one or two near the top."""
    text = text_of(file)
    head = text.read(_PIECE_CHARS)
    heading = _HEADING.search(head[:4096])
    return Content(_pieces(text, head), heading[1].strip() if heading else "")


def _pieces(text: TextIO, head: str = "") -> Iterator[str]:
    if head:
        yield head
    while piece := text.read(_PIECE_CHARS):
        yield piece
