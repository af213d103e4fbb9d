"""The server answers badly, late or not at all: bounded retries, then a dead letter; the job runs on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from freshet.codec import decode_embedding
from freshet.dead_letter_log import StoredLetter
from freshet.events import EmbeddingRecord
from freshet.settings import KafkaSettings
from freshet.stack.flink_job import running_jobs
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from freshet.stack.supervisor import Supervisor
from freshet.topics import EMBEDDINGS
from tests.faults.harness.observed import dead_letters
from tests.integration.ml_predict.conftest import RETRIES
from tests.integration.ml_predict.front import Answer, Front
from tests.integration.pipeline import DEADLINE_SECONDS, Pipeline

FAILURES = [
    (429, "model-overloaded", RETRIES + 1),
    (500, "model-failed", RETRIES + 1),
    (504, "model-timeout", RETRIES + 1),
    (0, "model-unavailable", RETRIES + 1),
    (400, "model-refused", 1),
    (404, "model-refused", 1),
]


@pytest.fixture(autouse=True)
def no_restart(stack: LocalStack) -> Iterator[None]:
    """Whatever happens, the job is the one that was submitted, and never began again."""
    before = restarts(stack)
    yield
    assert restarts(stack) == before


def restarts(stack: LocalStack) -> tuple[str, int]:
    (job,) = running_jobs(stack.flink.url)
    told: list[dict[str, str]] = []

    def asked() -> bool:
        told[:] = httpx.get(f"{stack.flink.url}/jobs/{job['jid']}/metrics?get=numRestarts", timeout=5).json()
        return bool(told)

    wait_until(asked, "the JobManager says how often the job began again", DEADLINE_SECONDS, (stack.jobmanager,))
    return job["jid"], int(told[0]["value"])


def letters(pipeline: Pipeline) -> list[StoredLetter]:
    """Dead letters of this test's documents."""
    every = dead_letters(KafkaSettings(bootstrap=pipeline.stack.bootstrap))
    return [one for one in every if (one.letter.key or b"").startswith(pipeline.prefix.encode())]


def written(pipeline: Pipeline, name: str) -> list[EmbeddingRecord]:
    """Every record of a document on ``vector-embeddings``, in order."""
    consumer = Consumer(
        {"bootstrap.servers": pipeline.stack.bootstrap, "group.id": "test", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(EMBEDDINGS.name, number, 0) for number in range(EMBEDDINGS.partitions)])
    found, ends = [], 0
    while ends < EMBEDDINGS.partitions:
        message = consumer.poll(DEADLINE_SECONDS)
        assert message is not None
        if message.error():
            ends += 1
        elif message.key() == pipeline.id(name).encode():
            found.append(decode_embedding(message.value()))
    consumer.close()
    return found


def test_what_the_server_cannot_embed_is_dead_with_the_reason_and_its_neighbours_go_on(
    pipeline: Pipeline, front: Front
) -> None:
    places = {}
    for status, _, _ in FAILURES:
        front.tell(f"status{status}", Answer(status))
        text = f"a text that is answered with status{status}"
        document = {"id": pipeline.id(f"s{status}"), "op": "upsert", "version": 1, "text": text}
        places[status] = pipeline.raw(json.dumps(document).encode(), pipeline.id(f"s{status}").encode())
        pipeline.publish(f"neighbour{status}", f"a neighbour of {status}", 1)
    for status, reason, attempts in FAILURES:
        letter = pipeline.dead_letter(*places[status])
        assert (letter.reason, letter.attempts, letter.stage) == (reason, attempts, "flink-job")
        assert letter.detail
        asked = front.asked[f"status{status}"]
        # A connection that breaks the HTTP library tries again by itself too.
        assert asked == attempts if status else asked >= attempts
        pipeline.wait_version(f"neighbour{status}", 1)
    assert len(letters(pipeline)) == len(FAILURES)


def test_what_the_server_embeds_at_the_third_try_is_found(pipeline: Pipeline, front: Front) -> None:
    front.tell("twice429", Answer(429, times=2))
    front.tell("twice500", Answer(500, times=2))
    pipeline.publish("a", "busy at first: twice429", 1)
    pipeline.publish("b", "broken at first: twice500", 1)
    pipeline.wait_version("a", 1)
    pipeline.wait_version("b", 1)
    assert letters(pipeline) == []


def test_a_document_of_which_some_chunks_fail_is_one_dead_letter_and_sent_again_is_found(
    pipeline: Pipeline, front: Front
) -> None:
    front.tell("unwanted", Answer(400))
    paragraphs = [f"Paragraph {number} speaks of matter number {number} at length. " * 9 for number in range(12)]
    paragraphs[3] += "unwanted"
    paragraphs[8] += "unwanted"
    pipeline.publish("long", "\n\n".join(paragraphs), 1)
    pipeline.publish("end", "the end", 1)
    pipeline.wait_version("end", 1)
    wait_until(lambda: len(letters(pipeline)) == 1, "the document is dead", DEADLINE_SECONDS)
    assert pipeline.document("long").status_code == 404
    front.tell("unwanted", Answer(None))
    pipeline.publish("long", "\n\n".join(paragraphs), 1)
    pipeline.wait_version("long", 1)
    assert len(letters(pipeline)) == 1


def test_a_delete_does_not_overtake_an_upsert_that_the_server_takes_long_for(pipeline: Pipeline, front: Front) -> None:
    front.tell("slowly", Answer(None, delay=2.0))
    pipeline.publish("note", "embedded slowly", 1)
    pipeline.delete("note", 2)
    pipeline.publish("note", "embedded at once", 3)
    pipeline.wait_version("note", 3)
    assert [(one.op, one.version) for one in written(pipeline, "note")] == [("upsert", 1), ("delete", 2), ("upsert", 3)]


def test_a_killed_server_comes_back_and_nothing_is_lost_or_dead(pipeline: Pipeline) -> None:
    stack, supervisor = pipeline.stack, Supervisor(pipeline.stack)
    assert stack.inference is not None
    for number in range(150):
        pipeline.publish(f"doc-{number}", f"Number {number} of the documents that wait while the server dies.", 1)
        if number == 75:
            stack.inference.kill()

    def recovered() -> bool:
        supervisor.check()
        return not supervisor.down()

    wait_until(recovered, "the server runs again", DEADLINE_SECONDS)
    for number in range(150):
        pipeline.wait_version(f"doc-{number}", 1, watch=())
    assert letters(pipeline) == []
