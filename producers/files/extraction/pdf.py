"""PDF, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

from producers.files.extraction.protocol import Content, RefusedFile


def extract_pdf(file: BinaryIO) -> Content:
    """The text that the pages carry (scanned images have none); the title is the document's own.

    Raises RefusedFile ``encrypted`` or ``broken``, the latter also from the pieces.
    """
    try:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise RefusedFile("encrypted", "the PDF asks for a password")
        title = str(reader.metadata.title or "") if reader.metadata else ""
        pages = len(reader.pages)
    except RefusedFile:
        raise
    except (DependencyError, FileNotDecryptedError) as error:
        raise RefusedFile("encrypted", str(error)) from error
    except OSError:
        raise
    except Exception as error:  # pypdf meets broken files with errors of many types
        raise RefusedFile("broken", f"not a readable PDF: {error!r}") from error
    return Content(_pages(reader, pages), " ".join(title.split())[:200])


def _pages(reader: PdfReader, pages: int) -> Iterator[str]:
    for number in range(pages):
        try:
            text = reader.pages[number].extract_text()
        except OSError:
            raise
        except Exception as error:
            raise RefusedFile("broken", f"page {number + 1} of {pages}: {error!r}") from error
        if text:
            yield text + "\n\n"
