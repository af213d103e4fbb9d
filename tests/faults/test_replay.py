"""A whole topic is read again from its beginning: nothing changes, not even when a document was last written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from freshet.settings import KafkaSettings
from freshet.stack.lag import lags, replay_documents
from freshet.topics import CONSUMER_GROUP, EMBEDDINGS, JOB_GROUP
from tests.faults.harness.redeploy import job_stopped, serve_stopped
from tests.faults.harness.trial import Trial

EVENTS = 600
pytestmark = pytest.mark.timeout(600)


def test_replay_of_all_documents(trial: Trial) -> None:
    before = _loaded(trial)
    with job_stopped(trial.lab, forget=True), serve_stopped(trial.lab):
        replay_documents(trial.lab.kafka)
        trial.breaks(lambda: None, in_flight=lags(trial.lab.kafka)[JOB_GROUP])
    trial.verify()
    _assert_unchanged(trial, before)


def test_replay_of_all_embeddings(trial: Trial) -> None:
    before = _loaded(trial)
    with serve_stopped(trial.lab):
        _rewind_consumer(trial.lab.kafka)
        trial.breaks(lambda: None, in_flight=lags(trial.lab.kafka)[CONSUMER_GROUP])
    trial.verify()
    _assert_unchanged(trial, before)


def _loaded(trial: Trial) -> dict[str, Any]:
    with trial.under_load():
        trial.wait_sent(EVENTS)
    trial.quiet()
    return _everything(trial)


def _everything(trial: Trial) -> dict[str, Any]:
    """Every head of the whole store, and of this fault's documents all that the API says."""
    with httpx.Client(base_url=trial.stack.search_url, timeout=30) as http:
        found: dict[str, Any] = {}
        after: dict[str, str] = {}
        while True:
            page = http.get("/documents", params={"limit": 1000, **after}).raise_for_status().json()
            found |= {one["id"]: one for one in page["documents"]}
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        mine = [name for name in found if name.startswith(f"{trial.prefix}/")]
        return found | {name: http.get(f"/documents/{name}").json() for name in mine}


def _assert_unchanged(trial: Trial, before: dict[str, Any]) -> None:
    after = {name: one for name, one in _everything(trial).items() if name in before}
    assert {name: (before[name], after.get(name)) for name in before if after.get(name) != before[name]} == {}


def _rewind_consumer(kafka: KafkaSettings) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    starts = [TopicPartition(EMBEDDINGS.name, number, 0) for number in range(EMBEDDINGS.partitions)]
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(CONSUMER_GROUP, starts)])[CONSUMER_GROUP].result(
        30
    )
