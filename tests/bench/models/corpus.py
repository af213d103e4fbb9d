"""Real text: docstrings of Python's standard library, each cut into a question and what answers it."""

from __future__ import annotations

import ast
import random
import sysconfig
from functools import cache
from pathlib import Path

from freshet.embedding import ModelEmbedder

_PACKAGES = (
    "asyncio", "concurrent/futures", "email", "html", "http", "importlib", "json", "logging", "multiprocessing",
    "sqlite3", "tkinter", "tomllib", "unittest", "urllib", "xml/*", "zoneinfo",
)  # fmt: skip


def docstrings(limit: int, seed: int = 1) -> list[str]:
    """Different ones of at least 80 characters, in an order that depends on ``seed`` alone."""
    texts = list(_all())
    random.Random(seed).shuffle(texts)
    return texts[:limit]


@cache
def _all() -> tuple[str, ...]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    found: dict[str, None] = {}
    for path in sorted([*folder.glob("*.py"), *(file for name in _PACKAGES for file in folder.glob(f"{name}/*.py"))]):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError, ValueError):
            continue
        nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
        found |= dict.fromkeys(text for text in map(ast.get_docstring, nodes) if text and len(text) >= 80)
    return tuple(sorted(found))


def retrieval_set(model: ModelEmbedder, limit: int) -> tuple[list[str], list[str]]:
    """``limit`` pairs: the first line of a docstring as the query, the rest, which the model takes, as the document."""
    queries, documents = [], []
    for text in docstrings(100_000):
        first, _, rest = text.partition("\n")
        rest = rest.strip()
        if len(first) >= 20 and len(rest) >= 80 and len(model.encode([rest])[0]) <= model.max_tokens:
            queries.append(first)
            documents.append(rest)
            if len(queries) == limit:
                break
    return queries, documents
