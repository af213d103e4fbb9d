"""Which extractor reads which file. A name that is not in here is skipped quietly."""

from __future__ import annotations

from typing import Final

from producers.files.extraction.html import extract_html
from producers.files.extraction.pdf import extract_pdf
from producers.files.extraction.protocol import Extract
from producers.files.extraction.records import extract_csv, extract_json, extract_json_lines
from producers.files.extraction.text import extract_markdown, extract_text

__all__ = ["Extract", "extractor", "kind_of"]

_PROSE: Final = "txt text rst adoc asciidoc org tex log srt vtt eml"
_CONFIGURATION: Final = "ini cfg conf toml yaml yml properties xml tf gradle cmake mk"
_SOURCE: Final = (
    "py pyi js mjs cjs jsx ts tsx java kt kts scala groovy c h cc cpp cxx hpp hh cs go rs rb php swift m mm r jl "
    "lua pl pm hs elm ex exs erl clj dart vue svelte css scss less sql proto graphql sh bash zsh fish ps1 bat zig"
)
_BARE_NAMES: Final = "readme license licence copying notice authors changelog contributing makefile dockerfile todo"

_BY_EXTENSION: Final[dict[str, Extract]] = {
    **dict.fromkeys(f"{_PROSE} {_CONFIGURATION} {_SOURCE}".split(), extract_text),
    **dict.fromkeys(("md", "markdown", "mdx"), extract_markdown),
    **dict.fromkeys(("html", "htm", "xhtml"), extract_html),
    **dict.fromkeys(("jsonl", "ndjson"), extract_json_lines),
    **dict.fromkeys(("csv", "tsv"), extract_csv),
    **dict.fromkeys(("json", "geojson"), extract_json),
    "pdf": extract_pdf,
}
_BY_NAME: Final[dict[str, Extract]] = dict.fromkeys(_BARE_NAMES.split(), extract_text)


def kind_of(name: str) -> str:
    """The extension in lower case without its dot, empty where there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""


def extractor(name: str) -> Extract | None:
    """The extractor for a file of this name (no folders), None for a kind that holds no text."""
    kind = kind_of(name)
    return _BY_EXTENSION.get(kind) if kind else _BY_NAME.get(name.lower())
