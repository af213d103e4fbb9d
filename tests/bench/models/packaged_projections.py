"""Fits the projections in the package anew: ``python -m tests.bench.models.packaged_projections``. Two minutes."""

from __future__ import annotations

from freshet.embedding import ModelSettings, load_embedder
from freshet.embedding.settings import Precision
from inference.dimensions import PACKAGED, write
from inference.fit_projection import projection
from tests.bench.models.corpus import docstrings, retrieval_set
from tests.bench.models.measure import PAIRS

TEXTS = 2_500
CHARACTERS = 400


def main() -> None:
    model = load_embedder()
    # Never those that the bench asks about.
    asked = set(retrieval_set(model, PAIRS)[0])
    texts = [text[:CHARACTERS] for text in docstrings(100_000, seed=2) if text.partition("\n")[0] not in asked][:TEXTS]
    precisions: tuple[Precision, ...] = ("int8", "fp32")
    for precision in precisions:
        model = load_embedder(ModelSettings(precision=precision))
        print(write(PACKAGED, model.revision, projection(model, texts)))


if __name__ == "__main__":
    main()
