"""Records at each limit arrive whole; those one step beyond become dead letters, or are refused before they leave."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from freshet.codec import encode_document
from freshet.errors import FreshetError, RejectedRecord
from freshet.events import MAX_METADATA_BYTES, MAX_TEXT_CHARS, DocumentEvent
from freshet.ids import MAX_ID_BYTES
from freshet.publishing.records import Delivered, RecordProducer
from freshet.topics import DOCUMENTS, MAX_RECORD_BYTES
from tests.faults.harness.ledger import Change
from tests.faults.harness.poison import Poison
from tests.faults.harness.texts import book
from tests.faults.harness.trial import Trial

LONGEST = (" ".join(book()) * 3)[:MAX_TEXT_CHARS]
OVERHEAD_BYTES = 200
"""Of a record on the wire beside its key and value, generously."""


def _id(prefix: str, size: int, letter: str = "x") -> str:
    """Of exactly so many bytes."""
    filler = size - len(f"{prefix}/".encode())
    return f"{prefix}/" + letter * (filler // len(letter.encode())) + "x" * (filler % len(letter.encode()))


def _metadata(document_id: str, size: int) -> dict[str, str]:
    """Of exactly so many bytes as JSON."""
    least = {"doc": document_id, "filler": ""}
    return {**least, "filler": "x" * (size - len(msgspec.json.encode(least)))}


def _event(document_id: str, **fields: Any) -> dict[str, Any]:
    event = {"id": document_id, "op": "upsert", "version": 1, "text": f"text of {document_id[:60]}"}
    return {**event, "metadata": {"doc": document_id}, **fields}


def _at_the_limit(prefix: str) -> list[DocumentEvent]:
    events = [
        _event(_id(prefix, MAX_ID_BYTES)),
        _event(_id(prefix, MAX_ID_BYTES, "字")),
        _event(f"{prefix}/text", text=LONGEST),
        _event(f"{prefix}/metadata", metadata=_metadata(f"{prefix}/metadata", MAX_METADATA_BYTES)),
        _event(f"{prefix}/tenant", tenant="t" * 256),
        _event(f"{prefix}/source", source="s" * 256),
        _event(f"{prefix}/version", version=2**63 - 1),
        _event(f"{prefix}/empty", text=""),
    ]
    return [DocumentEvent(**event) for event in events]


def _beyond(prefix: str) -> list[Poison]:
    events = {
        "id": ("invalid-field", _event(_id(prefix, MAX_ID_BYTES + 1))),
        "id in bytes": ("invalid-id", _event(_id(prefix, MAX_ID_BYTES + 3, "字"))),
        "text": ("invalid-field", _event(f"{prefix}/text-beyond", text=LONGEST + "x")),
        "metadata": ("metadata-too-large", _event(f"{prefix}/m", metadata=_metadata(prefix, MAX_METADATA_BYTES + 1))),
        "tenant": ("invalid-field", _event(f"{prefix}/tenant-beyond", tenant="t" * 257)),
        "source": ("invalid-field", _event(f"{prefix}/source-beyond", source="s" * 257)),
        "version": ("invalid-field", _event(f"{prefix}/version-beyond", version=2**63)),
        "part": ("invalid-field", _event(f"{prefix}/part-beyond", part=2**31)),
    }
    poisons = [
        Poison(number, kind, reason, event["id"].encode(), json.dumps(event, ensure_ascii=False).encode())
        for number, (kind, (reason, event)) in enumerate(events.items())
    ]
    largest = b"x" * (MAX_RECORD_BYTES - OVERHEAD_BYTES - len(prefix))
    return [*poisons, Poison(len(poisons), "record", "not-json", f"{prefix}/largest".encode(), largest)]


def test_oversized_records_at_each_limit(trial: Trial) -> None:
    producer = RecordProducer(trial.lab.kafka, "durable")
    beyond = _beyond(trial.prefix)

    def send(event: DocumentEvent) -> None:
        change = Change(event.id, event.version, event.op, event.text or "")

        def done(outcome: Delivered | FreshetError) -> None:
            if isinstance(outcome, Delivered):
                trial.ledger.acknowledged(change)

        trial.ledger.sent(change)
        producer.send(DOCUMENTS.name, event.id.encode(), encode_document(event), [], done)

    with trial.under_load(rate=60):
        for event in _at_the_limit(trial.prefix):
            send(event)
        for poison in beyond:
            trial.sender.send(poison)
        trial.sender.send(Change(f"{trial.prefix}/megabyte", 1, "upsert", (LONGEST + " ") * 4), trial.prefix)
        with pytest.raises(RejectedRecord, match="record-too-large"):
            producer.send(DOCUMENTS.name, b"k", b"x" * (MAX_RECORD_BYTES + 1), [], lambda outcome: None)
        producer.close()
        trial.pile_up(trial.stack.taskmanager)
    trial.verify()
    assert len(trial.sender.poisoned) == len(beyond)
    expected = {(one.partition, one.offset): one.poison for one in trial.sender.poisoned}
    letters = {(stored.letter.partition, stored.letter.offset): stored.letter for stored in trial.dead}
    assert {place: letters[place].reason for place in letters} == {
        place: poison.reason for place, poison in expected.items()
    }
    assert all(letters[place].value == poison.value for place, poison in expected.items())
