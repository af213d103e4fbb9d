"""Each Kafka user may do what its stage does in the code, on every topic and group that there is, and nothing else."""

from __future__ import annotations

import re

import pytest

from freshet.flow import READERS
from freshet.topics import CONSUMER_GROUP, JOB_GROUP, TOPICS
from producers.cdc.capture import read_capture
from producers.cdc.live import GROUP as CDC_GROUP
from tests.manifests.overlays import K8S, ROOT, Object, named, of_kind
from tests.manifests.workloads import workloads

Name = tuple[str, str]
"""topic or group, and which."""
LOOKING = {"Describe"}
READING = {"Describe", "Read"}
WRITING = {"Describe", "Write"}
CREATING = {"Create", *WRITING}
OWNING = {"Create", "DescribeConfigs", *READING, *WRITING}
"""Kafka Connect makes its own topics, and checks that they are compacted."""
PAGE, LETTERS, MONITOR = "freshet-live-page", "freshet-dead-letter-reader", "freshet-monitor"
"""Groups that nobody joins: their readers take partitions by hand and commit nothing."""
PEOPLE = "operator"


def topics(operations: set[str], *names: str) -> dict[Name, set[str]]:
    return {("topic", name): operations for name in names}


def groups(operations: set[str], *names: str) -> dict[Name, set[str]]:
    return {("group", name): operations for name in names}


def used(objects: tuple[Object, ...]) -> dict[str, dict[Name, set[str]]]:
    """What each user's process does, by its code or by what it is configured to do."""
    documents, embeddings, dead = (topic.name for topic in TOPICS)
    connect = named(objects, "KafkaConnect", "freshet")["spec"]
    own = [connect[f"{name}StorageTopic"] for name in ("config", "offset", "status")]
    capture = read_capture(K8S / "components" / "postgres" / "shop.yaml")
    captured = [capture.topic(table) for table in capture.captured]
    connector = named(objects, "KafkaConnector", capture.connector_name)["spec"]["config"]
    # Debezium's name for it.
    heartbeats = f"{connector['topic.heartbeat.prefix']}.{connector['topic.prefix']}"
    (lag,) = named(objects, "ScaledObject", "consumers")["spec"]["triggers"]
    every_group = (JOB_GROUP, CONSUMER_GROUP, CDC_GROUP, PAGE, LETTERS, MONITOR, connect["groupId"])
    return {
        "producer-files": topics(WRITING, documents, dead),
        "canary": topics(WRITING, documents),
        "flink-job": topics(READING, documents) | groups(READING, JOB_GROUP) | topics(WRITING, embeddings, dead),
        "consumers": topics(READING, embeddings) | groups(READING, CONSUMER_GROUP) | topics(WRITING, dead),
        "search": topics(WRITING, documents)
        | topics(READING | WRITING, embeddings, dead)
        | groups(LOOKING, JOB_GROUP, CONSUMER_GROUP, PAGE, LETTERS),
        "monitor": topics(READING, documents, embeddings, dead) | groups(LOOKING, JOB_GROUP, CONSUMER_GROUP, MONITOR),
        "keda": topics(LOOKING, lag["metadata"]["topic"]) | groups(LOOKING, lag["metadata"]["consumerGroup"]),
        "connect": groups(READING, connect["groupId"]) | topics(OWNING, *own) | topics(CREATING, *captured, heartbeats),
        # Behind a TRUNCATE it waits for the readers of its documents.
        "producer-cdc": topics(READING, *captured)
        | groups(READING, CDC_GROUP)
        | topics(WRITING, documents, dead)
        | topics(LOOKING, *(topic.name for topic in READERS.values() if topic.name != documents))
        | groups(LOOKING, *READERS),
        PEOPLE: topics(READING | WRITING, documents, embeddings, dead) | groups(READING, *every_group),
    }


def allowed(user: Object, name: Name) -> set[str]:
    return {
        operation
        for one in user["spec"]["authorization"]["acls"]
        if _covers(one["resource"], name)
        for operation in one["operations"]
    }


def _covers(resource: dict[str, str], name: Name) -> bool:
    kind, called = name
    if resource["type"] != kind:
        return False
    return called.startswith(resource["name"]) if resource["patternType"] == "prefix" else called == resource["name"]


@pytest.fixture
def users(every_object: tuple[Object, ...]) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in of_kind(every_object, "KafkaUser")}


def test_each_user_may_do_what_its_stage_does_and_no_more(every_object: tuple[Object, ...]) -> None:
    uses = used(every_object)
    names = {name for one in uses.values() for name in one}
    assert {one["metadata"]["name"] for one in of_kind(every_object, "KafkaUser")} == set(uses)
    for user in of_kind(every_object, "KafkaUser"):
        wanted = uses[user["metadata"]["name"]]
        found = {name: rights for name in names if (rights := allowed(user, name))}
        assert found == wanted, user["metadata"]["name"]


def test_no_right_is_on_something_that_nobody_uses(every_object: tuple[Object, ...], users: dict[str, Object]) -> None:
    names = {name for one in used(every_object).values() for name in one}
    for user in users.values():
        assert user["spec"]["authentication"] == {"type": "tls"}
        for one in user["spec"]["authorization"]["acls"]:
            resource = one["resource"]
            assert resource["type"] in ("topic", "group"), user["metadata"]["name"]
            assert resource["name"] not in ("", "*"), user["metadata"]["name"]
            assert any(_covers(resource, name) for name in names), (user["metadata"]["name"], resource)


def test_every_group_in_the_code_is_one_that_the_users_know() -> None:
    """A reader that is added with a group of its own needs a right to it."""
    literal = re.compile(r'"group\.id": "([\w-]+)"')
    found = {
        name
        for package in ("freshet", "producers", "flink_jobs", "consumers", "search", "inference")
        for path in (ROOT / package).rglob("*.py")
        if "stack" not in path.parts
        for name in literal.findall(path.read_text("utf-8"))
    }
    assert found == {PAGE, LETTERS, MONITOR}


def test_every_user_is_of_a_process_and_every_process_has_one(
    every_object: tuple[Object, ...], users: dict[str, Object]
) -> None:
    mounted = {
        source["secret"]["name"]
        for pod in workloads(every_object)
        for volume in pod.pod.get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
    } - {"vector-cluster-cluster-ca-cert"}
    (connect,) = {
        one["spec"]["authentication"]["certificateAndKey"]["secretName"]
        for one in of_kind(every_object, "KafkaConnect")
    }
    (keda,) = {
        one["name"]
        for trigger in of_kind(every_object, "TriggerAuthentication")
        for one in trigger["spec"]["secretTargetRef"]
        if one["parameter"] != "ca"
    }
    assert set(users) == mounted | {connect, keda}
    for pod in workloads(every_object):
        settings = pod.environment(every_object)
        assert ("FRESHET_KAFKA_BOOTSTRAP" in settings) == (pod.labels.get("freshet.dev/kafka-client") == "true"), (
            pod.name
        )
        assert ("FRESHET_STORE_URL" in settings) == (pod.labels.get("freshet.dev/store-client") == "true"), pod.name
