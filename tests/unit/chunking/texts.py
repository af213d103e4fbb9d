"""Realistic documents from the standard library, and the edits made to them."""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_MODULES = ("argparse", "ast", "asyncio/events", "calendar", "collections/__init__", "configparser", "ctypes/__init__")
_MORE = ("dataclasses", "datetime", "decimal", "_pydecimal", "difflib", "doctest", "email/message", "enum", "fractions")
_REST = ("inspect", "ipaddress", "logging/__init__", "optparse", "pathlib", "pdb", "pickle", "random", "statistics")
_LAST = ("string", "subprocess", "tarfile", "tempfile", "textwrap", "threading", "typing", "turtle", "unittest/case")


@lru_cache
def sources() -> list[str]:
    """Source texts of some well documented modules; some 2 MB."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = (folder / f"{name}.py" for name in _MODULES + _MORE + _REST + _LAST)
    return [file.read_text(encoding="utf-8") for file in files if file.is_file()]


@lru_cache
def docstrings() -> list[str]:
    """Their docstrings of some length, in order."""
    return [text for source in sources() for text in _docstrings(source) if len(text) > 150]


def _docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield text


def paragraphs(rng: random.Random, kind: str, characters: int) -> list[str]:
    """Paragraphs of a document of about that length: "wrapped" or "unwrapped" prose, or "source" code."""
    texts = list(sources() if kind == "source" else docstrings())
    rng.shuffle(texts)
    found: list[str] = []
    for text in texts:
        for paragraph in text.split("\n\n"):
            if paragraph.strip():
                found.append(" ".join(paragraph.split()) if kind == "unwrapped" else paragraph.strip("\n"))
                characters -= len(found[-1])
            if characters < 0:
                return found
    return found


def edited(rng: random.Random, document: list[str]) -> list[str]:
    """A copy with one paragraph inserted, deleted, replaced, or one of its words changed."""
    copy = list(document)
    place = rng.randrange(len(copy))
    other = rng.choice(docstrings()).split("\n\n")[0]
    edit = rng.choice(("insert", "delete", "replace", "word"))
    if edit == "insert":
        copy.insert(place, other)
    elif edit == "delete":
        del copy[place]
    elif edit == "replace":
        copy[place] = other
    else:
        words = copy[place].split(" ")
        words[rng.randrange(len(words))] = f"edited{rng.randrange(10**6)}"
        copy[place] = " ".join(words)
    return copy
