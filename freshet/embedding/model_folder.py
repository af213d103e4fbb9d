"""A folder in sentence-transformers' layout: what its files say about how texts become vectors.

Layout: https://sbert.net/docs/package_reference/sentence_transformer/models.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from freshet.embedding.packaged import file_sha256
from freshet.embedding.revision import revision_of
from freshet.errors import UsageError

Pooling = Literal["mean", "cls"]

_WEIGHTS = ("onnx/model.onnx", "model.onnx", "model.safetensors", "pytorch_model.bin")
_CONFIGS = ("tokenizer.json", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json")


@dataclass(frozen=True)
class ModelFolder:
    """Read once. Attributes are as the files say; nothing is guessed where a wrong guess would change vectors."""

    path: Path
    onnx: Path | None
    """The model's own export, when it ships one."""
    tokenizer: Path
    pooling: Pooling | None
    """None for a mode or a further module that only sentence-transformers itself can run."""
    max_tokens: int
    lower_case: bool

    def revision(self, engine: str) -> str:
        """The short word for these files run by ``engine``. Blocks for reading all the weights."""
        files = [self.path / name for name in (*_WEIGHTS, *_CONFIGS)]
        files += sorted(self.path.glob("onnx/*.onnx_data")) + sorted(self.path.glob("*/model.safetensors"))
        digests = [f"{file.relative_to(self.path)}={file_sha256(file)}" for file in files if file.is_file()]
        return revision_of(engine, str(self.max_tokens), *digests)


def read_model_folder(path: Path) -> ModelFolder:
    """Raises UsageError when ``path`` is not such a folder."""
    tokenizer = path / "tokenizer.json"
    if not tokenizer.is_file():
        remedy = "Name a folder in sentence-transformers' layout that has a fast tokenizer"
        raise UsageError(f"{path} is not a model that can be loaded", "it has no tokenizer.json", remedy)
    exports = [path / name for name in ("onnx/model.onnx", "model.onnx") if (path / name).is_file()]
    transformer = _json(path / "sentence_bert_config.json") or {}
    return ModelFolder(
        path=path,
        onnx=exports[0] if exports else None,
        tokenizer=tokenizer,
        pooling=_pooling(path),
        max_tokens=_max_tokens(path, transformer),
        lower_case=bool(transformer.get("do_lower_case")),
    )


def _pooling(path: Path) -> Pooling | None:
    modules = _json(path / "modules.json")
    if not modules:
        return None
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or set(kinds[2:]) > {"Normalize"}:
        return None
    config = _json(path / str(modules[1].get("path", "1_Pooling")) / "config.json") or {}
    modes = {name for name, chosen in config.items() if name.startswith("pooling_mode") and chosen is True}
    named = config.get("pooling_mode")
    if modes == {"pooling_mode_mean_tokens"} or named == "mean":
        return "mean"
    if modes == {"pooling_mode_cls_token"} or named == "cls":
        return "cls"
    return None


def _max_tokens(path: Path, transformer: dict[str, Any]) -> int:
    limits = [
        transformer.get("max_seq_length"),
        (_json(path / "tokenizer_config.json") or {}).get("model_max_length"),
        (_json(path / "config.json") or {}).get("max_position_embeddings"),
    ]
    for limit in limits:
        # Tokenizers without a limit say 10^30.
        if isinstance(limit, (int, float)) and 0 < limit < 1_000_000:
            return int(limit)
    remedy = "Add max_seq_length to its sentence_bert_config.json"
    raise UsageError(f"{path} does not say how long a text may be", "no max_seq_length or the like", remedy)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read {path}", str(error), "Fetch the model again") from error
