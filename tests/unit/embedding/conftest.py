from __future__ import annotations

import pytest

from freshet.embedding import ModelEmbedder, ModelSettings, load_embedder


@pytest.fixture(scope="session")
def int8() -> ModelEmbedder:
    return load_embedder()


@pytest.fixture(scope="session")
def fp32() -> ModelEmbedder:
    return load_embedder(ModelSettings(precision="fp32"))
