"""Connectors of MySQL, MariaDB and MongoDB. Nobody but who runs them registers these, and none was run here."""

from __future__ import annotations

import zlib
from typing import Final
from urllib.parse import urlsplit

from freshet.errors import UsageError
from producers.cdc.capture import Capture
from producers.cdc.connector_common import common, included, keys

HISTORY: Final = "schema.history.internal.kafka.bootstrap.servers"
_CLASSES: Final = {
    "mysql": "io.debezium.connector.mysql.MySqlConnector",
    "mariadb": "io.debezium.connector.mariadb.MariaDbConnector",
}


def mysql_config(capture: Capture, password: str) -> dict[str, str]:
    """Rows that are there already come by Debezium's snapshot, whose position is exact: the binlog grows by commits.

    Raises UsageError where nothing says which brokers keep the history of the tables' columns.
    """
    if HISTORY not in capture.connector:
        raise UsageError(
            f"a connector for {capture.kind} keeps the tables' history in a topic of its own",
            "nothing says on which brokers",
            f"write {HISTORY} below `connector:` in the definition, and its security beside it",
        )
    return {
        "connector.class": _CLASSES[capture.kind],
        "database.hostname": capture.host,
        "database.port": str(capture.port),
        "database.user": capture.role,
        "database.password": password,
        # As a replica among others each connector needs a number of its own.
        "database.server.id": str(5_400_000 + zlib.crc32(capture.name.encode()) % 1_000_000),
        "database.include.list": ",".join(sorted({table.partition(".")[0] for table in capture.captured})),
        "table.include.list": included(capture),
        "include.schema.changes": "false",
        "schema.history.internal.kafka.topic": f"cdc-schema-history.{capture.name}",
        "snapshot.mode": "initial",
        "decimal.handling.mode": "string",
        "time.precision.mode": "isostring",
        "binary.handling.mode": "hex",
        **common(capture),
        **keys(capture),
    }


def mongodb_config(capture: Capture, password: str) -> dict[str, str]:
    """The key of every collection is ``id``: so Debezium names a document's ``_id`` in a record's key."""
    wrong = [table.table for table in capture.tables if table.key != ("id",)]
    if wrong:
        raise UsageError(
            f"the key of {', '.join(wrong)} cannot be", "a document of MongoDB is named by its _id", "write key: [id]"
        )
    parts = urlsplit(capture.url)
    servers = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    config = {
        "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
        "mongodb.connection.string": servers.geturl(),
        "collection.include.list": included(capture),
        # Both of two changes of a document in one transaction, which have one position, carry the newest state.
        "capture.mode": "change_streams_update_full",
        "snapshot.mode": "initial",
        **common(capture),
    }
    if capture.role:
        config |= {"mongodb.user": capture.role, "mongodb.password": password}
    return config
