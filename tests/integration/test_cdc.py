"""A row that is committed in PostgreSQL is found by search, in its newest state, and gone when deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from producers.cdc.database import Database
from producers.cdc.sample import install
from producers.cdc.settings import CdcSettings
from tests.integration.cdc_stack import CdcStack, capturing

SECONDS = 60.0


@pytest.fixture(scope="module")
def cdc(stack: LocalStack) -> Iterator[CdcStack]:
    with capturing(stack) as opened:
        settings = CdcSettings(captures=opened.captures.folder, connect_url=opened.capture.connect.url)
        install(opened.url, settings)
        yield opened


@pytest.fixture
def database(cdc: CdcStack) -> Iterator[Database]:
    with cdc.connect() as opened:
        yield opened


def found(cdc: CdcStack, text: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{cdc.stack.search_url}/search", params={"q": text, "source": "sample", "k": 5}, timeout=10)
    results: list[dict[str, Any]] = answer.raise_for_status().json()["results"]
    return results


def wait_first(cdc: CdcStack, text: str, document_id: str) -> dict[str, Any]:
    hits: list[dict[str, Any]] = []

    def first() -> bool:
        hits[:] = found(cdc, text)
        return bool(hits) and hits[0]["id"] == document_id

    wait_until(first, f"{text!r} finds {document_id}", SECONDS, cdc.capture.processes)
    return hits[0]


def wait_gone(cdc: CdcStack, document_id: str) -> None:
    def gone() -> bool:
        return httpx.get(f"{cdc.stack.search_url}/documents/{document_id}", timeout=10).status_code == 410

    wait_until(gone, f"{document_id} is gone", SECONDS, cdc.capture.processes)


def test_rows_that_were_there_before_are_found(cdc: CdcStack) -> None:
    hit = wait_first(cdc, "baking a loaf with yeast", "sample/public.articles/3")
    assert hit["metadata"]["tags"] == ["kitchen", "baking"]
    assert hit["tenant"] == "public"
    assert hit["metadata"]["updated_at"].endswith("Z")
    wait_first(cdc, "keeps bees on a roof", "sample/public.authors/1")


def test_a_row_is_found_changed_moved_and_deleted(cdc: CdcStack, database: Database) -> None:
    database.run("INSERT INTO articles (id, title, body) VALUES (100, 'Tides', 'The moon pulls the sea twice a day.')")
    wait_first(cdc, "why does the ocean rise and fall", "sample/public.articles/100")
    database.run("UPDATE articles SET title = 'Owls', body = 'They hunt at night without a sound.' WHERE id = 100")
    wait_first(cdc, "nocturnal birds", "sample/public.articles/100")
    database.run("UPDATE articles SET id = 101 WHERE id = 100")
    wait_first(cdc, "nocturnal birds", "sample/public.articles/101")
    wait_gone(cdc, "sample/public.articles/100")
    database.run("DELETE FROM articles WHERE id = 101")
    wait_gone(cdc, "sample/public.articles/101")
