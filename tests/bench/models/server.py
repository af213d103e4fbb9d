"""The server over HTTP, load on the same machine: what it adds to the model, and what the lanes do."""

from __future__ import annotations

import asyncio
import tempfile
import time
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import httpx
import numpy as np
import psutil

from freshet.bench.texts import texts
from freshet.embedding import load_embedder
from freshet.embedding.settings import PACKAGED_MODEL
from freshet.stack.process import free_port
from freshet.stack.python_process import PythonProcess

SECONDS = 5.0
TOKENS = 14


def measure() -> tuple[list[list[str]], list[list[str]], str]:
    """Rows of: load, requests/s, texts/s, p50, p99, the server's CPU ms per text; rows of the lanes; seconds of the
    start and memory, in words.
    """
    with tempfile.TemporaryDirectory(prefix="freshet-models-") as folder:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {"FRESHET_INFERENCE_PORT": str(port)}
        process = PythonProcess(
            "inference", Path(folder) / "log", "inference.process", (), settings, lambda: _ready(url)
        )
        _pool()
        started = time.perf_counter()
        process.start()
        try:
            process.wait_ready()
            start = time.perf_counter() - started
            asyncio.run(_load(url, 2, 1, "ingest", 1.0))
            load = [_row(url, clients, items, process.pid) for clients, items in ((1, 1), (4, 1), (16, 1), (2, 32))]
            lanes = asyncio.run(_lanes(url))
            memory = _memory(process.pid)
        finally:
            process.stop()
    return (
        load,
        lanes,
        f"ready {start:.1f} s after its start (the built model there), {memory:.0f} MB resident after this",
    )


@cache
def _pool() -> list[str]:
    """Made before anything is measured; the server keeps none, so they may come again."""
    return list(islice(texts(load_embedder(), TOKENS, 1), 2_000))


def _row(url: str, clients: int, items: int, pid: int) -> list[str]:
    before = _cpu(pid)
    taken, seconds = asyncio.run(_load(url, clients, items, "ingest", SECONDS))
    each = (_cpu(pid) - before) / (len(taken) * items) * 1e3
    return [f"{clients} × {items}", *_figures(taken, seconds, items), f"{each:.2f}"]


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _lanes(url: str) -> list[list[str]]:
    """A query now and then, alone; then while ingestion keeps every instance busy."""
    alone, seconds = await _queries(url)
    rows = [["queries alone", *_figures(alone, seconds, 1)]]
    for lane, label in (
        ("query", "queries in their lane, ingestion beside"),
        ("ingest", "the same queries in ingestion's lane"),
    ):
        load = asyncio.ensure_future(_load(url, 4, 32, "ingest", SECONDS))
        await asyncio.sleep(0.5)
        asked, seconds = await _queries(url, lane)
        await load
        rows.append([label, *_figures(asked, seconds, 1)])
    return rows


async def _queries(url: str, lane: str = "query") -> tuple[list[float], float]:
    taken: list[float] = []
    contents = cycle(_pool())
    async with httpx.AsyncClient(base_url=url, timeout=30, verify=False) as client:
        started = time.perf_counter()
        while time.perf_counter() - started < SECONDS * 0.8:
            before = time.perf_counter()
            await _ask(client, [next(contents)], lane)
            taken.append((time.perf_counter() - before) * 1e3)
            await asyncio.sleep(0.02)
    return taken, time.perf_counter() - started


async def _load(url: str, clients: int, items: int, lane: str, seconds: float) -> tuple[list[float], float]:
    """Closed loop. Milliseconds of each request, seconds of it all."""
    taken: list[float] = []
    started = time.perf_counter()

    async def one(number: int) -> None:
        contents = cycle(_pool()[number * 50 :])
        async with httpx.AsyncClient(base_url=url, timeout=30, verify=False) as client:
            while time.perf_counter() - started < seconds:
                before = time.perf_counter()
                await _ask(client, [next(contents) for _ in range(items)], lane)
                taken.append((time.perf_counter() - before) * 1e3)

    await asyncio.gather(*(one(number) for number in range(clients)))
    return taken, time.perf_counter() - started


async def _ask(client: httpx.AsyncClient, contents: list[str], lane: str) -> None:
    body = {"model": PACKAGED_MODEL, "input": contents, "encoding_format": "base64"}
    (await client.post("/v1/embeddings", json=body, headers={"freshet-lane": lane})).raise_for_status()


def _figures(taken: list[float], seconds: float, items: int) -> list[str]:
    p50, p99 = np.percentile(taken, [50, 99])
    return [f"{len(taken) / seconds:.0f}", f"{len(taken) * items / seconds:.0f}", f"{p50:.1f}", f"{p99:.1f}"]


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def _memory(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6
