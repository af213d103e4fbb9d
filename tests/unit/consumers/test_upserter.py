"""The consumer's loop on the real embedded store: what is committed when, and what a failure costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from consumers.observer import Observer
from consumers.policies import seed
from consumers.settings import ConsumerSettings
from consumers.source import Message
from consumers.upserter import Upserter
from freshet.codec import encode_embedding
from freshet.dead_letters import DeadLetter
from freshet.errors import UnavailableError
from freshet.events import EmbeddingRecord
from freshet.store import CollectionInfo, VectorStore
from freshet.store.settings import StoreSettings, open_store

COLLECTION = CollectionInfo("double", "r1", 4)
VECTOR = np.full(4, 0.5, dtype="<f4").tobytes()


@pytest.fixture(scope="module")
def observer() -> Observer:
    return Observer(lambda: 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    opened = open_store(StoreSettings(path=tmp_path / "store", index_in_background=False))
    opened.open(COLLECTION)
    yield opened
    opened.close()


@dataclass
class ListSource:
    """One partition that is a list."""

    values: list[bytes]
    position: int = 0
    committed: dict[int, int] = field(default_factory=dict)
    partitions: frozenset[int] = frozenset({0})
    idled: int = 0
    idled_seconds: float = 0.0
    lose_on_idle: bool = False

    def fetch(self, limit: int, seconds: float) -> list[Message]:
        batch = [
            Message("vector-embeddings", 0, offset, b"key", self.values[offset], {})
            for offset in range(self.position, min(len(self.values), self.position + limit))
        ]
        self.position += len(batch)
        return batch

    def idle(self, seconds: float) -> None:
        self.idled += 1
        self.idled_seconds += seconds
        if self.lose_on_idle:
            self.partitions = frozenset()

    def owned(self) -> frozenset[int]:
        return self.partitions

    def commit(self, positions: Mapping[int, int]) -> None:
        self.committed.update({p: o for p, o in positions.items() if p in self.partitions})

    def rewind(self, positions: Mapping[int, int]) -> None:
        if 0 in self.partitions:
            self.position = positions[0]

    def lag(self) -> int:
        return len(self.values) - self.position

    def close(self) -> None: ...


class Letters(list[DeadLetter]):
    def send(self, letters: Sequence[DeadLetter]) -> None:
        self.extend(letters)


class FailingStore:
    """The real store, but the first writes fail as a server that is down would."""

    def __init__(self, store: VectorStore, failures: int) -> None:
        self._store = store
        self.failures = failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, *arguments: object) -> None:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("the store is down")
        self._store.write(*arguments)  # type: ignore[arg-type]


def record(document_id: str, version: int, **changes: object) -> bytes:
    fields: dict[str, object] = {
        "id": document_id, "op": "upsert", "version": version, "chunks": 1,
        "text": f"{document_id}@{version}", "vector": VECTOR, "model": "double", "revision": "r1", **changes,
    }  # fmt: skip
    return encode_embedding(EmbeddingRecord(**fields))  # type: ignore[arg-type]


def upserter(source: ListSource, store: object, letters: Letters, observer: Observer, **more: object) -> Upserter:
    return Upserter(
        source=source,
        store=store,  # type: ignore[arg-type]
        dead_letters=letters,
        collection=COLLECTION,
        policy=seed,
        observer=observer,
        clock=lambda: 0,
        **{"settings": ConsumerSettings(), **more},  # type: ignore[arg-type]
    )


def test_records_are_found_and_offsets_wait_for_the_flush(store: VectorStore, observer: Observer) -> None:
    source, letters = ListSource([record("a", 1), record("b", 1)]), Letters()
    loop = upserter(source, store, letters, observer)
    assert loop.step() == 2
    assert {hit.document_id for hit in store.search(np.full(4, 0.5, np.float32), 10)} == {"a", "b"}
    assert source.committed == {}
    loop.commit()
    assert source.committed == {0: 2}
    assert letters == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xc1 garbage", "undecodable"),
        (b"", "empty-record"),
        (record("x", 1, revision="r0"), "wrong-revision"),
        (record("x", 1, vector=b"\0" * 12), "bad-vector"),
        (record("x", 1, vector=np.full(4, np.nan, "<f4").tobytes()), "bad-vector"),
    ],
)
def test_a_bad_record_is_dead_lettered_whole_and_its_neighbours_go_on(
    store: VectorStore, observer: Observer, value: bytes, reason: str
) -> None:
    source, letters = ListSource([record("a", 1), value, record("b", 1)]), Letters()
    upserter(source, store, letters, observer).step()
    assert [(letter.reason, letter.value, letter.offset, letter.stage) for letter in letters] == [
        (reason, value, 1, "consumer")
    ]
    assert set(store.heads(["a", "b", "x"])) == {"a", "b"}


def test_a_store_that_is_down_for_a_while_costs_nothing(store: VectorStore, observer: Observer) -> None:
    source, letters = ListSource([record("a", 1)]), Letters()
    loop = upserter(source, FailingStore(store, failures=3), letters, observer)
    loop.step()
    assert source.idled == 3
    assert store.heads(["a"])["a"].version == 1
    assert letters == []


def test_a_batch_whose_partition_was_lost_is_given_up_uncommitted(store: VectorStore, observer: Observer) -> None:
    source, letters = ListSource([record("a", 1)], lose_on_idle=True), Letters()
    loop = upserter(source, FailingStore(store, failures=99), letters, observer)
    loop.step()
    loop.commit()
    assert source.committed == {}
    assert store.heads(["a"]) == {}


def test_stopping_while_the_store_is_down_leaves_the_batch_for_the_next_start(
    store: VectorStore, observer: Observer
) -> None:
    source = ListSource([record("a", 1)])
    loop = upserter(source, FailingStore(store, failures=99), Letters(), observer, stopping=lambda: True)
    loop.step()
    loop.commit()
    assert source.committed == {}
    assert source.position == 0


def test_replaying_the_whole_topic_changes_nothing(store: VectorStore, observer: Observer) -> None:
    values = [record("a", 1), record("a", 3), record("a", 2), record("b", 1, op="delete", chunks=0, vector=b"")]
    source = ListSource(values)
    loop = upserter(source, store, Letters(), observer)
    loop.step()
    before = store.heads(["a", "b"]), store.stats()
    source.position = 0
    loop.step()
    assert (store.heads(["a", "b"]), store.stats()) == before
    assert before[0]["a"].version == 3
    assert before[0]["b"].deleted


def test_records_gather_between_two_small_batches_and_never_behind_a_full_one(
    store: VectorStore, observer: Observer
) -> None:
    now = 0
    settings = ConsumerSettings(linger_seconds=0.005, initial_limit=2)
    source = ListSource([record("a", 1)])
    loop = upserter(source, store, Letters(), observer, settings=settings, ticks=lambda: now)
    loop.step()
    assert source.idled == 0, "the first record waits for none"
    now = 2_000_000
    loop.step()
    assert source.idled_seconds == pytest.approx(0.003)
    now = 5_000_000
    source.values += [record(name, 1) for name in "bcd"]
    assert loop.step() == 2
    assert loop.step() == 1
    assert source.idled == 1
