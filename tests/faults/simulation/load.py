"""What a history is about: changes of a few documents, and the records that carry them, with what is wrong in some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from freshet.codec import encode_document, encode_embedding
from freshet.events import DocumentEvent, EmbeddingRecord
from tests.faults.harness.ledger import Change
from tests.faults.simulation.access import REFUSED
from tests.faults.simulation.chance import Chance
from tests.faults.simulation.double import (
    COLLECTION,
    NOT_A_NUMBER,
    SEPARATOR,
    UNFORESEEN,
    chunks_of,
    vector_of,
)
from tests.faults.simulation.kafka import Record

_BASES = (0, 0, 2**53 - 2, 2**62)
_POISON = 0.06


@dataclass(frozen=True, slots=True)
class Sending:
    """One record on its way; ``acknowledged`` is whether its sender will learn that it arrived."""

    change: Change
    record: Record
    acknowledged: bool


def load(chance: Chance, *, through_job: bool) -> list[Sending]:
    """Every record in the order of sending: shuffled within a window, some of them repeated."""
    sendings: list[Sending] = []
    for change, parts in _changes(chance):
        acknowledged = not chance.happens(0.03)
        carried = _documents(change, parts, chance) if through_job else _embeddings(change, parts, chance)
        place = (change.document_id, change.version)
        for value in carried:
            sending = Sending(change, Record(change.document_id.encode(), value, place), acknowledged)
            sendings += [sending] * (chance.between(2, 3) if chance.happens(0.08) else 1)
    window = chance.one_of((0, 3, 20, len(sendings)))
    order = sorted((number + chance.seconds(0, window), number) for number in range(len(sendings)))
    return [sendings[number] for _, number in order]


def _changes(chance: Chance) -> Iterator[tuple[Change, list[list[str]]]]:
    """Each with its parts, as lists of chunks."""
    names = [f"d{number}" for number in range(chance.between(1, 10))]
    hot = chance.happens(0.5)
    versions = {name: chance.one_of(_BASES) for name in names}
    for _ in range(chance.between(4, 24)):
        name = names[0] if hot and chance.happens(0.6) else chance.one_of(names)
        versions[name] += chance.between(1, 3)
        if chance.happens(0.2):
            yield Change(name, versions[name], "delete"), []
            continue
        parts = _parts(name, versions[name], chance)
        text = SEPARATOR.join(chunk for part in parts for chunk in part)
        yield Change(name, versions[name], "upsert", text), parts


def _parts(name: str, version: int, chance: Chance) -> list[list[str]]:
    count = chance.between(*chance.one_of(((0, 3), (1, 1), (1, 3), (2, 9), (2, 9), (10, 30))))
    chunks = [f"{name}@{version}#{number}" for number in range(count)]
    if chunks and chance.happens(_POISON):
        spoilt = chance.between(0, count - 1)
        chunks[spoilt] += " " + chance.one_of((REFUSED, NOT_A_NUMBER, UNFORESEEN))
    if count < 2 or chance.happens(0.6):
        return [chunks]
    size = chance.between(1, count)
    return [chunks[start : start + size] for start in range(0, count, size)]


def _documents(change: Change, parts: list[list[str]], chance: Chance) -> Iterator[bytes]:
    if change.op == "delete":
        yield encode_document(DocumentEvent(id=change.document_id, op="delete", version=change.version))
    for number, part in enumerate(parts):
        value = encode_document(
            DocumentEvent(
                id=change.document_id,
                op="upsert",
                version=change.version,
                text=SEPARATOR.join(part),
                part=number,
                last=number == len(parts) - 1,
            )
        )
        yield value[: len(value) // 2] if chance.happens(_POISON / 2) else value


def _embeddings(change: Change, parts: list[list[str]], chance: Chance) -> Iterator[bytes]:
    base = EmbeddingRecord(
        id=change.document_id,
        op=change.op,
        version=change.version,
        model=COLLECTION.model,
        revision=COLLECTION.revision,
    )
    if change.op == "delete":
        yield encode_embedding(base)
    for part, chunks in enumerate(parts):
        last = part == len(parts) - 1
        if not chunks:
            yield encode_embedding(msgspec.structs.replace(base, part=part, last=last))
        for number, text in enumerate(chunks):
            vector = vector_of(text).astype("<f4").tobytes()
            if NOT_A_NUMBER in text:
                vector = b"\xff" * len(vector)
            elif UNFORESEEN in text:
                vector = vector[:-1]
            value = encode_embedding(
                msgspec.structs.replace(
                    base, part=part, last=last, chunk=number, chunks=len(chunks), text=text, vector=vector
                )
            )
            yield b"\xc1" + value if chance.happens(_POISON / 4) else value


__all__ = ["Sending", "chunks_of", "load"]
