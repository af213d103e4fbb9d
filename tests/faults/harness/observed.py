"""Everything that the store and the dead letters hold, read once all is quiet."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from freshet.dead_letter_log import StoredLetter, chosen, letters
from freshet.dead_letters import DeadLetter
from freshet.settings import KafkaSettings
from tests.faults.harness.api import Api, Listed
from tests.faults.harness.checker import MIN_COSINE, Finding, Kind, ObservedDocument, Place

SAMPLE = 40
_NOTHING = ObservedDocument(-1, False)


@dataclass(frozen=True, slots=True)
class Store:
    """``hidden`` are the chunk points that no search shows, or None while some version is not yet whole."""

    documents: Mapping[str, ObservedDocument]
    hidden: int | None


def read_store(api: Api, prefix: str) -> Store:
    """Every document under the prefix with its chunks. Blocks for one request each. Raises Down."""
    heads = list(api.documents())
    documents = {head.document_id: _read(api, head) for head in heads if head.document_id.startswith(f"{prefix}/")}
    return Store(documents, hidden_chunks(api, heads))


def hidden_chunks(api: Api, heads: Collection[Listed] | None = None) -> int | None:
    """Chunk points in the whole store less those that a search can show."""
    listed = list(api.documents()) if heads is None else heads
    if any(head.pending is not None for head in listed):
        return None
    return api.stored_chunks() - sum(head.chunks for head in listed if not head.deleted)


def check_sample(api: Api, documents: Mapping[str, ObservedDocument], seed: int) -> list[Finding]:
    """Search for chunks by their own text: the score is the cosine of the stored vector with that of the text."""
    places = [(name, chunk) for name, document in sorted(documents.items()) for chunk in document.chunks]
    findings: list[Finding] = []
    for name, chunk in random.Random(seed).sample(places, min(SAMPLE, len(places))):
        hits = api.search(chunk.text, 100, **{"meta.doc": name})
        place = (chunk.version, chunk.part, chunk.chunk)
        score = next((hit.score for hit in hits if (hit.version, hit.part, hit.chunk) == place), None)
        if score is None or score < MIN_COSINE:
            detail = f"chunk {place} has cosine {score} with its text"
            findings.append(Finding(Kind.WRONG_VECTOR, name, detail))
    return findings


def dead_letters(kafka: KafkaSettings, behind: int = -1) -> list[StoredLetter]:
    """Those that lie behind this offset and were not redriven, with their values. Raises UnavailableError."""
    places = {one.place for one in letters(kafka) if one.offset > behind and not one.redriven}
    return list(chosen(kafka, places)) if places else []


def dead_places(stored: Collection[StoredLetter]) -> set[Place]:
    """Document and version of every letter whose value says them."""
    return {place for one in stored if (place := place_of(one.letter)) is not None}


def place_of(letter: DeadLetter) -> Place | None:
    """From JSON or MessagePack, whatever else is wrong with the record."""
    for decode in (msgspec.json.decode, msgspec.msgpack.decode):
        try:
            record = decode(letter.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(record, dict):
            name, version = record.get("id"), record.get("version")
            if isinstance(name, str) and isinstance(version, int):
                return name, version
    return None


def _read(api: Api, head: Listed) -> ObservedDocument:
    if head.deleted:
        return ObservedDocument(head.version, True)
    return api.document(head.document_id) or _NOTHING
