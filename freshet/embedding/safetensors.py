"""Reads the safetensors format: 8 bytes of header length, a JSON header, then the raw tensors.

Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshet.errors import UsageError

_DTYPES = {"F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor by name, read-only views on one mapping of the file.

    Raises UsageError when the file is not safetensors or holds a type other than F32, F16, I64 and I32.
    """
    raw = np.memmap(path, dtype=np.uint8, mode="r")
    try:
        start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
        header: dict[str, dict[str, Any]] = json.loads(raw[8:start].tobytes())
        header.pop("__metadata__", None)
        tensors: dict[str, NDArray[Any]] = {}
        for name, entry in header.items():
            first, end = entry["data_offsets"]
            tensors[name] = raw[start + first : start + end].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"Cannot read the weights {path}", f"{type(error).__name__}: {error}") from error
    return tensors
