"""Compares what was acknowledged with what the store and the dead letters hold. Pure: no process, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np

from freshet.store.protocol import Vector
from tests.faults.harness.ledger import Change, Expectation

MIN_COSINE = 0.99


class Kind(Enum):
    """What can be wrong with a document once all is quiet."""

    LOST = "lost"
    """Acknowledged, and neither in the store nor a dead letter."""
    STALE = "stale"
    """The store shows an older version than the newest acknowledged."""
    GHOST = "ghost"
    """The store shows what was never sent, or what was deleted."""
    TORN = "torn"
    """The chunks are not those of exactly one version."""
    DUP = "dup"
    """Two points for one chunk."""
    TWICE = "twice"
    """In the store and a dead letter as well."""
    WRONG_VECTOR = "wrong-vector"
    """The vector is not that of the text: cosine below MIN_COSINE."""
    BACKWARDS = "backwards"
    """A search saw an older version after a newer one."""
    LEFTOVER = "leftover"
    """Chunk points that no search can show, and that nothing will remove."""


class Finding(NamedTuple):
    kind: Kind
    document_id: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.name} {self.document_id}: {self.detail}"


class ObservedChunk(NamedTuple):
    version: int
    part: int
    chunk: int
    text: str
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class ObservedDocument:
    """What the store says of one document: the head's version, and the chunks that a search can find."""

    version: int
    deleted: bool
    chunks: Sequence[ObservedChunk] = field(default_factory=tuple)


ChunksOf = Callable[[str], Sequence[str]]
"""The chunks that a text is cut into."""
Place = tuple[str, int]
"""Document id and version."""


def check(
    expected: Mapping[str, Expectation],
    observed: Mapping[str, ObservedDocument],
    dead: Collection[Place],
    chunks_of: ChunksOf,
) -> list[Finding]:
    """Every violation, by document. ``observed`` is all that the store holds, also what nobody expects there.

    ``dead`` are the changes that lie in dead letters and were not redriven since.
    """
    findings: list[Finding] = []
    for document_id, expectation in expected.items():
        findings += _check_document(expectation, observed.get(document_id), dead, chunks_of)
    for document_id in observed.keys() - expected.keys():
        findings.append(Finding(Kind.GHOST, document_id, "it was never sent"))
    return findings


def _check_document(
    expectation: Expectation, seen: ObservedDocument | None, dead: Collection[Place], chunks_of: ChunksOf
) -> Iterator[Finding]:
    document_id = expectation.document_id
    newest = next((one for one in reversed(expectation.acknowledged) if (document_id, one.version) not in dead), None)
    if seen is None or seen.version < 0:
        if newest is not None and newest.op == "upsert":
            yield Finding(Kind.LOST, document_id, f"version {newest.version} is nowhere")
        return
    if not seen.deleted and (document_id, seen.version) in dead:
        yield Finding(Kind.TWICE, document_id, f"version {seen.version} is in the store and a dead letter")
    if newest is not None and seen.version < newest.version:
        yield from _behind(document_id, newest, seen)
        return
    sent = (*expectation.acknowledged, *expectation.unknown)
    shown = next((change for change in sent if change.version == seen.version), None)
    if shown is None:
        yield Finding(Kind.GHOST, document_id, f"version {seen.version} was never sent")
    elif shown.op == "delete":
        if not seen.deleted or seen.chunks:
            yield Finding(Kind.GHOST, document_id, f"deleted in version {shown.version}, and found")
    elif seen.deleted:
        yield Finding(Kind.LOST, document_id, f"version {shown.version} is an upsert, and shown as deleted")
    else:
        yield from _check_chunks(document_id, seen, chunks_of(shown.text))


def _behind(document_id: str, newest: Change, seen: ObservedDocument) -> Iterator[Finding]:
    if newest.op == "delete":
        if not seen.deleted:
            yield Finding(Kind.GHOST, document_id, f"deleted in {newest.version}, and version {seen.version} is found")
    elif seen.deleted:
        yield Finding(
            Kind.LOST, document_id, f"deleted in {seen.version}, and version {newest.version} never came back"
        )
    else:
        yield Finding(Kind.STALE, document_id, f"version {seen.version} is shown, {newest.version} was acknowledged")


def _check_chunks(document_id: str, seen: ObservedDocument, texts: Sequence[str]) -> Iterator[Finding]:
    counted = Counter((chunk.version, chunk.part, chunk.chunk) for chunk in seen.chunks)
    for place, count in counted.items():
        if count > 1:
            yield Finding(Kind.DUP, document_id, f"{count} points for version, part, chunk {place}")
    strangers = {chunk.version for chunk in seen.chunks} - {seen.version}
    if strangers:
        yield Finding(Kind.TORN, document_id, f"version {seen.version} is shown with chunks of {sorted(strangers)}")
        return
    by_place = {(chunk.part, chunk.chunk): chunk.text for chunk in seen.chunks}
    found = [by_place[place] for place in sorted(by_place)]
    if found != list(texts):
        detail = f"version {seen.version} has {len(found)} chunks that are not its {len(texts)}"
        yield Finding(Kind.TORN, document_id, detail)


def check_vectors(
    observed: Mapping[str, ObservedDocument], embed: Callable[[Sequence[str]], Sequence[Vector]]
) -> list[Finding]:
    """Embed the given documents' chunks again and compare. ``embed`` returns L2-normalised vectors."""
    findings: list[Finding] = []
    for document_id, document in observed.items():
        stored = [chunk for chunk in document.chunks if chunk.vector is not None]
        again = embed([chunk.text for chunk in stored]) if stored else []
        for chunk, vector in zip(stored, again, strict=True):
            assert chunk.vector is not None
            if not (cosine := float(np.dot(chunk.vector, vector))) >= MIN_COSINE:
                detail = f"chunk {chunk.part}/{chunk.chunk}: cosine {cosine:.3f}"
                findings.append(Finding(Kind.WRONG_VECTOR, document_id, detail))
    return findings
