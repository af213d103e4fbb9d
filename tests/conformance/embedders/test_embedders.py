"""What every engine must keep to, whichever it is."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from freshet.chunking import Chunker
from freshet.embedding import ModelEmbedder, ModelSettings, load_embedder
from freshet.embedding.cache import CachedEmbedder, VectorCache
from freshet.embedding.protocol import Embedder
from freshet.errors import RejectedRecord

from .exported import export_folder

TEXTS = [
    "The ferry to the island leaves at noon.",
    "Boats to the isle depart at twelve o'clock.",
    "Quarterly profit fell by a third.",
    "",
    "\0",
    "日本語のテキスト 🎉",
    "x" * 5_000,
    "word " * 200,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_folder(tmp_path_factory.mktemp("models") / "exported")


@pytest.fixture(scope="module", params=["int8", "fp32", "folder", "cached"])
def embedder(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    if request.param == "folder":
        return load_embedder(ModelSettings(name=str(folder)))
    if request.param == "fp32":
        return load_embedder(ModelSettings(precision="fp32"))
    loaded = load_embedder()
    if request.param == "cached":
        path = tmp_path_factory.mktemp("cache") / "vectors.db"
        return CachedEmbedder(loaded, VectorCache(path, loaded.model, loaded.revision, loaded.dimension))
    return loaded


def test_it_says_what_it_is(embedder: Embedder) -> None:
    assert embedder.dimension == 384
    assert embedder.max_tokens == 256
    assert embedder.revision.isalnum()
    assert 6 <= len(embedder.revision) <= 16
    assert embedder.model


def test_rows_are_unit_vectors(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_nothing_in_nothing_out(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_meaning_is_near(embedder: Embedder) -> None:
    ferry, boat, profit = embedder.embed(TEXTS[:3])
    assert ferry @ boat > 0.6 > 0.2 > ferry @ profit


def test_a_vector_depends_on_its_text_alone(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    alone = np.concatenate([embedder.embed([text]) for text in reversed(TEXTS)])[::-1]
    np.testing.assert_array_equal(together, alone)


def test_rows_of_token_ids_are_their_texts(embedder: Embedder) -> None:
    if isinstance(embedder, ModelEmbedder):
        rows = embedder.encode(TEXTS)
        np.testing.assert_array_equal(embedder.embed_rows(rows), embedder.embed(TEXTS))
        assert all(row.min() >= 0 and row.max() < embedder.vocabulary for row in rows)
        assert len(embedder.encode(["word " * 300])[0]) > embedder.max_tokens


def test_it_is_the_same_after_pickling(embedder: Embedder) -> None:
    copy = pickle.loads(pickle.dumps(embedder))
    assert (copy.model, copy.revision, copy.dimension) == (embedder.model, embedder.revision, embedder.dimension)
    np.testing.assert_array_equal(copy.embed(TEXTS[:2]), embedder.embed(TEXTS[:2]))


def test_threads_get_their_own_answers(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for index, row in enumerate(pool.map(lambda text: embedder.embed([text])[0], TEXTS * 5)):
            np.testing.assert_array_equal(row, expected[index % len(TEXTS)])


def test_a_text_too_long_is_refused_and_not_cut(embedder: Embedder) -> None:
    assert embedder.embed(["word " * 254]).shape == (1, 384)
    with pytest.raises(RejectedRecord) as caught:
        embedder.embed(["fine", "word " * 255])
    assert caught.value.reason == "text-too-long"


def test_what_is_not_unicode_is_refused(embedder: Embedder) -> None:
    with pytest.raises(RejectedRecord):
        embedder.embed(["a lone surrogate \ud800"])


def test_chunks_fit(embedder: Embedder) -> None:
    if isinstance(embedder, ModelEmbedder):
        chunks = Chunker.of(embedder).chunks("A sentence, and a longer one after it.\n" * 120)
        assert len(chunks) > 3
        assert embedder.embed(chunks[:3]).shape == (3, 384)


def test_revisions_differ_where_vectors_do(folder: Path, tmp_path: Path) -> None:
    other = export_folder(tmp_path / "cls", pooling="cls")
    loaded = [load_embedder(ModelSettings(name=str(path))) for path in (folder, other)]
    loaded += [load_embedder(), load_embedder(ModelSettings(precision="fp32"))]
    assert len({each.revision for each in loaded}) == 4
    assert not np.allclose(loaded[0].embed(TEXTS[:1]), loaded[1].embed(TEXTS[:1]), atol=0.01)
    np.testing.assert_allclose(loaded[0].embed(TEXTS), loaded[3].embed(TEXTS), atol=1e-5)
