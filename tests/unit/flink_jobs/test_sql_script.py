"""The SQL job's script and what the consumer reads of it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import flink_jobs.sql
from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from flink_jobs.sql.script import script
from freshet.codec import decode_embedding
from freshet.embedding.load import load_embedder
from freshet.errors import RejectedRecord
from freshet.settings import KafkaSettings, model_settings

COMMITTED = Path(flink_jobs.sql.__file__).with_name("ingestion.sql")


def test_the_script_in_the_repository_is_what_the_code_says_now() -> None:
    says = script(JobSettings(), KafkaSettings(), ServedModel.of(load_embedder(model_settings())))
    assert COMMITTED.read_text(encoding="utf-8") == says, "run .venv/bin/python -m flink_jobs.sql > " + str(COMMITTED)


def test_a_vector_of_numbers_is_the_same_vector() -> None:
    value = b'{"id": "a", "op": "upsert", "version": 3, "chunks": 1, "text": "x", "vector": [0.5, 1.0E-4, -2]}'
    assert decode_embedding(value).vector == struct.pack("<3f", 0.5, 1.0e-4, -2)


@pytest.mark.parametrize("vector", [b'["x"]', b"7", b"[NaN]", b"[1e999]", b"[null]"])
def test_a_vector_of_anything_else_is_refused(vector: bytes) -> None:
    with pytest.raises(RejectedRecord):
        decode_embedding(b'{"id": "a", "op": "upsert", "version": 3, "vector": ' + vector + b"}")
