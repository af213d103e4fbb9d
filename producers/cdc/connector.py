"""What Debezium is told: one source for the local worker and for the manifest."""

from __future__ import annotations

from typing import Final

from producers.cdc.address import VERIFYING, Address
from producers.cdc.capture import Capture
from producers.cdc.connector_common import common, included, keys
from producers.cdc.other_connectors import mongodb_config, mysql_config

CLASS: Final = "io.debezium.connector.postgresql.PostgresConnector"
PLACEHOLDER: Final = "__debezium_unavailable_value"
SOURCE_TYPE_OF: Final = r".+\.numeric"
"""The type whose columns say in their schema what they are."""
MESSAGE_PREFIX: Final = "freshet-heartbeat"


def connector_config(capture: Capture, password: str | None = None) -> dict[str, str]:
    """Properties of the connector. ``password`` replaces the capture's, for example by a reference to a secret.

    Raises UsageError where another database than PostgreSQL lacks something in the definition.
    """
    secret = capture.password.get_secret_value() if password is None else password
    if capture.kind == "postgresql":
        config = _postgres_config(capture, secret)
    elif capture.kind == "mongodb":
        config = mongodb_config(capture, secret)
    else:
        config = mysql_config(capture, secret)
    return config | capture.connector


def _postgres_config(capture: Capture, password: str) -> dict[str, str]:
    return {
        "connector.class": CLASS,
        "database.hostname": capture.host,
        "database.port": str(capture.port),
        "database.user": capture.role,
        "database.password": password,
        "database.dbname": capture.database,
        **_tls(capture.address),
        "plugin.name": "pgoutput",
        "slot.name": capture.slot,
        "publication.name": capture.slot,
        # `freshet cdc add` makes it, and says what is missing where it may not.
        "publication.autocreate.mode": "disabled",
        "table.include.list": included(capture),
        # Rows that are there already are read by the producer, beside the changes and not before them.
        "snapshot.mode": "no_data",
        # Each value as PostgreSQL itself would write it, without loss.
        "decimal.handling.mode": "string",
        # Else a numeric's NaN could not be told from a text that says so.
        "datatype.propagate.source.type": SOURCE_TYPE_OF,
        "time.precision.mode": "isostring",
        "interval.handling.mode": "string",
        "hstore.handling.mode": "json",
        "binary.handling.mode": "hex",
        "include.unknown.datatypes": "true",
        "unavailable.value.placeholder": PLACEHOLDER,
        "status.update.interval.ms": "1000",
        # A write of its own keeps the slot moving while only tables that are not captured change.
        "heartbeat.action.query": f"SELECT pg_logical_emit_message(false, '{MESSAGE_PREFIX}', '')",
        "message.prefix.exclude.list": MESSAGE_PREFIX,
        **common(capture),
        **keys(capture),
    }


def _tls(address: Address) -> dict[str, str]:
    """As ``tls.ssl_context`` has it. Left out, PostgreSQL's driver takes TLS where the server has it."""
    if not address.ssl_mode:
        return {}
    found = {"database.sslmode": address.ssl_mode}
    if address.ssl_root_cert:
        found["database.sslrootcert"] = address.ssl_root_cert
    elif address.ssl_mode in VERIFYING:
        # Else its driver demands a file in its home; this one takes the authorities that the JVM trusts.
        found["database.sslfactory"] = "org.postgresql.ssl.DefaultJavaSSLFactory"
    return found
