from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from producers.files.extraction import Content, RefusedFile, extractor


def extract(name: str, raw: bytes) -> str:
    return "".join(content(name, raw).pieces)


def content(name: str, raw: bytes) -> Content:
    found = extractor(name)
    assert found is not None
    return found(io.BytesIO(raw))


def refusal(name: str, raw: bytes) -> str:
    with pytest.raises(RefusedFile) as refused:
        extract(name, raw)
    return refused.value.reason


@pytest.mark.parametrize("name", ["a.png", "a.zip", "a.pyc", "a.sqlite", "movie.mp4", ".hidden", "noextension", "a."])
def test_kinds_without_text_have_no_extractor(name: str) -> None:
    assert extractor(name) is None


@pytest.mark.parametrize("name", ["a.txt", "A.MD", "x.py", "README", "Makefile", "x.tar.json", "b.YAML"])
def test_kinds_with_text_have_one(name: str) -> None:
    assert extractor(name) is not None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_arrives_whatever_its_encoding(encoding: str) -> None:
    text = "Die Brücke über die Aare war früher für Fußgänger gesperrt; heute fährt dort täglich der Bus. " * 5
    assert extract("a.txt", text.encode(encoding)) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_utf8_is_never_taken_for_anything_else(text: str) -> None:
    assert extract("a.txt", text.encode()) == text


def test_a_byte_that_is_not_utf8_late_in_a_large_file_does_not_refuse_it() -> None:
    raw = b"plain words of ascii\n" * 200_000 + "Grüße aus Köln und Zürich, schöne Ferien".encode("cp1252")
    text = extract("a.log", raw)
    assert text.startswith("plain words")
    assert text.endswith("schöne Ferien")


def test_utf8_cut_within_a_character_at_the_end_is_still_text() -> None:
    assert extract("a.txt", "viel Text, dann ein halbes ü".encode()[:-1]).startswith("viel Text")


@pytest.mark.parametrize("raw", [b"\x00\x01\x02", b"text\0more", b"\x01\x02\x03\x04" * 50, os.urandom(4096) + b"\0"])
def test_bytes_that_are_no_text_are_refused_as_binary(raw: bytes) -> None:
    assert refusal("a.txt", raw) == "binary"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["a.txt", "a.md", "a.html", "a.pdf", "a.json", "a.jsonl", "a.csv"]))
def test_any_bytes_give_text_or_a_refusal(raw: bytes, name: str) -> None:
    reason = "none"
    try:
        extract(name, raw).encode("utf-8", "surrogatepass")
    except RefusedFile as refused:
        reason = refused.reason
    assert reason in {"none", "binary", "broken", "encrypted", "too-large"}


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.json", "a.jsonl", "a.csv"])
def test_an_empty_file_is_an_empty_text(name: str) -> None:
    assert extract(name, b"").strip() == ""


def test_markdown_takes_its_title_from_the_first_heading() -> None:
    assert content("a.md", b"intro\n\n## The *title* ##\n\n# Later\n").title == "The *title*"
    assert content("a.md", b"no heading").title == ""


def test_html_gives_what_a_reader_sees() -> None:
    raw = b"""<html><head><title> A  page </title><style>p{color:red}</style></head><body><script>evil()</script>
    <h1>Head</h1><p>One <b>bo</b>ld word&amp;sign</p><p>Two</p><noscript>no</noscript></body></html>"""
    assert content("a.html", raw).title == "A page"
    assert extract("a.html", raw).splitlines() == ["Head", "One bold word&sign", "Two"]


def test_html_in_its_declared_encoding() -> None:
    assert "Köln" in extract("a.htm", '<meta charset="iso-8859-1"><p>Köln'.encode("latin-1"))


def test_json_becomes_readable_lines() -> None:
    raw = json.dumps({"title": "T", "a": {"b": [1, 2], "c": [{"d": True}, {"d": None}]}, "e": "x"}).encode()
    assert extract("a.json", raw) == "title: T\na.b: 1, 2\na.c.d: true\ne: x\n"
    assert content("a.json", raw).title == "T"


@pytest.mark.parametrize("raw", [b"{", b'{"a":1,}', b"[" * 100_000, b"nope", b'{"a":"\xff"}'])
def test_json_that_does_not_parse_is_refused(raw: bytes) -> None:
    assert refusal("a.json", raw) == "broken"


def test_a_broken_line_of_json_lines_stays_as_it_is() -> None:
    assert extract("a.jsonl", b'{"a":1}\noops\n\n{"a":2}\n') == "a: 1\n\noops\n\na: 2\n\n"


def test_csv_rows_name_their_columns() -> None:
    raw = b'name;city\n"Ada; L.";London\nBob;\nCid;Rome;extra\n'
    assert (
        extract("a.csv", raw)
        == "name, city\n\nname: Ada; L.\ncity: London\n\nname: Bob\n\nname: Cid\ncity: Rome\n: extra\n\n"
    )


def test_a_broken_pdf_is_refused() -> None:
    assert refusal("a.pdf", b"%PDF-1.4 and then nothing") == "broken"
    assert refusal("a.pdf", b"") == "broken"


def test_a_pdf_with_a_password_is_refused(tmp_path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "a.pdf")
    assert refusal("a.pdf", (tmp_path / "a.pdf").read_bytes()) == "encrypted"


def test_a_pdf_gives_its_pages_and_title() -> None:
    writer = PdfWriter()
    writer.add_metadata({"/Title": "The paper"})
    for words in ("first page", "second page"):
        _add_page(writer, words)
    raw = io.BytesIO()
    writer.write(raw)
    assert content("a.pdf", raw.getvalue()).title == "The paper"
    assert extract("a.pdf", raw.getvalue()).split("\n\n") == ["first page", "second page", ""]


def _add_page(writer: PdfWriter, words: str) -> None:
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    page = writer.add_blank_page(200, 200)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 10 100 Td ({words}) Tj ET".encode())
    page[NameObject("/Contents")] = stream
