"""Fits the projection for ``dimensions`` to a model: ``python -m inference.fit_projection TEXTS --out FOLDER``.

TEXTS has one text a line, some thousands, of the kind that will be embedded. The file's name is the model's revision;
name its folder in FRESHET_INFERENCE_PROJECTIONS. Every server and every reader of one index needs the same file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from freshet.embedding import ModelEmbedder, load_embedder
from freshet.settings import model_settings
from inference.dimensions import PACKAGED, Matrix, fit, write

MAX_DIMENSIONS = 256


def projection(model: ModelEmbedder, texts: Iterable[str]) -> Matrix:
    """Of the texts that the model takes. Blocks for embedding them."""
    rows = [row for row in model.encode(list(texts)) if len(row) <= model.max_tokens]
    vectors = np.concatenate([model.embed_rows(rows[at : at + 64]) for at in range(0, len(rows), 64)])
    return fit(vectors, min(MAX_DIMENSIONS, model.dimension))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--out", type=Path, default=PACKAGED)
    arguments = parser.parse_args()
    model = load_embedder(model_settings())
    texts = [line for line in arguments.texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    path = write(arguments.out, model.revision, projection(model, texts))
    sys.stdout.write(f"{path}: fitted to {len(texts)} texts\n")


if __name__ == "__main__":
    main()
