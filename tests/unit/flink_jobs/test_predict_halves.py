"""The two halves around the model on a server: together they do what the job with the model in it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from flink_jobs.assembly import Assembly
from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Ingestion
from flink_jobs.intake import MAX_FAILURES_IN_A_ROW, Dead, Embedded, Intake
from flink_jobs.preparation import MAX_FINISHED_BYTES, NOTHING, Preparation, Prepared
from freshet.chunking import Chunker
from freshet.codec import decode_embedding
from freshet.ids import content_hash
from tests.unit.embedder_double import HashEmbedder

NOW = 1_700_000_000_000_000_000
LONG = "\n\n".join(f"Paragraph {number} speaks of matter number {number} at some length." * 3 for number in range(20))

Answer = tuple[Sequence[float] | None, str | None, int | None]


class Kept:
    """A cache in memory."""

    def __init__(self) -> None:
        self.vectors: dict[bytes, NDArray[np.float32]] = {}

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        return {key: self.vectors[key] for key in keys if key in self.vectors}

    def put_many(self, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        self.vectors.update(vectors)


class Route:
    """Both halves, with a server between that answers as the model would, or as ``failures`` says by word."""

    def __init__(self, retries: int = 4) -> None:
        self.model = HashEmbedder()
        self.cache = Kept()
        guard = VersionGuard()
        intake = Intake("double", "r1", Chunker(self.model, capacity=50, overlap=5), guard)
        self.preparation = Preparation(intake, self.cache)
        self.assembly = Assembly(guard, self.cache, self.model.dimension, retries, clock=lambda: NOW)
        self.failures: dict[str, Answer] = {}
        self.rows: list[Prepared] = []
        self._offset = 0

    def __call__(self, payload: bytes, key: bytes | None = b"a") -> list[Embedded | Dead]:
        self._offset += 1
        self.rows = list(self.preparation.process(key, payload))
        return [out for row in self.rows for out in self._assembled(row)]

    def _assembled(self, row: Prepared) -> Iterator[Embedded | Dead]:
        answer = next((said for word, said in self.failures.items() if word in row.text), None)
        vector, error, status = answer or (self.model.embed((row.text,))[0].tolist(), None, None)
        place = (0, self._offset)
        yield from self.assembly.process(place, row.text, row.finished, row.record, row.dead, vector, error, status)


def value(**fields: object) -> bytes:
    return json.dumps({"id": "a", "op": "upsert", "version": 1, **fields}).encode()


@pytest.mark.parametrize(
    "payload",
    [
        value(text="hello world", metadata={"k": [1]}, tenant="t", source="s"),
        value(text=LONG, part=2, last=False),
        value(text=""),
        value(op="delete", version=7),
        b"no json",
        value(text=None),
    ],
)
def test_what_comes_out_is_what_the_model_in_the_job_would_give(payload: bytes) -> None:
    model = HashEmbedder()
    inside = Ingestion(model, Chunker(model, capacity=50, overlap=5), VersionGuard(), clock=lambda: NOW)
    assert Route()(payload) == list(inside.process(b"a", payload))


def test_a_chunk_that_the_cache_knows_goes_along_without_a_request_of_its_own() -> None:
    route = Route()
    first = route(value(text=LONG))
    assert len(route.rows) == len(first) > 3
    assert len(route(value(text=LONG, version=2))) == len(first)
    assert [row.text for row in route.rows] == [NOTHING]
    changed = LONG.replace("matter number 7", "the matter of olives")
    assert len(route(value(text=changed, version=3))) == len(first)
    assert len([row for row in route.rows if row.record]) <= 2
    assert len(route.rows) <= 3


def test_no_row_carries_much_more_than_its_bound() -> None:
    route = Route()
    text = "\n\n".join(f"Paragraph {number} " + "speaks of it at great length. " * 8 for number in range(1500))
    first = route(value(text=text[:200_000]))
    assert len(route(value(text=text[:200_000], version=2))) == len(first)
    assert max(sum(map(len, row.finished)) for row in route.rows) < MAX_FINISHED_BYTES + 10_000


@pytest.mark.parametrize(
    ("status", "reason", "attempts"),
    [
        (None, "model-unavailable", 5),
        (429, "model-overloaded", 5),
        (504, "model-timeout", 5),
        (408, "model-timeout", 5),
        (500, "model-failed", 5),
        (400, "model-refused", 1),
        (404, "model-refused", 1),
    ],
)
def test_a_failed_request_is_a_dead_letter_with_its_reason(status: int | None, reason: str, attempts: int) -> None:
    route = Route()
    route.failures["bad"] = (None, "what the client said", status)
    assert route(value(text="a bad text")) == [Dead(reason, "what the client said", attempts)]
    assert len(route(value(text="a good one", version=2))) == 1


def test_of_a_document_with_several_failed_chunks_there_is_one_dead_letter_and_nothing_behind_it() -> None:
    route = Route()
    route.failures["number 4"] = route.failures["number 9"] = (None, "no", 500)
    made = route(value(text=LONG))
    assert [type(one) for one in made].count(Dead) == 1
    assert isinstance(made[-1], Dead)


def test_a_version_that_failed_stops_no_older_one_and_one_that_passed_does() -> None:
    route = Route()
    route.failures["bad"] = (None, "no", 500)
    route(value(text="a bad text", version=5))
    assert len(route(value(text="older", version=4))) == 1
    assert route(value(text="oldest", version=3)) == []


def test_what_needs_no_vector_passes_while_the_server_is_away() -> None:
    route = Route()
    route(value(text="known"))
    route.failures[NOTHING] = (None, "away", None)
    (deleted,) = route(value(op="delete", version=2))
    (known,) = route(value(text="known", version=3))
    assert [decode_embedding(one.value).op for one in (deleted, known) if isinstance(one, Embedded)] == [
        "delete",
        "upsert",
    ]


@pytest.mark.parametrize("vector", [[0.0] * 8, [float("nan")] * 8, [1.0] * 7, [float("inf"), *[0.0] * 7]])
def test_a_vector_that_is_none_is_a_dead_letter(vector: list[float]) -> None:
    route = Route()
    route.failures["odd"] = (vector, None, None)
    (made,) = route(value(text="odd"))
    assert isinstance(made, Dead)
    assert (made.reason, made.attempts) == ("bad-vector", 1)
    assert content_hash("odd") not in route.cache.vectors


def test_a_vector_that_is_not_of_length_one_is_made_so() -> None:
    route = Route()
    route.failures["long"] = ([3.0, 4.0, *[0.0] * 6], None, None)
    (made,) = route(value(text="long"))
    assert isinstance(made, Embedded)
    vector = np.frombuffer(decode_embedding(made.value).vector, "<f4")
    np.testing.assert_allclose(vector[:2], [0.6, 0.8], atol=1e-6)


def test_unforeseen_failures_are_dead_letters_until_there_are_too_many_in_a_row() -> None:
    route = Route()

    def broken(keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        raise RuntimeError("boom")

    route.cache.get_many = broken  # type: ignore[method-assign]
    for version in range(MAX_FAILURES_IN_A_ROW - 1):
        (made,) = route(value(text="x", version=version))
        assert made == Dead("internal-error", "RuntimeError: boom")
    with pytest.raises(RuntimeError, match="boom"):
        route(value(text="x", version=99))
