"""Filters by metadata, tenant and source, whatever the keys and values are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from freshet.events import Metadata, Scalar
from freshet.store import Filter, VectorStore
from tests.conformance.stores.material import chunk, put, toward

LONG = "long " * 200

DOCUMENTS: dict[str, Metadata] = {
    "en": {"lang": "en", "year": 2024, "tags": ["a", "b"], "draft": False, "score": 0.5},
    "de": {"lang": "de", "year": 2025, "tags": ["b", "c"], "draft": True, "score": 1.0},
    "bare": {},
    "odd": {"lang": None, 'a."b"[0] ключ': "x=y", "lsn": 2**62 + 1, "big": 2**80, "tags": [], "long": LONG + "1"},
    "odder": {"lsn": 2**62, "long": LONG + "2", "mixed": [1, "1", True, None, 1.5]},
}


@pytest.fixture
def filled(store: VectorStore) -> VectorStore:
    for number, (name, metadata) in enumerate(DOCUMENTS.items()):
        tenant, source = ("acme", "files") if number % 2 else ("", "postgres")
        put(store, chunk(name, 1, angle=number / 10, metadata=metadata, tenant=tenant, source=source))
    return store


def _names(store: VectorStore, where: Filter) -> set[str]:
    return {hit.document_id for hit in store.search(toward(0), 10, where)}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("lang", "en", {"en"}),
        ("lang", ["en", "de"], {"en", "de"}),
        ("lang", None, {"odd"}),
        ("lang", ["de", None], {"de", "odd"}),
        ("lang", [], set()),
        ("lang", "e", set()),
        ("absent", "en", set()),
        ("year", 2024, {"en"}),
        ("year", 2024.0, {"en"}),
        ("year", "2024", set()),
        ("score", 1, {"de"}),
        ("score", 0.5, {"en"}),
        ("draft", True, {"de"}),
        ("draft", 1, set()),
        ("tags", "b", {"en", "de"}),
        ("tags", ["a", "c"], {"en", "de"}),
        ("lsn", 2**62, {"odder"}),
        ("lsn", 2**62 + 1, {"odd"}),
        ("big", 2**80, {"odd"}),
        ('a."b"[0] ключ', "x=y", {"odd"}),
        ("long", LONG + "1", {"odd"}),
        ("long", LONG + "3", set()),
        ("mixed", None, {"odder"}),
        ("mixed", 1.5, {"odder"}),
        ("mixed", "1", {"odder"}),
        ("mixed", False, set()),
    ],
)
def test_metadata(filled: VectorStore, key: str, value: Scalar | Sequence[Scalar], expected: set[str]) -> None:
    assert _names(filled, Filter(metadata={key: value})) == expected


def test_tenant_and_source(filled: VectorStore) -> None:
    assert _names(filled, Filter(tenant="acme")) == {"de", "odd"}
    assert _names(filled, Filter(tenant="")) == {"en", "bare", "odder"}
    assert _names(filled, Filter(source="files")) == {"de", "odd"}
    assert _names(filled, Filter(tenant="acme", source="postgres")) == set()


def test_all_conditions_must_hold(filled: VectorStore) -> None:
    assert _names(filled, Filter(metadata={"tags": "b", "lang": "de"}, tenant="acme")) == {"de"}
    assert _names(filled, Filter(metadata={"tags": "b", "lang": "de"}, tenant="")) == set()
    assert _names(filled, Filter()) == set(DOCUMENTS)


def test_a_filter_sees_the_live_version_only(filled: VectorStore) -> None:
    put(filled, chunk("en", 2, metadata={"lang": "fr"}))
    assert _names(filled, Filter(metadata={"lang": "en"})) == set()
    assert _names(filled, Filter(metadata={"lang": "fr"})) == {"en"}


def test_metadata_comes_back_as_it_was(filled: VectorStore) -> None:
    for name, metadata in DOCUMENTS.items():
        document = filled.document(name)
        assert document is not None
        assert document[1][0].metadata == metadata
