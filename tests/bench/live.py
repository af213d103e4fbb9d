"""What thousands of open live pages cost: ``python -m tests.bench.live > docs/results/live.md``."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import psutil

from freshet.bench.machine import describe
from freshet.changes import Changes, Listener, WrittenBatch
from freshet.headers import SOURCE_COMMIT
from freshet.service import Resources
from freshet.settings import KafkaSettings, SearchSettings
from freshet.store import CollectionInfo, Head
from freshet.store.settings import StoreSettings, open_store
from search.service import SearchService
from tests.unit.embedder_double import HashEmbedder

PAGES = (0, 1, 100, 1_000, 10_000)
CHANGES_PER_SECOND = 100
SECONDS = 10.0
FILES = 15_000
SPAWN = multiprocessing.get_context("spawn")
CONNECTING = 100
"""At once: the backlog of the listening socket is finite."""


@dataclass(frozen=True, slots=True)
class Cost:
    """``late`` are seconds that the writer's call took, or a search, sorted."""

    pages: int
    refused: int
    megabytes: float
    processor: float
    told: Sequence[float]
    searched: Sequence[float]
    delayed: Sequence[float]


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def clients(port: int, pages: int, pipe: Connection) -> None:
    """Opens ``pages`` + 1 streams and reads them all; tells how many were refused, then how late changes came."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    asyncio.run(_read(port, pages, pipe))


async def _read(port: int, pages: int, pipe: Connection) -> None:
    statuses: list[bytes] = []
    delays: list[float] = []
    gate = asyncio.Semaphore(CONNECTING)

    async def one() -> None:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            writer.write(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
            statuses.append((await reader.readline()).split()[1])
        while line := await reader.readline():
            if line.startswith(b'data: {"changes":[{'):
                at = line.rfind(b'"at":') + 5
                delays.append(time.time() - float(line[at : line.index(b",", at)]) / 1e3)

    tasks = [asyncio.create_task(one()) for _ in range(pages + 1)]
    while len(statuses) < len(tasks):
        await asyncio.sleep(0.05)
    pipe.send(statuses.count(b"503"))
    await asyncio.to_thread(pipe.recv)
    delays.clear()
    await asyncio.to_thread(pipe.recv)
    pipe.send(sorted(delays))


def measure(pages: int) -> Cost:
    """In a process of its own each: what one leaves in memory must not count for the next."""
    embedder = HashEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(StoreSettings(path=Path(folder) / "store"))
        store.open(CollectionInfo(embedder.model, embedder.revision, embedder.dimension))
        changes = Changes()
        settings = SearchSettings(port=0, max_streams=pages)
        service = SearchService(
            Resources(store, embedder, changes=changes), settings, KafkaSettings(bootstrap="127.0.0.1:1")
        )
        service.start()
        ours, theirs = multiprocessing.Pipe()
        process = psutil.Process()
        before = process.memory_info().rss
        reading = SPAWN.Process(target=clients, args=(service.port, pages, theirs), daemon=True)
        reading.start()
        refused = int(ours.recv())
        stop = threading.Event()
        told: list[float] = []
        writer = threading.Thread(target=_write, args=(changes.writer(), stop, told))
        writer.start()
        ours.send("measure")
        used = sum(process.cpu_times()[:2])
        searched = _search(f"http://127.0.0.1:{service.port}")
        processor = (sum(process.cpu_times()[:2]) - used) / SECONDS
        megabytes = (process.memory_info().rss - before) / 2**20
        ours.send("done")
        delayed: list[float] = ours.recv()
        stop.set()
        writer.join()
        reading.terminate()
        reading.join()
        service.stop()
        store.close()
    return Cost(pages, refused, megabytes, processor, sorted(told), searched, delayed)


def _write(tell: Listener, stop: threading.Event, told: list[float]) -> None:
    number = 0
    while not stop.wait(1 / CHANGES_PER_SECOND):
        number += 1
        now = time.time_ns()
        head = Head(f"bench/{number}", number, chunks=1, stamps={SOURCE_COMMIT: now - 20_000_000})
        started = time.perf_counter()
        tell(WrittenBatch(1, now - 1_000_000, now, (head,)))
        told.append(time.perf_counter() - started)


def _search(url: str) -> list[float]:
    took = []
    with httpx.Client(base_url=url, timeout=30) as http:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            started = time.perf_counter()
            http.get("/search", params={"q": "how long may it take"}).raise_for_status()
            took.append(time.perf_counter() - started)
            time.sleep(0.01)
    return sorted(took)


def _measured(pages: int, pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    pipe.send(measure(pages))


def main() -> None:
    costs = []
    for pages in PAGES:
        ours, theirs = multiprocessing.Pipe()
        child = SPAWN.Process(target=_measured, args=(pages, theirs))
        child.start()
        costs.append(ours.recv())
        child.join()
    print(
        f"""# What open live pages cost

Command: `python -m tests.bench.live > docs/results/live.md`

{describe()}
- load: {CHANGES_PER_SECOND} changes a second and a search every 10 ms, for {SECONDS:g} s; the pages' process is on the
  same machine; no broker, and a model that costs nothing

One page more than allowed asks each time, and is refused. *Told* is the time that the writer's thread spends per batch,
*late* how long after a change a page had read it.

| pages | refused | memory, MB | cores used | told p99, ms | search p50 / p99, ms | late p50 / p99, ms |
| --- | --- | --- | --- | --- | --- | --- |"""
    )
    for one in costs:
        cells = (
            f"{one.pages:,}",
            str(one.refused),
            f"{one.megabytes:.0f}",
            f"{one.processor:.2f}",
            f"{percentile(one.told, 0.99) * 1e3:.2f}",
            f"{percentile(one.searched, 0.5) * 1e3:.1f} / {percentile(one.searched, 0.99) * 1e3:.1f}",
            f"{percentile(one.delayed, 0.5) * 1e3:.0f} / {percentile(one.delayed, 0.99) * 1e3:.0f}"
            if one.delayed
            else "–",
        )
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
