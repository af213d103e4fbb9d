"""Connectors for MySQL and MongoDB from the same definition. No such server was asked: what is held here is what
Debezium is told, and that nothing of PostgreSQL is done to them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freshet.errors import UsageError
from producers.cdc.capture import Capture, CapturedTable, parse_capture
from producers.cdc.captures import Captures
from producers.cdc.condition import condition_of
from producers.cdc.connector import connector_config
from producers.cdc.manifest import manifest, properties_json
from producers.cdc.other_connectors import HISTORY
from producers.cdc.registration import Registration

NOWHERE = "http://127.0.0.1:1"
ARTICLES = {"table": "shop.articles", "key": "id", "text": "{{title}}"}
MYSQL = {
    "name": "my_shop", "url": "mysql://app:geheim@db:3307/shop", "tables": [ARTICLES],
    "connector": {HISTORY: "broker:9092"},
}  # fmt: skip
MONGO = {"name": "docs", "url": "mongodb://app:geheim@one:27017,two:27017/?replicaSet=rs0", "tables": [ARTICLES]}


def capture_of(value: dict[str, Any], **changes: Any) -> Capture:
    return parse_capture({**value, **changes}, "the test")


def test_a_connector_for_mysql_reads_the_binlog_of_the_captured_tables() -> None:
    capture = capture_of(MYSQL)
    config = connector_config(capture)
    assert config["connector.class"] == "io.debezium.connector.mysql.MySqlConnector"
    assert (config["database.hostname"], config["database.port"]) == ("db", "3307")
    assert (config["database.user"], config["database.password"]) == ("app", "geheim")
    assert config["database.include.list"] == "shop"
    assert config["table.include.list"] == r"shop\.articles"
    assert config["message.key.columns"] == r"shop\.articles:id"
    assert config[HISTORY] == "broker:9092"
    assert config["value.converter.schemas.enable"] == "true"
    other = connector_config(capture_of(MYSQL, name="other"))
    assert config["database.server.id"] != other["database.server.id"]
    assert config["schema.history.internal.kafka.topic"] != other["schema.history.internal.kafka.topic"]
    assert capture.topic("shop.articles") == f"{config['topic.prefix']}.shop.articles"
    assert not {name for name in config if name.startswith(("slot", "publication", "plugin"))}


def test_mariadb_has_a_connector_of_its_own() -> None:
    config = connector_config(capture_of(MYSQL, url="mariadb://app@db/shop"))
    assert config["connector.class"] == "io.debezium.connector.mariadb.MariaDbConnector"
    assert config["database.port"] == "3306"


def test_a_connector_for_mongodb_reads_whole_documents() -> None:
    config = connector_config(capture_of(MONGO))
    assert config["connector.class"] == "io.debezium.connector.mongodb.MongoDbConnector"
    assert config["mongodb.connection.string"] == "mongodb://one:27017,two:27017/?replicaSet=rs0"
    assert (config["mongodb.user"], config["mongodb.password"]) == ("app", "geheim")
    assert config["collection.include.list"] == r"shop\.articles"
    assert config["capture.mode"] == "change_streams_update_full"


def test_what_such_a_connector_lacks_is_said() -> None:
    with pytest.raises(UsageError) as refused:
        connector_config(capture_of(MYSQL, connector={}))
    assert HISTORY in refused.value.remedy
    with pytest.raises(UsageError, match=r"key of shop\.articles"):
        connector_config(capture_of(MONGO, tables=[{**ARTICLES, "key": "slug"}]))


@pytest.mark.parametrize("definition", [MYSQL, MONGO], ids=["mysql", "mongodb"])
def test_a_definition_is_taken_without_asking_the_database(definition: dict[str, Any], tmp_path: Path) -> None:
    captures, capture = Captures(tmp_path / "captures"), capture_of(definition)
    registration = Registration(captures, NOWHERE)
    assert [one.level for one in registration.check(capture)] == ["warn"]
    assert captures.names() == []
    found = registration.add(capture)
    assert "freshet cdc manifest" in found[0].remedy
    assert captures.read(capture.name) == capture
    captures.write(capture.model_copy(update={"epoch": 1}))
    with pytest.raises(UsageError, match="may not fall"):
        registration.add(capture)
    for impossible in (registration.repair, lambda name: registration.prepare(captures.read(name))):
        with pytest.raises(UsageError, match="database"):
            impossible(capture.name)
    assert condition_of(capture, NOWHERE, tmp_path).slot is None
    registration.remove(capture.name)
    assert captures.names() == []


@pytest.mark.parametrize("definition", [MYSQL, MONGO], ids=["mysql", "mongodb"])
def test_what_is_printed_has_a_reference_in_place_of_the_password(definition: dict[str, Any]) -> None:
    capture = capture_of(definition)
    printed = properties_json(capture, "data")
    assert "geheim" not in printed + str(manifest(capture, "freshet", "data"))
    reference = f"${{secrets:data/freshet-cdc-{capture.name.replace('_', '-')}:password}}"
    assert reference in json.loads(printed).values()
    assert "_" not in manifest(capture, "freshet", "data")["metadata"]["name"]


def test_postgresql_is_told_nothing_of_these() -> None:
    tables = (CapturedTable(table="public.articles", key=("id",), text="{{title}}"),)
    config = connector_config(Capture(name="shop", url="postgresql://app@db/shop", tables=tables))
    assert not {name for name in config if name.startswith(("mongodb", "schema.history", "collection"))}
