"""Bytes to records and back. Decoding raises RejectedRecord with a reason, never anything else."""

from __future__ import annotations

from array import array
from typing import Any

import msgspec

from freshet.errors import RejectedRecord
from freshet.events import MAX_METADATA_BYTES, DocumentEvent, EmbeddingRecord
from freshet.ids import check_document_id

_document_decoder = msgspec.json.Decoder(DocumentEvent)
_json_encoder = msgspec.json.Encoder()
_embedding_json = msgspec.json.Decoder(EmbeddingRecord)


class _NumbersRecord(EmbeddingRecord, frozen=True, kw_only=True):
    """As a program writes it that has numbers and no bytes, such as a job in SQL."""

    vector: list[float]  # type: ignore[assignment]


_numbers_json = msgspec.json.Decoder(_NumbersRecord)
_embedding_msgpack = msgspec.msgpack.Decoder(EmbeddingRecord)
_msgpack_encoder = msgspec.msgpack.Encoder()

_JSON_OBJECT = 0x7B  # "{"; a msgpack map never starts with this byte


def encode_document(event: DocumentEvent) -> bytes:
    return _json_encoder.encode(event)


def decode_document(value: bytes | None, key: bytes | None = None) -> DocumentEvent:
    """Parse and check one ``documents`` record. A missing key is allowed, a key that differs from the id is not."""
    if value is None or not value:
        raise RejectedRecord("empty-record", "it has no value; a delete is a record with op=delete and a version")
    try:
        event = _document_decoder.decode(value)
    except msgspec.ValidationError as error:
        raise RejectedRecord("invalid-field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedRecord("not-json", str(error)) from error
    check_document_id(event.id)
    if key is not None and key != event.id.encode():
        raise RejectedRecord("key-mismatch", f"the record's key {key[:80]!r} is not its id {event.id[:80]!r}")
    if event.op == "upsert" and event.text is None:
        raise RejectedRecord("missing-text", "an upsert needs a text (an empty one is allowed)")
    if event.op == "delete" and (event.part or not event.last):
        raise RejectedRecord("invalid-field", "a delete has exactly one part")
    if event.metadata and len(_json_encoder.encode(event.metadata)) > MAX_METADATA_BYTES:
        raise RejectedRecord("metadata-too-large", f"metadata is larger than {MAX_METADATA_BYTES} bytes")
    return event


def encode_embedding(record: EmbeddingRecord, *, as_json: bool = False) -> bytes:
    """msgpack by default; JSON (vector in base64) for people who read the topic."""
    return _json_encoder.encode(record) if as_json else _msgpack_encoder.encode(record)


def decode_embedding(value: bytes | None) -> EmbeddingRecord:
    """Parse either encoding, told apart by the first byte. In JSON the vector may also be a list of numbers."""
    if value is None or not value:
        raise RejectedRecord("empty-record", "the record has no value")
    decoder = _embedding_json if value[0] == _JSON_OBJECT else _embedding_msgpack
    try:
        record = decoder.decode(value)
    except msgspec.ValidationError as error:
        if decoder is not _embedding_json or not str(error).endswith("`$.vector`"):
            raise RejectedRecord("invalid-field", str(error)) from error
        record = _of_numbers(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedRecord("undecodable", str(error)) from error
    check_document_id(record.id)
    if record.op == "upsert" and record.chunks and record.chunk >= record.chunks:
        raise RejectedRecord("invalid-field", f"chunk {record.chunk} of {record.chunks}")
    return record


def _of_numbers(value: bytes) -> EmbeddingRecord:
    try:
        found = _numbers_json.decode(value)
    except msgspec.ValidationError as error:
        raise RejectedRecord("invalid-field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RejectedRecord("undecodable", str(error)) from error
    fields = msgspec.structs.asdict(found)
    return EmbeddingRecord(**{**fields, "vector": array("f", found.vector).tobytes()})


def documents_schema() -> dict[str, Any]:
    """The JSON Schema of a ``documents`` value, for programs in any language."""
    return msgspec.json.schema(DocumentEvent)
