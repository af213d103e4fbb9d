"""Good requests: vectors, tokens, cache, dimensions, health."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from freshet.errors import UsageError
from inference.dimensions import Reducer, fit, write
from tests.unit.inference.conftest import Serve, Served
from tests.unit.inference.double import DIMENSION, HashModel


def vectors(answer: httpx.Response) -> NDArray[Any]:
    assert answer.status_code == 200, answer.text
    return np.array([item["embedding"] for item in answer.json()["data"]])


def test_a_text_and_a_list_of_one_are_the_same(served: Served) -> None:
    np.testing.assert_array_equal(vectors(served.embed("a b")), vectors(served.embed(["a b"])))


def test_texts_keep_their_order_across_batches(serve: Serve) -> None:
    served = serve(batch_tokens=4, instances=3)
    texts = [f"w{number} " * (1 + number % 7) for number in range(200)]
    together = vectors(served.embed(texts))
    expected = served.model.embed_rows(served.model.encode(texts))
    np.testing.assert_allclose(together, expected, atol=1e-6)


def test_base64_is_little_endian_float32(served: Served) -> None:
    raw = served.embed("a b", encoding_format="base64").json()["data"][0]["embedding"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(raw), "<f4"), vectors(served.embed("a b"))[0], atol=1e-7)


def test_usage_counts_the_tokens_that_the_model_sees(served: Served) -> None:
    assert served.embed(["a b", "c"]).json()["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_further_fields_of_the_client_are_ignored(served: Served) -> None:
    assert served.embed("a", user="u-1", extra={"b": []}).status_code == 200


def test_the_revision_is_told(served: Served) -> None:
    assert served.embed("a").headers["freshet-revision"] == "r1"


def test_the_cache_survives_a_restart_and_never_serves_another_revision(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "vectors.sqlite"
    first = serve(cache=file)
    made = vectors(first.embed(["a b", "c d"]))
    first.service.stop()
    again = serve(cache=file)
    answer = again.embed(["a b", "c d", "new"])
    assert answer.headers["freshet-cache-hits"] == "2/3"
    np.testing.assert_array_equal(vectors(answer)[:2], made)
    assert len(again.model.computed) == 1
    again.service.stop()
    other = serve(HashModel("r2"), cache=file)
    assert other.embed(["a b", "c d"]).headers["freshet-cache-hits"] == "0/2"
    assert len(other.model.computed) == 2


def test_the_cache_knows_a_text_as_the_model_does(serve: Serve, tmp_path: Path) -> None:
    """What differs only in what the tokenizer drops is one text, also when it comes as token ids."""
    served = serve(cache=tmp_path / "vectors.sqlite")
    served.embed("a  b")
    ids = served.model.encode(["A b"])[0].tolist()
    assert served.embed(["a b", "A B\n"]).headers["freshet-cache-hits"] == "2/2"
    assert served.embed(ids).headers["freshet-cache-hits"] == "1/1"
    assert len(served.model.computed) == 1


def test_a_cut_vector_is_cut_and_renormalised(serve: Serve) -> None:
    served = serve(reduction="cut")
    full = vectors(served.embed("a b"))[0]
    answer = served.embed("a b", dimensions=3)
    np.testing.assert_allclose(vectors(answer)[0], full[:3] / np.linalg.norm(full[:3]), atol=1e-6)
    assert answer.headers["freshet-reduction"] == "cut"
    assert vectors(served.embed("a b", dimensions=DIMENSION)).shape == (1, DIMENSION)


def test_a_fitted_projection_is_the_revisions_own(serve: Serve, tmp_path: Path) -> None:
    write(tmp_path / "fitted", "r1", np.eye(DIMENSION, 4, dtype=np.float32))
    served = serve(projections=tmp_path / "fitted")
    answer = served.embed("a b", dimensions=2)
    assert vectors(answer).shape == (1, 2)
    assert answer.headers["freshet-reduction"].startswith("pca-")
    assert served.error("a b", dimensions=5) == (400, "invalid_dimensions", "dimensions")
    other = serve(HashModel("r2"), projections=tmp_path / "fitted")
    assert other.error("a b", dimensions=2) == (400, "invalid_dimensions", "dimensions")


def test_a_damaged_projection_refuses_to_start(tmp_path: Path) -> None:
    (tmp_path / "r1.npy").write_bytes(b"not numpy")
    with pytest.raises(UsageError, match="Cannot read"):
        Reducer(DIMENSION, "r1", "pca", tmp_path)
    write(tmp_path, "r1", np.eye(4, dtype=np.float32))
    with pytest.raises(UsageError, match="no projection"):
        Reducer(DIMENSION, "r1", "pca", tmp_path)


def test_a_fit_finds_the_directions_that_the_vectors_have() -> None:
    random = np.random.default_rng(1)
    plane = np.linalg.qr(random.standard_normal((16, 2)))[0]
    points = (random.standard_normal((200, 2)) @ plane.T).astype(np.float32)
    matrix = fit(points, 4)
    np.testing.assert_allclose(points @ matrix[:, :2] @ matrix[:, :2].T, points, atol=1e-5)
    np.testing.assert_array_equal(matrix, fit(points, 4))


def test_health_and_models(served: Served) -> None:
    assert served.client.get("/healthz").json() == {"status": "alive"}
    assert served.client.get("/readyz").json() == {"status": "ready"}
    listed = served.client.get("/v1/models").json()["data"]
    assert [(model["id"], model["object"]) for model in listed] == [("double", "model")]
    assert "/v1/embeddings" in served.client.get("/openapi.json").json()["paths"]
