from __future__ import annotations

import logging
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from freshet.embedding.cache import CachedEmbedder, VectorCache
from freshet.ids import content_hash


def key(number: int) -> bytes:
    return content_hash(f"text {number}")


def vector(number: int) -> NDArray[np.float32]:
    return np.random.default_rng(number).standard_normal(8, dtype=np.float32)


def open_cache(path: Path, revision: str = "r1", max_bytes: int = 1 << 30) -> VectorCache:
    return VectorCache(path / "vectors.db", "model", revision, 8, max_bytes)


def test_what_was_put_comes_back_in_another_process_life(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.put_many({key(number): vector(number) for number in range(1_200)})
    cache.close()
    found = open_cache(tmp_path).get_many([key(number) for number in range(1_300)])
    assert len(found) == 1_200
    np.testing.assert_array_equal(found[key(7)], vector(7))
    assert found[key(7)].dtype == np.float32


def test_what_was_put_is_there_at_once(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    mine = vector(1)
    cache.put_many({key(1): mine})
    np.testing.assert_array_equal(cache.get_many([key(1)])[key(1)], mine)


def test_another_revision_finds_nothing(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.put_many({key(1): vector(1)})
    cache.flush()
    assert open_cache(tmp_path, revision="r2").get_many([key(1)]) == {}
    assert VectorCache(tmp_path / "vectors.db", "other", "r1", 8).get_many([key(1)]) == {}


def test_the_oldest_go_first_and_the_size_is_bounded(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "vectors.db", "model", "r1", 384, 2 << 20)
    for start in range(0, 4_000, 200):
        numbers = range(start, start + 200)
        cache.put_many({key(number): np.full(384, number, np.float32) for number in numbers})
        cache.flush()
    cache.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 3 << 20
    cache = VectorCache(tmp_path / "vectors.db", "model", "r1", 384, 2 << 20)
    kept = sorted(int(found[0]) for found in cache.get_many([key(number) for number in range(4_000)]).values())
    assert len(kept) > 800
    assert kept == list(range(4_000 - len(kept), 4_000))


def test_a_damaged_vector_is_a_miss(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.put_many({key(number): vector(number) for number in range(3)})
    cache.close()
    with sqlite3.connect(tmp_path / "vectors.db") as file:
        first, second, _ = (row[0] for row in file.execute("SELECT key FROM vectors ORDER BY age"))
        file.execute("UPDATE vectors SET sealed = zeroblob(40) WHERE key = ?", (first,))
        file.execute("UPDATE vectors SET sealed = x'00' WHERE key = ?", (second,))
    file.close()
    assert set(open_cache(tmp_path).get_many([key(0), key(1), key(2)])) == {key(2)}


def test_a_file_that_is_no_database_is_given_up_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "vectors.db").write_bytes(b"not a database" * 500)
    cache = open_cache(tmp_path)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            assert cache.get_many([key(number)]) == {}
            cache.put_many({key(number): vector(number)})
            cache.flush()
        cache.close()
    assert len(caplog.records) == 1


def test_a_folder_that_cannot_be_made_is_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "vectors.db", "model", "r1", 8)
    cache.put_many({key(1): vector(1)})
    cache.flush()
    assert cache.get_many([key(1)]) == {}
    assert len(caplog.records) == 1


def test_a_full_disk_is_given_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("freshet.embedding.vector_table.VectorTable.put", full)
    cache = open_cache(tmp_path)
    cache.put_many({key(1): vector(1)})
    cache.flush()
    cache.put_many({key(2): vector(2)})
    cache.close()
    assert len(caplog.records) == 1


def test_threads_share_it(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    wrong: list[int] = []

    def work(offset: int) -> None:
        for number in range(offset, offset + 150):
            cache.put_many({key(number % 200): vector(number % 200)})
            for name, found in cache.get_many([key(number % 200)]).items():
                if name != key(number % 200) or not np.array_equal(found, vector(number % 200)):
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.flush()
    assert not wrong
    assert len(open_cache(tmp_path).get_many([key(number) for number in range(200)])) == 200


FILL = """
import sys
import numpy as np
from freshet.embedding.cache import VectorCache
from freshet.ids import content_hash
cache = VectorCache(sys.argv[1], "model", "r1", 8)
for number in range(int(sys.argv[2]), 10**9):
    vector = np.random.default_rng(number).standard_normal(8, dtype=np.float32)
    cache.put_many({content_hash(f"text {number}"): vector})
    cache.flush()
"""


def test_a_killed_process_leaves_a_sound_file(tmp_path: Path) -> None:
    starts = (0, 10**7)
    path = str(tmp_path / "vectors.db")
    writers = [subprocess.Popen([sys.executable, "-c", FILL, path, str(start)]) for start in starts]
    keys = {key(number): number for start in starts for number in range(start, start + 400)}
    reader = open_cache(tmp_path)
    deadline = time.monotonic() + 20
    while len(reader.get_many(list(keys))) < 100 and time.monotonic() < deadline:
        time.sleep(0.02)
    for writer in writers:
        writer.kill()
        writer.wait()
    found = open_cache(tmp_path).get_many(list(keys))
    assert len(found) >= 100
    assert all(np.array_equal(each, vector(keys[name])) for name, each in found.items())


class Counting:
    model, revision, dimension, max_tokens = "model", "r1", 8, 256

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return np.array([vector(len(text)) for text in texts], np.float32).reshape(len(texts), 8)


def test_equal_texts_are_embedded_once(tmp_path: Path) -> None:
    inner = Counting()
    embedder = CachedEmbedder(inner, open_cache(tmp_path))
    first = embedder.embed(["a", "bb", "a"])
    assert inner.texts == ["a", "bb"]
    assert (embedder.hits, embedder.misses) == (1, 2)
    second = embedder.embed(["bb", "ccc"])
    assert inner.texts == ["a", "bb", "ccc"]
    assert (embedder.hits, embedder.misses) == (2, 3)
    np.testing.assert_array_equal(first[1], second[0])
    assert embedder.embed([]).shape == (0, 8)
    second[0, 0] = 99


def test_it_pickles_as_its_arguments(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.put_many({key(1): vector(1)})
    cache.flush()
    assert key(1) in pickle.loads(pickle.dumps(cache)).get_many([key(1)])
