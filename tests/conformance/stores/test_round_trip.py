"""What goes in comes out: heads, pending progress, text in any script, large metadata; and after reopening."""

from __future__ import annotations

import pytest

from freshet.errors import RevisionMismatch, UnavailableError, UsageError
from freshet.store import ChunkPoint, CollectionInfo, Head, Progress, VectorStore
from tests.conformance.stores.conftest import Backend
from tests.conformance.stores.material import INFO, chunk, found, put, remove, toward

FULL = Head(
    document_id="a",
    version=2**63 - 1,
    chunks=3,
    metadata={"lang": "en", "tags": ["x", None, 1.5, True], "big": 2**70},
    tenant="acme",
    source="files",
    model="m",
    revision="r",
    stamps={"freshet-published": 1_763_700_000_123_456_789},
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    pending=Progress(2**62, ((0, 3), (5, 6)), {3: (300, 2**299 + 1), 4: (2, 1)}, 9, 812),
    older=(Progress(5, ((1, 2),)), Progress(7, partial={0: (2, 2)}, chunks=1)),
)


def test_a_head_with_everything(store: VectorStore) -> None:
    bare = Head("b", -1, pending=Progress(1))
    store.write([], [FULL, bare], {})
    assert store.heads(["a", "b", "c"]) == {"a": FULL, "b": bare}


def test_a_pending_head_hides_and_shows_as_its_version_does(store: VectorStore) -> None:
    put(store, chunk("a", 1))
    store.write([chunk("a", 2)], [Head("a", 1, pending=Progress(2, partial={0: (2, 1)}))], {})
    assert found(store) == [("a", 1, 0)]
    store.write([chunk("b", 1)], [Head("b", -1, pending=Progress(1))], {})
    assert found(store) == [("a", 1, 0)]
    assert store.document("b") == (Head("b", -1, pending=Progress(1)), [])


@pytest.mark.parametrize("text", ["", "日本語のテキスト", "عربى 🇩🇪 👩‍👩‍👧", 'a\x00b\n\t"\\', "x" * 200_000])
def test_text(store: VectorStore, text: str) -> None:
    put(store, chunk("d/ü 文 🎈", 1, text=text))
    assert store.search(toward(0), 1)[0].text == text
    assert set(store.heads(["d/ü 文 🎈"])) == {"d/ü 文 🎈"}


def test_large_metadata(store: VectorStore) -> None:
    metadata = {f"key-{number}": "value " * 50 for number in range(100)}
    store.write([chunk("a", 1, metadata=dict(metadata))], [Head("a", 1, metadata=dict(metadata))], {})
    assert store.search(toward(0), 1)[0].head.metadata == metadata


def test_another_revision_is_refused_with_the_way_out(backend: Backend, store: VectorStore) -> None:
    if backend.name == "edge":
        store.close()
    for other in (
        CollectionInfo(INFO.model, "r2", INFO.dimension),
        CollectionInfo("other", INFO.revision, INFO.dimension),
        CollectionInfo(INFO.model, INFO.revision, 8),
    ):
        with pytest.raises(RevisionMismatch) as caught:
            backend.make().open(other)
        assert "r1" in str(caught.value)
        assert caught.value.remedy


def test_reopening_finds_everything(backend: Backend) -> None:
    store = backend.open()
    put(store, chunk("a", 1), chunk("a", 1, 1, angle=0.2))
    put(store, chunk("b", 1, angle=0.4))
    remove(store, "b", 2)
    store.write([], [FULL], {})
    store.flush()
    again = backend.reopen(store)
    assert again.heads(["a"]) == {"a": FULL}
    assert again.heads(["b"])["b"].deleted
    put(again, chunk("c", 1))
    assert found(backend.reopen(again)) == [("c", 1, 0)]


def test_a_store_that_is_not_open_says_so(backend: Backend) -> None:
    store = backend.make()
    with pytest.raises(UnavailableError):
        store.heads(["a"])
    with pytest.raises(UnavailableError):
        store.write([chunk("a", 1)], [], {})
    store.close()
    store.close()


def test_a_vector_of_another_size_is_refused_and_nothing_is_written(store: VectorStore) -> None:
    wrong = ChunkPoint("b", 1, 0, 0, "text", toward(0)[:2], {})
    with pytest.raises(UsageError):
        store.write([chunk("a", 1), wrong], [Head("a", 1), Head("b", 1)], {})
    assert store.heads(["a", "b"]) == {}
    assert store.stats().chunks == 0
