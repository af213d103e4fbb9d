"""What the API answers, as OpenAI's does."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from inference.body import Encoding

_encoder = msgspec.json.Encoder()


def embeddings_answer(
    vectors: NDArray[np.float32], encoding: Encoding, model: str, tokens: int, headers: Mapping[str, str]
) -> Response:
    """``vectors`` (n, dimensions), one object each; base64 is of little-endian float32."""
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, encoding)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json_response({"object": "list", "data": data, "model": model, "usage": usage}, headers=headers)


def model_object(name: str, created: int) -> dict[str, object]:
    return {"id": name, "object": "model", "created": created, "owned_by": "freshet"}


def json_response(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_encoder.encode(answer), status, headers, media_type="application/json")


def _encoded(vector: NDArray[np.float32], encoding: Encoding) -> object:
    if encoding == "base64":
        return base64.b64encode(np.ascontiguousarray(vector, "<f4").tobytes()).decode()
    return vector.tolist()
