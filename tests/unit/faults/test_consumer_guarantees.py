"""What the simulation found in the consumer, each as small as it can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from consumers import progress
from consumers.batch import Arrival, plan
from consumers.observer import Observer
from consumers.settings import ConsumerSettings
from consumers.source import Message
from consumers.upserter import Upserter
from freshet.codec import encode_embedding
from freshet.dead_letters import DeadLetter
from freshet.errors import RejectedRecord, UnavailableError
from freshet.events import EmbeddingRecord
from freshet.store import ChunkPoint, CollectionInfo, Head, Progress, VectorStore
from tests.faults.simulation.clock import SimulatedClock
from tests.faults.simulation.store import SimulatedStore

COLLECTION = CollectionInfo("double", "r1", 4)
VECTOR = np.full(4, 0.5, "<f4")


def record(
    version: int, chunk: int = 0, chunks: int = 1, document_id: str = "a", text: str = "text"
) -> EmbeddingRecord:
    return EmbeddingRecord(
        id=document_id, op="upsert", version=version, chunk=chunk, chunks=chunks, text=text,
        vector=VECTOR.tobytes(), model="double", revision="r1",
    )  # fmt: skip


class OnePartition:
    """A Source on a list; ``commits`` fail as often as told."""

    def __init__(self, records: Sequence[EmbeddingRecord]) -> None:
        self.values = [encode_embedding(one) for one in records]
        self.position = self.committed = self.failures = 0
        self.in_fetch: Callable[[], None] = lambda: None

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        self.in_fetch()
        end = min(len(self.values), self.position + limit)
        start, self.position = self.position, end
        return [Message("vector-embeddings", 0, at, b"a", self.values[at], {}) for at in range(start, end)]

    def idle(self, seconds: float) -> None: ...

    def owned(self) -> frozenset[int]:
        return frozenset({0})

    def commit(self, positions: object) -> None:
        assert isinstance(positions, dict)
        if positions and self.failures:
            self.failures -= 1
            raise UnavailableError("cannot commit")
        self.committed = positions.get(0, self.committed)

    def rewind(self, positions: object) -> None:
        assert isinstance(positions, dict)
        self.position = positions.get(0, self.position)

    def lag(self) -> int:
        return 0

    def close(self) -> None: ...


class Letters(list[DeadLetter]):
    def send(self, letters: Sequence[DeadLetter]) -> None:
        self.extend(letters)


OBSERVER = Observer(lambda: 0)


class Bench:
    """A consumer on a simulated server, which makes writes durable a second after they were acknowledged."""

    def __init__(self, *records: EmbeddingRecord, limit: int = 50) -> None:
        self.clock = SimulatedClock()
        self.store = SimulatedStore(self.clock, durability_lag_s=1.0)
        self.store.open(COLLECTION)
        self.source, self.letters = OnePartition(records), Letters()
        self.limit = limit
        self.consumer = self.made(self.store)

    def made(self, store: VectorStore) -> Upserter:
        return Upserter(
            source=self.source,
            store=store,
            dead_letters=self.letters,
            collection=COLLECTION,
            settings=ConsumerSettings(initial_limit=self.limit, commit_seconds=1e6, adapt_seconds=1e6),
            policy=lambda limit, seen: limit,
            observer=OBSERVER,
            clock=lambda: self.clock.now,
        )

    def commit_durably(self) -> None:
        self.consumer.commit()
        self.clock.advance(2)
        self.consumer.commit()


def test_what_a_restarted_server_lost_is_written_again_before_it_is_committed() -> None:
    bench = Bench(record(1))
    bench.consumer.step()
    bench.store.lose_power(keep=0.0)
    bench.commit_durably()
    assert bench.source.committed == 0
    bench.consumer.step()
    bench.consumer.step()
    bench.commit_durably()
    assert bench.source.committed == 1
    assert bench.store.heads(["a"])["a"].version == 1


def test_writes_lost_between_two_batches_of_one_version_are_noticed() -> None:
    bench = Bench(record(1, 0, 2), record(1, 1, 2), limit=1)
    bench.consumer.step()
    bench.store.lose_power(keep=0.0)
    bench.consumer.step()
    bench.commit_durably()
    assert bench.source.committed == 0
    for _ in range(3):
        bench.consumer.step()
    bench.commit_durably()
    assert bench.source.committed == 2
    assert bench.store.heads(["a"])["a"].chunks == 2


def test_a_frozen_consumer_that_wakes_does_not_undo_what_was_noted_meanwhile() -> None:
    bench = Bench(*(record(1, chunk, 4) for chunk in range(4)), limit=1)
    bench.consumer.step()
    late = plan([Arrival(record(1, 1, 4), {})], bench.store.heads(["a"]), 0)
    bench.consumer.step()
    bench.consumer.step()
    bench.store.write(late.chunks, late.heads, late.sweep)
    bench.consumer.step()
    assert bench.store.heads(["a"])["a"].version == 1, "no chunk that had come was forgotten"


def test_the_old_version_is_swept_only_when_the_new_head_is_certain() -> None:
    bench = Bench(record(1), record(2), limit=1)
    bench.consumer.step()
    bench.consumer.step()
    assert bench.store.stats().chunks == 2
    bench.commit_durably()
    assert bench.store.stats().chunks == 1


def test_a_commit_that_failed_is_made_later() -> None:
    bench = Bench(record(1))
    bench.consumer.step()
    bench.source.failures = 1
    with pytest.raises(UnavailableError):
        bench.commit_durably()
    bench.consumer.commit()
    assert bench.source.committed == 1


def test_a_record_that_the_store_refuses_costs_its_own_document_nothing_else() -> None:
    class Refusing(SimulatedStore):
        def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: object) -> None:
            if any(chunk.text == "bad" for chunk in chunks):
                raise RejectedRecord("store-refused")
            assert isinstance(sweep, dict)
            super().write(chunks, heads, sweep)

    bench = Bench(record(1), record(2, text="bad"), record(1, document_id="b"))
    store = Refusing(bench.clock, 1.0)
    store.open(COLLECTION)
    bench.made(store).step()
    assert [letter.offset for letter in bench.letters] == [1]
    assert {name: head.version for name, head in store.heads(["a", "b"]).items()} == {"a": 1, "b": 1}


def test_partitions_that_went_away_during_a_batch_are_not_committed_by_it() -> None:
    bench = Bench(record(1), record(2), limit=1)
    bench.consumer.step()
    bench.source.in_fetch = lambda: bench.consumer.release(frozenset({0}))
    bench.source.position = 2
    bench.consumer.step()
    bench.commit_durably()
    assert bench.source.committed == 0


def test_an_older_version_becomes_whole_while_a_newer_one_is_not() -> None:
    begun = plan([Arrival(record(9, 0, 2), {})], {}, 0).reached
    older = plan([Arrival(record(3), {})], begun, 0)
    assert older.outcomes == {"written": 1}
    head = older.reached["a"]
    assert head.version == 3
    assert [one.version for one in head.incomplete] == [9]
    whole = plan([Arrival(record(9, 1, 2), {})], older.reached, 0).reached["a"]
    assert (whole.version, whole.incomplete) == (9, ())


def test_too_many_versions_under_way_forget_the_lowest() -> None:
    heads: dict[str, Head] = {}
    for version in range(1, progress.MAX_INCOMPLETE + 3):
        heads = plan([Arrival(record(version, 0, 2), {})], heads, 0).reached
    assert [one.version for one in heads["a"].incomplete] == list(range(3, progress.MAX_INCOMPLETE + 3))
    assert plan([Arrival(record(1, 0, 2), {})], heads, 0).outcomes == {"stale": 1}


def test_a_head_has_reached_another_when_it_says_as_much_or_something_newer() -> None:
    noted = Head("a", 1, pending=Progress(4, partial={0: (3, 1)}))
    more = Head("a", 1, pending=Progress(4, partial={0: (3, 3)}))
    assert progress.reached(more, noted)
    assert not progress.reached(noted, more)
    assert progress.reached(Head("a", 4), more)
    assert not progress.reached(None, noted)
    assert not progress.reached(Head("a", 3, pending=Progress(5)), noted)
    assert not progress.reached(Head("a", 4), Head("a", 4, deleted=True))
    assert progress.reached(Head("a", 1, pending=Progress(4, full=((0, 1),))), noted)
