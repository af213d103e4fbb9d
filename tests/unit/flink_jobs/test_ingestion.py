"""One ``documents`` record through the job, without Flink: what comes out, in which order, and what never raises."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import MAX_FAILURES_IN_A_ROW, Dead, Embedded, Ingestion
from freshet.chunking import Chunker
from freshet.codec import decode_embedding
from freshet.errors import UnavailableError
from freshet.events import EmbeddingRecord
from tests.unit.embedder_double import HashEmbedder

NOW = 1_700_000_000_000_000_000


def ingestion(embedder: HashEmbedder | None = None) -> Ingestion:
    model = embedder or HashEmbedder()
    return Ingestion(model, Chunker(model, capacity=50, overlap=5), VersionGuard(), clock=lambda: NOW)


def value(**fields: object) -> bytes:
    return json.dumps({"id": "a", "op": "upsert", "version": 1, **fields}).encode()


def records(job: Ingestion, payload: bytes) -> list[EmbeddingRecord]:
    out = list(job.process(b"a", payload))
    assert all(isinstance(one, Embedded) and one.key == b"a" and one.at == NOW for one in out)
    return [decode_embedding(one.value) for one in out if isinstance(one, Embedded)]


def test_a_short_text_is_one_record_that_carries_everything() -> None:
    (record,) = records(ingestion(), value(text="hello world", metadata={"k": [1, "x"]}, tenant="t", source="s"))
    assert (record.chunk, record.chunks, record.part, record.last) == (0, 1, 0, True)
    assert (record.text, record.metadata, record.tenant, record.source) == ("hello world", {"k": [1, "x"]}, "t", "s")
    assert (record.model, record.revision) == ("double", "r1")
    assert np.linalg.norm(np.frombuffer(record.vector, "<f4")) == pytest.approx(1, abs=1e-6)


def test_a_long_text_is_one_record_a_chunk_and_each_knows_how_many_there_are() -> None:
    text = "\n\n".join(
        f"Paragraph {number} speaks of matter number {number} at some length." * 3 for number in range(20)
    )
    found = records(ingestion(), value(text=text, part=3, last=False))
    assert len(found) > 3
    assert [record.chunk for record in found] == list(range(len(found)))
    assert {record.chunks for record in found} == {len(found)}
    assert {(record.part, record.last) for record in found} == {(3, False)}


def test_a_delete_and_an_empty_text_embed_nothing() -> None:
    model = HashEmbedder()
    job = ingestion(model)
    (delete,) = records(job, value(op="delete"))
    (empty,) = records(job, value(text="", version=2))
    assert (delete.op, delete.vector) == ("delete", b"")
    assert (empty.op, empty.chunks, empty.vector) == ("upsert", 0, b"")
    assert model.calls == 0


def test_a_stale_version_costs_the_model_nothing_and_yields_nothing() -> None:
    model = HashEmbedder()
    job = ingestion(model)
    records(job, value(text="new", version=5))
    assert records(job, value(text="old", version=4)) == []
    assert model.calls == 1


def test_a_newer_version_that_failed_stops_no_older_one() -> None:
    job = ingestion()
    assert [type(one) for one in job.process(b"a", value(text="NaN", version=5))] == [Dead]
    assert len(records(job, value(text="old", version=4))) == 1


def test_one_part_of_a_newer_version_stops_no_older_one_since_another_part_may_fail() -> None:
    job = ingestion()
    assert len(records(job, value(text="first", version=5, part=0, last=False))) == 1
    assert len(records(job, value(text="old", version=4))) == 1


def test_a_model_that_is_away_fails_the_job_and_not_the_record() -> None:
    class Away(HashEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise UnavailableError("the model is away")

    with pytest.raises(UnavailableError):
        list(ingestion(Away()).process(b"a", value(text="fine")))


def test_a_vector_that_the_model_could_not_make_is_a_dead_letter() -> None:
    job = ingestion()
    assert list(job.process(b"a", value(text="NaN"))) == [Dead("bad-vector", "NaN")]
    assert len(records(job, value(text="fine", version=2))) == 1


def test_unforeseen_failures_are_dead_letters_until_there_are_too_many_in_a_row() -> None:
    job = ingestion()
    for version in range(MAX_FAILURES_IN_A_ROW - 1):
        (dead,) = job.process(b"a", value(text="crash", version=version))
        assert isinstance(dead, Dead)
        assert (dead.reason, dead.detail) == ("internal-error", "RuntimeError: boom")
    with pytest.raises(RuntimeError, match="boom"):
        list(job.process(b"a", value(text="crash", version=99)))


def test_a_good_record_between_starts_the_count_of_failures_again() -> None:
    job = ingestion()
    for version in range(3 * MAX_FAILURES_IN_A_ROW):
        list(job.process(b"a", value(text="crash", version=2 * version)))
        list(job.process(b"a", value(text="fine", version=2 * version + 1)))


@given(key=st.none() | st.binary(max_size=20), payload=st.none() | st.binary(max_size=200))
def test_no_bytes_make_it_raise(key: bytes | None, payload: bytes | None) -> None:
    for out in ingestion().process(key, payload):
        assert isinstance(out, Dead)
        assert out.reason


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_json_in_place_of_a_field_makes_it_raise(wrong: object) -> None:
    job = ingestion()
    for field in ("id", "op", "version", "text", "metadata", "tenant", "occurred_at", "part", "last"):
        list(job.process(None, value(**{"text": "x", field: wrong})))
