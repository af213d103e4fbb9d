"""One definition: read strictly, kept privately, and the source of connector and manifest alike."""

from __future__ import annotations

import stat
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import TopicPartition

from freshet.errors import UsageError
from producers.cdc.capture import Capture, parse_capture, read_capture
from producers.cdc.captures import Captures
from producers.cdc.connector import connector_config
from producers.cdc.manifest import manifest, manifest_yaml
from producers.cdc.offsets import Offsets
from producers.cdc.progress import Progress
from producers.cdc.template import Template

YAML = """
name: shop
url: postgresql://app:s%C3%A9cret@db.example.org:5433/shop
tables:
  - table: public.articles
    key: id
    text: |-
      {{title}}

      {{body}}
    metadata: [tags, price]
    tenant: tenant
"""


@pytest.fixture
def capture() -> Capture:
    return parse_capture(yaml.safe_load(YAML), "the test")


def test_a_definition_is_read_with_its_password_apart(capture: Capture) -> None:
    assert (capture.host, capture.port, capture.role, capture.database) == ("db.example.org", 5433, "app", "shop")
    assert capture.password.get_secret_value() == "sécret"
    assert "cret" not in capture.url
    assert "sécret" not in repr(capture)
    table = capture.tables[0]
    assert table.key == ("id",)
    assert table.columns == {"id", "title", "body", "tags", "price", "tenant"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"url": "oracle://db/shop"}, "is not postgresql://"),
        ({"url": "postgresql://db"}, "is not postgresql://"),
        ({"tables": [{"table": "articles", "key": "id", "text": "x"}]}, "tables.0.table"),
        ({"tables": [{"table": "public.a", "key": [], "text": "x"}]}, "tables.0.key"),
        ({"tables": [{"table": "public.a", "key": "id", "text": "x", "colour": 1}]}, "colour"),
        ({"tables": [{"table": "public.a", "key": "id", "text": "x"}] * 2}, "named twice"),
        ({"tables": [{"table": "public.a", "key": "id", "text": "x", "toast": "guess"}]}, "toast"),
        ({"epoch": 64}, "epoch"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match="does not describe a capture") as refused:
        parse_capture({**yaml.safe_load(YAML), **change}, "shop.yaml")
    assert words in refused.value.detail


def test_a_template_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        parse_capture({**yaml.safe_load(YAML), "tables": [{"table": "a.b", "key": "id", "text": "{{title"}]}, "x")


def test_a_file_that_is_no_yaml_or_absent_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(UsageError, match="is not YAML"):
        read_capture(tmp_path / "bad.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_capture(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(UsageError, match="does not describe"):
        read_capture(tmp_path / "list.yaml")


def test_captures_are_kept_for_their_owner_alone_and_come_back_the_same(tmp_path: Path, capture: Capture) -> None:
    captures = Captures(tmp_path / "captures")
    empty = captures.stamp()
    path = captures.write(capture)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert captures.read("shop") == capture
    written = captures.stamp()
    assert written != empty
    captures.touch("shop")
    assert captures.stamp() != written
    captures.remove("shop")
    with pytest.raises(UsageError, match="there is no capture 'shop'"):
        captures.read("shop")


def test_the_connector_is_told_what_keeps_every_change(capture: Capture) -> None:
    config = connector_config(capture)
    assert config["database.password"] == "sécret"
    assert config["table.include.list"] == r"public\.articles"
    assert config["message.key.columns"] == r"public\.articles:id"
    assert config["slot.name"] == config["publication.name"] == "freshet_shop"
    assert config["snapshot.mode"] == "no_data"
    assert config["value.converter.schemas.enable"] == "true"
    assert int(config["max.queue.size"]) > int(config["max.batch.size"])


def test_the_definition_has_the_last_word_on_the_connector(capture: Capture) -> None:
    slower = capture.model_copy(update={"connector": {"poll.interval.ms": "100"}})
    assert connector_config(slower)["poll.interval.ms"] == "100"


def test_the_manifest_is_the_same_connector_with_a_reference_in_place_of_the_password(capture: Capture) -> None:
    found = manifest(capture, "freshet", "data")
    config = connector_config(capture, "${secrets:data/freshet-cdc-shop:password}")
    assert found["apiVersion"] == "kafka.strimzi.io/v1"
    assert found["metadata"]["labels"] == {"strimzi.io/cluster": "freshet"}
    assert found["spec"]["class"] == config.pop("connector.class")
    assert found["spec"]["tasksMax"] == int(config.pop("tasks.max"))
    assert found["spec"]["config"] == config
    assert "cret" not in manifest_yaml(capture, "freshet", "data").replace("secrets:", "")


def test_a_template_of_columns_alone_can_be_said_in_sql() -> None:
    assert Template("{{a}}: {{b}}").pieces() == [(False, "a"), (True, ": "), (False, "b")]
    with pytest.raises(UsageError, match="cannot be said in SQL"):
        Template("{{a|upper}}").pieces()
    with pytest.raises(UsageError, match="cannot be said in SQL"):
        Template("{% if a %}x{% endif %}").pieces()


def test_a_definition_that_makes_other_documents_is_read_again(tmp_path: Path, capture: Capture) -> None:
    table = capture.tables[0]
    progress = Progress(tmp_path)
    read = progress.of(capture, table)
    read.baseline, read.after, read.rows, read.done = 5, ("9",), 10, True
    progress.write(capture, table, read)
    again = Progress(tmp_path)
    assert again.of(capture, table).done
    assert again.of(capture, table).after == ("9",)
    assert again.of(capture.model_copy(update={"connector": {"a": "b"}}), table).done
    assert not again.of(capture, table.model_copy(update={"text": "{{title}}"})).done
    assert not Progress(tmp_path).of(capture.model_copy(update={"resync": 1}), table).done


def committable(offsets: Offsets) -> list[tuple[str, int, int]]:
    return [(one.topic, one.partition, one.offset) for one in offsets.committable()]


def test_no_offset_is_committed_before_all_before_it_are_delivered() -> None:
    offsets = Offsets()
    first, second, third = Future[None](), Future[None](), Future[None]()
    offsets.add("t", 0, 10, first)
    offsets.add("t", 0, 11)
    offsets.add("t", 0, 12, second, third)
    second.set_result(None)
    assert committable(offsets) == []
    first.set_result(None)
    assert committable(offsets) == [("t", 0, 12)]
    assert committable(offsets) == []
    assert offsets.waiting == 1
    third.set_result(None)
    assert committable(offsets) == [("t", 0, 13)]
    assert offsets.waiting == 0


def test_a_failed_delivery_ends_it_and_commits_nothing_behind() -> None:
    offsets = Offsets()
    failed = Future[None]()
    offsets.add("t", 0, 1, failed)
    offsets.add("t", 0, 2)
    failed.set_exception(UsageError("no such topic"))
    with pytest.raises(UsageError, match="no such topic"):
        offsets.check()
    assert committable(offsets) == []


def test_what_another_reads_now_is_not_committed() -> None:
    offsets = Offsets()
    offsets.add("t", 0, 1)
    offsets.forget([TopicPartition("t", 0)])
    assert committable(offsets) == []
