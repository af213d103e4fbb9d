"""Where a model's files are: a local folder, or one fetched from the Hugging Face hub."""

from __future__ import annotations

import importlib
from pathlib import Path

from freshet.embedding.settings import PACKAGED_MODEL, ModelSettings
from freshet.errors import UsageError

_PATTERNS = ["*.json", "*/config.json", "onnx/model.onnx", "onnx/model.onnx_data", "*.safetensors", "*/*.safetensors"]
_CHOICES = (
    f"Use {PACKAGED_MODEL}, which needs no network; the path of a folder in sentence-transformers' layout; "
    "or the name of a model on the Hugging Face hub, with network access"
)


def find_model(settings: ModelSettings) -> Path:
    """The folder of the model called ``settings.name``. Blocks for the download of one that is not there yet.

    Raises UsageError, with what can be named instead, for a model that cannot be had.
    """
    local = Path(settings.name).expanduser()
    if local.is_dir():
        return local
    if settings.name.startswith((".", "/", "~")) or settings.name.count("/") > 1:
        raise UsageError(f"There is no model {settings.name!r}", "no such folder", _CHOICES)
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise UsageError(
            f"There is no model {settings.name!r}", "no such folder here, and no hub client", _CHOICES
        ) from error
    try:
        return Path(
            hub.snapshot_download(settings.name, allow_patterns=_PATTERNS, cache_dir=settings.cache_dir / "hub")
        )
    except Exception as error:  # the client raises its own, httpx's and OSError
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"There is no model {settings.name!r}", reason[0], _CHOICES) from error
