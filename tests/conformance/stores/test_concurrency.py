"""Searches beside a writer that flips versions: never stale, never torn, never missing."""

from __future__ import annotations

import threading
import time

import pytest

from freshet.store import VectorStore
from tests.conformance.stores.conftest import Backend
from tests.conformance.stores.material import chunk, head, put, remove, toward

DOCUMENTS = 6
CHUNKS = 3
SECONDS = 2.0


def test_searches_beside_version_flips(backend: Backend, store: VectorStore) -> None:
    if backend.name == "memory":
        pytest.skip("the client's memory mode is not safe for threads")
    acknowledged = dict.fromkeys(map(str, range(DOCUMENTS)), 0)
    removed = {"gone": 0}
    problems: list[str] = []
    stop = threading.Event()
    searches = [0]

    for name in acknowledged:
        put(store, *[chunk(name, 0, number) for number in range(CHUNKS)])

    def write() -> None:
        version = 0
        while not stop.is_set():
            version += 1
            for name in acknowledged:
                put(store, *[chunk(name, version, number) for number in range(CHUNKS)])
                acknowledged[name] = version
            store.write([chunk("gone", 2 * version)], [head("gone", 2 * version)], {})
            remove(store, "gone", 2 * version + 1)
            removed["gone"] = 2 * version + 1

    def search() -> None:
        while not stop.is_set():
            before, dead = dict(acknowledged), removed["gone"]
            hits = store.search(toward(0), (DOCUMENTS + 1) * CHUNKS)
            searches[0] += 1
            for name, version in before.items():
                seen = [hit for hit in hits if hit.document_id == name]
                versions = {hit.version for hit in seen}
                if len(versions) != 1 or min(versions) < version:
                    problems.append(f"{name}: {version} was acknowledged, {sorted(versions)} found")
                elif {hit.chunk for hit in seen} != set(range(CHUNKS)):
                    problems.append(f"{name}: chunks {[hit.chunk for hit in seen]}")
            if any(hit.document_id == "gone" and hit.version < dead for hit in hits):
                problems.append("a deleted document was found")

    def guarded(target: object) -> None:
        try:
            target()  # type: ignore[operator]
        except BaseException as error:
            problems.append(repr(error))
            stop.set()

    threads = [threading.Thread(target=guarded, args=(target,)) for target in (write, search, search)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and not problems:
        stop.wait(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems[:3] == []
    assert searches[0] > 20
    assert min(acknowledged.values()) > 20
