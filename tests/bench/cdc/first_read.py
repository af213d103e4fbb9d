"""Rows that were there before: how fast they become searchable, and what live changes see meanwhile."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import httpx
import numpy as np

from freshet.stack.process import wait_until
from producers.cdc.captures import Captures
from producers.cdc.progress import Progress
from producers.cdc.registration import Registration
from tests.bench.cdc.machinery import SCHEMA, Machinery, resident_mb
from tests.bench.cdc.writer import write

LIVE_RATE = 20.0


def measure(machinery: Machinery, rows: int, seconds: float) -> dict[str, Any]:
    """Blocks until all rows are searchable, at most for ``seconds``."""
    stack = machinery.stack
    assert stack is not None
    assert stack.capture is not None
    capture = machinery.capture("bench")
    with machinery.database() as database:
        database.run(SCHEMA)
        database.run(
            f"""INSERT INTO bench (id, body) SELECT n, 'Report ' || n || ' about the ' ||
                (ARRAY['harbour','garden','engine','library','kitchen','mountain'])[1 + n % 6]
                || ' of district ' || n % 97
                FROM generate_series(1, {rows}) AS n"""
        )
        before = resident_mb(stack.capture.producer)
        peak = [before]
        stop = threading.Event()
        watching = threading.Thread(target=_watch, args=(stack.capture.producer, peak, stop), daemon=True)
        watching.start()
        began = time.monotonic()
        captures = Captures(machinery.folder / "cdc" / "captures")
        Registration(captures, machinery.connect.url).add(capture)
        capture = captures.read("bench")
        progress = machinery.folder / "cdc"
        wait_until(lambda: _read(progress, capture) > 0, "the first rows are read", 60, stack.processes)
        live: list[float] = []
        with httpx.Client(base_url=stack.search_url, timeout=10) as client:
            first = 50_000_000
            for round_number in itertools.count():
                texts = (f"Live change {count} of round {round_number}" for count in itertools.count())
                commits = write(database, texts, first + round_number * 1_000, LIVE_RATE, int(LIVE_RATE * 5))
                live += [_total(client, commit.id) for commit in commits]
                if Progress(progress).of(capture, capture.tables[0]).done:
                    break
                if time.monotonic() - began > seconds:
                    raise AssertionError(f"{_read(progress, capture)} of {rows} rows after {seconds} s")
            last = f"/documents/bench/public.bench/{rows}"
            wait_until(lambda: client.get(last).status_code == 200, "the last row is searchable", 60, stack.processes)
        elapsed = time.monotonic() - began
        stop.set()
        watching.join()
    series = np.array(live)
    p50, p95, p99 = np.percentile(series, (50, 95, 99))
    return {
        "rows": rows, "seconds": elapsed, "rows_per_second": rows / elapsed, "memory_before": before,
        "memory_peak": max(peak), "connect_memory": resident_mb(stack.capture.connect), "live": len(live), "p50": p50,
        "p95": p95, "p99": p99, "worst": float(series.max()),
    }  # fmt: skip


def _total(client: httpx.Client, row: int) -> float:
    """Commit to upserted, in ms."""
    path = f"/documents/bench/public.bench/{row}"
    wait_until(lambda: client.get(path).status_code == 200, f"live row {row} is searchable", 30)
    total: float = client.get(path).json()["hops_ms"]["total"]
    return total


def _read(folder: Any, capture: Any) -> int:
    return Progress(folder).of(capture, capture.tables[0]).rows


def _watch(process: Any, peak: list[int], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        peak.append(resident_mb(process))
