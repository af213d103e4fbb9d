"""Whether the vectors are right: fp32 against a plain forward pass, int8 against fp32."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from freshet.embedding import ModelEmbedder
from freshet.embedding.packaged import checked_tokenizer, checked_weights
from freshet.embedding.safetensors import read_tensors
from freshet.embedding.tokens import ModelTokens

from .plain_bert import plain_bert

_MODULES = (
    "argparse",
    "calendar",
    "csv",
    "difflib",
    "heapq",
    "json/__init__",
    "shutil",
    "socket",
    "statistics",
    "typing",
)


def sample() -> list[str]:
    """Docstrings of the standard library, of 3 to some 200 words."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    texts: list[str] = []
    for name in _MODULES:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        nodes = (node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
        found = [text[:500] for text in (ast.get_docstring(node) for node in nodes) if text and len(text) > 20]
        texts += found[:16]
    return texts


@pytest.mark.parametrize(
    "text", ["A cat.", "The mat was sat upon, quite often, by a cat and its friends.", sample()[0]]
)
def test_fp32_is_the_models_own_forward_pass(fp32: ModelEmbedder, text: str) -> None:
    ids = ModelTokens(checked_tokenizer()).encode([text], 256)[0].tolist()
    expected = plain_bert(read_tensors(checked_weights()), ids)
    np.testing.assert_allclose(fp32.embed([text])[0], expected, atol=1e-5)


def test_int8_keeps_close_to_fp32(int8: ModelEmbedder, fp32: ModelEmbedder) -> None:
    texts = sample()
    assert len(texts) > 100
    small, full = int8.embed(texts), fp32.embed(texts)
    cosines = (small * full).sum(axis=1)
    assert cosines.min() >= 0.985
    assert np.mean(cosines) >= 0.992


def test_int8_finds_the_same_neighbours(int8: ModelEmbedder, fp32: ModelEmbedder) -> None:
    texts = sample()
    small, full = int8.embed(texts), fp32.embed(texts)
    order_small, order_full = ((np.argsort(-(each @ each.T), axis=1)[:, 1:11]) for each in (small, full))
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(order_small, order_full, strict=True)]
    assert np.mean(shared) >= 0.9
