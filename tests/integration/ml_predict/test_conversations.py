"""A message is found by what was said before it in its conversation, on both routes to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from freshet.stack.flink_job import job_runs, running_jobs, stop_job
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from tests.integration.pipeline import Pipeline

START_SECONDS = 120.0
ANSWER = "Yes, I will send it on Friday."
QUESTION = "when does the bakery's quarterly report arrive"


@pytest.fixture(scope="module")
def ordinary(stack: LocalStack) -> Iterator[Mapping[str, str]]:
    """The job's settings, which it has again at the end."""
    before = dict(stack.submission.settings)
    yield before
    _submit(stack, before)


@pytest.fixture(scope="module", params=["ml-predict", "in-process"], autouse=True)
def with_context(stack: LocalStack, ordinary: Mapping[str, str], request: pytest.FixtureRequest) -> None:
    """The job embeds each message with the two before it."""
    _submit(stack, {**ordinary, "FRESHET_JOB_CONTEXT_MESSAGES": "2", "FRESHET_JOB_EMBEDDING": request.param})


def _submit(stack: LocalStack, settings: Mapping[str, str]) -> None:
    stop_job(stack.flink)
    wait_until(lambda: not running_jobs(stack.flink.url), "the job has stopped", START_SECONDS)
    stack.submission.settings = dict(settings)
    stack.submission.start()
    watched = (stack.jobmanager, stack.taskmanager)
    wait_until(lambda: job_runs(stack.flink.url), "the job runs", START_SECONDS, watched)


def scores(pipeline: Pipeline) -> dict[str, float]:
    """By document."""
    return {hit["id"].removeprefix(f"{pipeline.prefix}/"): hit["score"] for hit in pipeline.search(QUESTION, k=20)}


def say(pipeline: Pipeline, name: str, text: str, thread: str | None, version: int = 1) -> None:
    """Blocks until it is found: messages of different ids may lie in different partitions."""
    pipeline.publish(name, text, version, {"thread": f"{pipeline.prefix}-{thread}"} if thread else {})
    pipeline.wait_version(name, version)


def test_an_answer_is_found_by_the_question_before_it_and_no_other_conversation_lends_it_one(
    pipeline: Pipeline,
) -> None:
    say(pipeline, "alone", ANSWER, None)
    say(pipeline, "question", "Is the bakery's quarterly report finished?", "a")
    say(pipeline, "answer", ANSWER, "a")
    say(pipeline, "elsewhere", ANSWER, "b")
    found = scores(pipeline)
    assert found["answer"] > found["alone"] + 0.2
    assert found["elsewhere"] == pytest.approx(found["alone"], abs=1e-5)
    texts = {hit["text"] for hit in pipeline.search(QUESTION, k=20)}
    assert ANSWER in texts
    assert not any("bakery" in text and ANSWER in text for text in texts), "what is shown is the message alone"
    say(pipeline, "c1", "The harbour was closed for a week.", "a")
    say(pipeline, "c2", "Then the ferries went again.", "a")
    say(pipeline, "late", ANSWER, "a")
    assert scores(pipeline)["late"] < found["answer"] - 0.1, "two messages are context, the third is not"


def test_an_edited_message_keeps_its_context_and_is_none_of_itself(pipeline: Pipeline) -> None:
    say(pipeline, "question", "Is the bakery's quarterly report finished?", "e")
    say(pipeline, "answer", "No.", "e")
    before = scores(pipeline)["answer"]
    say(pipeline, "answer", ANSWER, "e", version=2)
    found = scores(pipeline)
    say(pipeline, "alone", ANSWER, None)
    assert found["answer"] > scores(pipeline)["alone"] + 0.2
    assert before > 0
