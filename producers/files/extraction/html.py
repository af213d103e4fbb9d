"""HTML: what a reader of the page sees."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from selectolax.lexbor import LexborHTMLParser

from producers.files.extraction.encoding import encoding_of
from producers.files.extraction.protocol import Content, whole

_UNSEEN: Final = ["script", "style", "noscript", "template", "svg", "head", "iframe", "object"]
_BLOCKS: Final = (
    "p, div, section, article, main, aside, header, footer, nav, li, tr, h1, h2, h3, h4, h5, h6, pre, blockquote, "
    "br, hr, dt, dd, table, ul, ol, figcaption, option"
)
_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_BLANKS: Final = re.compile(r"[^\S\n]+")
_BREAKS: Final = re.compile(r" ?\n[\n ]*")


def extract_html(file: BinaryIO) -> Content:
    """Visible text, a line for each block; the title is the page's."""
    encoding = encoding_of(file)
    raw = whole(file)
    if not encoding.startswith("utf"):
        encoding = _declared(raw) or encoding
    tree = LexborHTMLParser(raw.decode(encoding, "replace"))
    title_node = tree.css_first("title")
    title = " ".join(title_node.text().split()) if title_node else ""
    tree.strip_tags(_UNSEEN)
    return Content(_lines(tree), title[:200])


def _lines(tree: LexborHTMLParser) -> Iterator[str]:
    if tree.body is None:
        return
    for node in tree.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    text = _BREAKS.sub("\n", _BLANKS.sub(" ", tree.body.text(separator=""))).strip()
    if text:
        yield text + "\n"


def _declared(raw: bytes) -> str:
    found = _CHARSET.search(raw[:2048])
    try:
        return codecs.lookup(found[1].decode("ascii")).name if found else ""
    except LookupError:
        return ""
