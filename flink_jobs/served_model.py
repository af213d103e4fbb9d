"""What the job must know of a model that a server runs: its name, revision and tokenizer, without its weights."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from freshet.embedding.hub import find_model
from freshet.embedding.load import ModelEmbedder
from freshet.embedding.packaged import checked_tokenizer
from freshet.embedding.settings import PACKAGED_MODEL, ModelSettings
from freshet.embedding.tokens import ModelTokens


@dataclass(frozen=True)
class ServedModel:
    """Made where the job is submitted, pickled to where it runs. The chunker's view of a model."""

    settings: ModelSettings
    revision: str
    dimension: int
    max_tokens: int
    specials: int

    @classmethod
    def of(cls, model: ModelEmbedder) -> ServedModel:
        return cls(model.settings, model.revision, model.dimension, model.max_tokens, model.specials)

    @property
    def model(self) -> str:
        return self.settings.name

    @property
    def pinned_name(self) -> str:
        """By which a Freshet server answers only while it has this very revision."""
        return f"{self.model}@{self.revision}"

    def count(self, text: str) -> int:
        """As Tokens.count. The first call in a process reads the tokenizer."""
        return _tokens(self.settings).count(text)


@functools.cache
def _tokens(settings: ModelSettings) -> ModelTokens:
    if settings.name == PACKAGED_MODEL:
        return ModelTokens(checked_tokenizer())
    return ModelTokens(find_model(settings) / "tokenizer.json")
