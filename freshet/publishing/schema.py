"""The JSON Schema of ``documents``, for programs in any language: ``python -m freshet.publishing.schema [file]``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from freshet.codec import documents_schema
from freshet.events import MAX_METADATA_BYTES
from freshet.ids import MAX_ID_BYTES

SCHEMA_PATH: Final = Path("docs/schema/documents.json")
SCHEMA_ID: Final = "urn:freshet:schema:documents:1"

_NO_CONTROL: Final = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
_RFC_3339: Final = (
    "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?"
    "([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$"
)
_EXAMPLES: Final[list[dict[str, Any]]] = [
    {
        "id": "orders/4711",
        "op": "upsert",
        "version": 1763708400123456789,
        "text": "The customer asks for delivery before noon.",
        "metadata": {"status": "open", "tags": ["priority", "north"], "total": 129.5},
        "tenant": "acme",
        "source": "shop",
        "occurred_at": "2026-11-21T07:00:00.123456Z",
    },
    {"id": "manual", "op": "upsert", "version": 42, "text": "First part of a long text.", "part": 0, "last": False},
    {"id": "manual", "op": "upsert", "version": 42, "text": "Its end.", "part": 1, "last": True},
    {"id": "orders/4711", "op": "delete", "version": 1763708460000000000},
]
_CONDITIONS: Final[list[dict[str, Any]]] = [
    {
        "if": {"properties": {"op": {"const": "upsert"}}},
        "then": {"required": ["text"], "properties": {"text": {"type": "string"}}},
    },
    {
        "if": {"properties": {"op": {"const": "delete"}}},
        "then": {"properties": {"part": {"const": 0}, "last": {"const": True}}},
    },
]


def published_schema() -> dict[str, Any]:
    """``codec.documents_schema`` as one self-contained draft 2020-12 schema, with the rules that span fields."""
    generated = documents_schema()
    event: dict[str, Any] = dict(generated["$defs"]["DocumentEvent"])
    event["description"] = " ".join(str(event["description"]).replace("``", "`").split())
    properties = {name: dict(rules) for name, rules in event.pop("properties").items()}
    properties["id"]["pattern"] = _NO_CONTROL
    moment = next(rules for rules in properties["occurred_at"]["anyOf"] if rules["type"] == "string")
    properties["occurred_at"]["anyOf"] = [{**moment, "pattern": _RFC_3339}, {"type": "null"}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **event,
        "title": "Value of a record on the topic documents; its key is the id",
        "$comment": (
            f"Beyond what a schema can say: id has at most {MAX_ID_BYTES} bytes of printable UTF-8, metadata at most "
            f"{MAX_METADATA_BYTES} bytes as JSON, integers are written without a fraction, occurred_at is a real date. "
            "Fields not named here are ignored."
        ),
        "properties": properties,
        "allOf": _CONDITIONS,
        "examples": _EXAMPLES,
    }


def rendered() -> str:
    """The file's content."""
    return json.dumps(published_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA_PATH
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(rendered(), encoding="utf-8")
