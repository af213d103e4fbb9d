"""The job as a SQL script, submitted by Flink's own client: no Python runs in the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from flink_jobs.sql.script import NAME, script
from freshet.embedding.load import load_embedder
from freshet.settings import KafkaSettings, model_settings
from freshet.stack import jars
from freshet.stack.flink_job import job_runs, running_jobs, stop_job
from freshet.stack.flink_sql import SqlClient
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from tests.integration.ml_predict.front import Answer, Front
from tests.integration.pipeline import DEADLINE_SECONDS, Pipeline

START_SECONDS = 120.0


@pytest.fixture(scope="module", autouse=True)
def sql_job(stack: LocalStack, front: Front) -> Iterator[str]:
    """In place of the Python job, for the length of this module."""
    stop_job(stack.flink)
    path = stack.state / "job.sql"
    served = ServedModel.of(load_embedder(model_settings()))
    path.write_text(script(JobSettings(endpoint=front.endpoint), KafkaSettings(bootstrap=stack.bootstrap), served))
    sql_jars = jars.resolve("flink-sql", stack.settings.cache / "jars")
    client = SqlClient(stack.flink, stack.state / "logs" / "sql-client.log", path, sql_jars)
    client.start()
    try:
        client.wait_ready(START_SECONDS)
    finally:
        client.stop()
    _wait_running(stack)
    (job,) = running_jobs(stack.flink.url)
    assert job["name"] == NAME, client.tail()
    yield job["jid"]
    httpx.patch(f"{stack.flink.url}/jobs/{job['jid']}?mode=cancel", timeout=10).raise_for_status()
    wait_until(lambda: not running_jobs(stack.flink.url), "the SQL job has ended", DEADLINE_SECONDS)
    stack.submission.start()
    stack.submission.wait_ready(START_SECONDS)
    _wait_running(stack)


def _wait_running(stack: LocalStack) -> None:
    watched = (stack.jobmanager, stack.taskmanager)
    wait_until(lambda: job_runs(stack.flink.url), "the job runs", START_SECONDS, watched)


def test_a_document_is_found_an_update_replaces_it_and_a_delete_removes_it(pipeline: Pipeline) -> None:
    pipeline.publish("cat", 'A kitten "sleeps" on the windowsill\nall day: 東京.', 1, {"kind": "pet", "tags": ["soft"]})
    answer = pipeline.wait_version("cat", 1)
    assert answer["chunks"]
    (hit,) = pipeline.search("a young cat having a nap")
    assert hit["text"] == 'A kitten "sleeps" on the windowsill\nall day: 東京.'
    assert hit["metadata"] == {"kind": "pet", "tags": ["soft"]}
    assert 0 < hit["freshness_ms"] < 60_000
    pipeline.publish("cat", "The lorry needs new injectors.", 3)
    pipeline.wait_version("cat", 3)
    pipeline.publish("cat", "late and out of date", 2)
    pipeline.publish("empty", "", 1)
    pipeline.wait_version("empty", 1)
    assert [hit["version"] for hit in pipeline.search("anything")] == [3]
    pipeline.delete("cat", 4)
    pipeline.wait_version("cat", 4)
    assert pipeline.search("lorry") == []
    assert pipeline.document("cat").status_code == 410


def test_its_vectors_are_those_of_the_python_job(pipeline: Pipeline) -> None:
    pipeline.publish("same", "The ferry to the island leaves at noon.", 1)
    pipeline.wait_version("same", 1)
    (hit,) = pipeline.search("The ferry to the island leaves at noon.")
    assert hit["score"] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("reason", "value", "key"),
    [
        ("not-json", b'{"id": "k", "op": "ups', b"k"),
        ("invalid-field", b"[1, 2, 3]", b"k"),
        ("invalid-field", b'{"op": "upsert", "version": 1, "text": "no id"}', None),
        ("invalid-field", b'{"id": "k", "op": "upsert", "version": -1, "text": "x"}', b"k"),
        ("invalid-field", b'{"id": "k", "op": "upsert", "version": 9223372036854775808, "text": "x"}', b"k"),
        ("invalid-field", b'{"id": "k", "op": "merge", "version": 1, "text": "x"}', b"k"),
        ("invalid-id", b'{"id": "line\\nbreak", "op": "upsert", "version": 1, "text": "x"}', None),
        ("missing-text", b'{"id": "k", "op": "upsert", "version": 1}', b"k"),
        ("key-mismatch", b'{"id": "k", "op": "upsert", "version": 1, "text": "x"}', b"other"),
        ("empty-record", b"", b"k"),
        ("empty-record", None, b"k"),
        ("text-too-long", json.dumps({"id": "k", "op": "upsert", "version": 1, "text": "x " * 2_000}).encode(), b"k"),
    ],
)
def test_a_bad_record_is_a_dead_letter(pipeline: Pipeline, reason: str, value: bytes | None, key: bytes | None) -> None:
    letter = pipeline.dead_letter(*pipeline.raw(value, key))
    assert (letter.reason, letter.key, letter.value or None, letter.stage) == (reason, key, value or None, "flink-job")


def test_the_job_runs_on_where_the_server_refuses_a_text(pipeline: Pipeline, front: Front, sql_job: str) -> None:
    front.tell("refused", Answer(400))
    pipeline.publish("a", "a text that is refused", 1)
    pipeline.publish("b", "its neighbour", 1)
    pipeline.wait_version("b", 1)
    assert [job["jid"] for job in running_jobs(pipeline.stack.flink.url)] == [sql_job]
