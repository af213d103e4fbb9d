"""Mistakes that the job could make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Dead, Embedded, Ingestion
from freshet.errors import UnavailableError
from tests.faults.simulation.double import DoubleEmbedder, SeparatorChunker


class ForgetfulGuard(VersionGuard):
    """Remembers nothing. No mistake: nothing may rest on it."""

    def admits(self, document_id: str, version: int) -> bool:
        return True


class HastyGuard(VersionGuard):
    """Counts a version as passed when it is asked about, whatever becomes of it."""

    def admits(self, document_id: str, version: int) -> bool:
        admitted = super().admits(document_id, version)
        self.passed(document_id, version)
        return admitted


class DropsWhenModelIsAway(Ingestion):
    """A model that cannot answer costs the record."""

    def process(
        self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()
    ) -> Iterator[Embedded | Dead]:
        try:
            yield from super().process(key, value, arrivals)
        except UnavailableError:
            return


class DropsRefused(Ingestion):
    """What cannot be embedded is left out, without a dead letter."""

    def process(
        self, key: bytes | None, value: bytes | None, arrivals: Sequence[bytes | None] = ()
    ) -> Iterator[Embedded | Dead]:
        yield from (out for out in super().process(key, value, arrivals) if isinstance(out, Embedded))


def drops_when_away(embedder: DoubleEmbedder, guard: VersionGuard) -> Ingestion:
    return DropsWhenModelIsAway(embedder, SeparatorChunker(), guard, clock=lambda: 0)


def drops_refused(embedder: DoubleEmbedder, guard: VersionGuard) -> Ingestion:
    return DropsRefused(embedder, SeparatorChunker(), guard, clock=lambda: 0)
