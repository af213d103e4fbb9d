"""Real text at scale: the sentences of the docstrings that this Python and its packages carry, and their vectors."""

from __future__ import annotations

import ast
import hashlib
import re
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from freshet.embedding import Embedder, load_embedder

_SENTENCE = re.compile(r"\n\s*\n|(?<=[.!?])\s+")
_SHORTEST, _LONGEST = 24, 160
_BATCH = 64


def sentences(count: int) -> list[str]:
    """That many distinct sentences, the standard library's first; fewer where there are not enough."""
    found: dict[str, None] = {}
    paths = sysconfig.get_paths()
    for root in (paths["stdlib"], paths["purelib"]):
        for file in sorted(Path(root).rglob("*.py")):
            if root == paths["stdlib"] and "site-packages" in file.parts:
                continue
            for docstring in _docstrings(file):
                for sentence in _SENTENCE.split(docstring):
                    text = " ".join(sentence.split())
                    if _SHORTEST <= len(text) <= _LONGEST and text.isprintable():
                        found.setdefault(text)
            if len(found) >= count:
                return list(found)[:count]
    return list(found)


def embedded(texts: list[str], embedder: Embedder | None = None) -> NDArray[np.float32]:
    """Shape (len(texts), dimension). Kept in the temporary folder, as 50,000 take minutes."""
    model = embedder or load_embedder()
    name = hashlib.sha256("\0".join([model.revision, *texts]).encode()).hexdigest()[:16]
    file = Path(tempfile.gettempdir()) / f"freshet-vectors-{name}.npy"
    if file.exists():
        kept: NDArray[np.float32] = np.load(file)
        return kept
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    vectors = np.empty((len(texts), model.dimension), np.float32)
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        vectors[places] = model.embed([texts[place] for place in places])
    np.save(file, vectors)
    return vectors


def _docstrings(file: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring
