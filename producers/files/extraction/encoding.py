"""Which encoding a text file is in, or that it is none."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO, Final

from charset_normalizer import from_bytes

from producers.files.extraction.protocol import RefusedFile

_BLOCK: Final = 1 << 20
_SAMPLE: Final = 1 << 16
_MAX_CONTROL_SHARE: Final = 0.02
_CONTROL: Final = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(file: BinaryIO) -> str:
    """Name of the encoding, found by reading the whole file once; leaves the file at its start.

    UTF-8 wherever every byte fits it, else a byte order mark, else a guess from the first bytes that are not UTF-8.
    Raises RefusedFile ``binary`` where there is a NUL, many control characters, or nothing that fits.
    """
    head = file.read(_SAMPLE)
    file.seek(0)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(_CONTROL.findall(head)) > _MAX_CONTROL_SHARE * len(head):
        raise RefusedFile("binary", "the file starts with control characters")
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = b""
    while block := file.read(_BLOCK):
        if b"\0" in block:
            raise RefusedFile("binary", "the file holds NUL bytes")
        if not sample:
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                start = max(0, error.start - _SAMPLE // 2)
                sample = error.object[start : start + _SAMPLE]
    if not sample:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            sample = head
    file.seek(0)
    return _guess(sample) if sample else "utf-8"


def text_of(file: BinaryIO) -> io.TextIOWrapper:
    """The file as text with universal newlines. A byte that a guessed encoding lacks becomes U+FFFD."""
    encoding = encoding_of(file)
    return io.TextIOWrapper(file, encoding, errors="replace")


def _guess(sample: bytes) -> str:
    found = from_bytes(sample, threshold=0.4).best()
    if found is None:
        raise RefusedFile("binary", "the bytes fit no encoding of text")
    return found.encoding
