"""JSON, JSON lines and CSV as readable ``key: value`` lines, a blank line between records."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO, Final, TextIO

import msgspec

from producers.files.extraction.encoding import text_of
from producers.files.extraction.protocol import Content, RefusedFile, whole

_LINE_CHARS: Final = 8 * 2**20
_SNIFF_CHARS: Final = 1 << 14

csv.field_size_limit(_LINE_CHARS)


def extract_json(file: BinaryIO) -> Content:
    """Raises RefusedFile ``broken`` where it does not parse; an empty file is an empty text."""
    raw = whole(file)
    if not raw.strip():
        return Content(iter(()))
    try:
        value = msgspec.json.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedFile("broken", f"not JSON: {error}") from error
    title = value.get("title") if isinstance(value, dict) else None
    return Content(_lines(value), title[:200] if isinstance(title, str) else "")


def extract_json_lines(file: BinaryIO) -> Content:
    """A line that does not parse is kept as it stands, so that it spoils nothing."""
    return Content(_rows(text_of(file)))


def extract_csv(file: BinaryIO) -> Content:
    """The first row names the columns. Raises RefusedFile ``broken`` for a field above 8 million characters."""
    text = text_of(file)
    text.reconfigure(newline="")
    return Content(_table(text))


def _rows(text: TextIO) -> Iterator[str]:
    while line := text.readline(_LINE_CHARS):
        if len(line) >= _LINE_CHARS:
            raise RefusedFile("broken", f"a line of more than {_LINE_CHARS} characters")
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            yield line.rstrip("\n") + "\n\n"
        else:
            yield "".join(_lines(value)) + "\n"


def _table(text: TextIO) -> Iterator[str]:
    sample = text.read(_SNIFF_CHARS)
    text.seek(0)
    dialect: type[csv.Dialect]
    try:
        dialect = csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if "\t" in sample else csv.excel
    rows = csv.reader(text, dialect)
    try:
        names = [name.strip() for name in next(rows, [])]
        yield ", ".join(names) + "\n\n"
        for row in rows:
            named = zip_longest(names[: len(row)], row, fillvalue="")
            lines = [f"{name}: {field.strip()}\n" for name, field in named if field.strip()]
            if lines:
                yield "".join(lines) + "\n"
    except csv.Error as error:
        raise RefusedFile("broken", f"not CSV: {error}") from error


def _lines(value: object) -> Iterator[str]:
    """Depth first without recursion: the nesting is the file's choice."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend((f"{name}.{key}" if name else str(key), item[key]) for key in reversed(list(item)))
        elif isinstance(item, list):
            if all(not isinstance(entry, dict | list) for entry in item):
                item = ", ".join(_scalar(entry) for entry in item)
                yield f"{name}: {item}\n" if name else f"{item}\n"
            else:
                waiting.extend((name, entry) for entry in reversed(item))
        elif item is not None:
            yield f"{name}: {_scalar(item)}\n" if name else f"{_scalar(item)}\n"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
