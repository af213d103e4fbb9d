"""Commit acknowledged to returned by a query, with what each hop took."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np

from freshet.bench.texts import texts
from freshet.embedding.load import load_embedder
from freshet.settings import model_settings
from freshet.stack.process import wait_until
from producers.cdc.captures import Captures
from producers.cdc.registration import Registration
from tests.bench.cdc.machinery import SCHEMA, Machinery, cpu_seconds
from tests.bench.cdc.writer import Commit, write

PROBES_PER_SECOND = 10.0
ASK_AGAIN_SECONDS = 0.002
GIVE_UP_SECONDS = 10.0
TOKENS = 14
_END = None


def measure(machinery: Machinery, rates: dict[float, int], warm_up: int) -> list[dict[str, Any]]:
    """``rates`` are events per second, with the number of events. One result per rate."""
    stack = machinery.stack
    assert stack is not None
    assert stack.capture is not None
    contents = texts(load_embedder(model_settings()), TOKENS, seed=3)
    capture = machinery.capture("bench")
    with machinery.database() as database:
        database.run(SCHEMA)
    folder = machinery.folder / "cdc" / "captures"
    Registration(Captures(folder), machinery.connect.url).add(capture)
    results = []
    with machinery.database() as database:
        _round(machinery, database, contents, 0, 150, warm_up)
        for number, (rate, events) in enumerate(rates.items(), start=1):
            results.append(_round(machinery, database, contents, number * 10_000_000, rate, events))
            print({key: value for key, value in results[-1].items() if key != "hops"}, flush=True)
    return results


def _round(
    machinery: Machinery, database: Any, contents: Iterator[str], first: int, rate: float, events: int
) -> dict[str, Any]:
    stack = machinery.stack
    assert stack is not None
    assert stack.capture is not None
    context = multiprocessing.get_context("spawn")
    queue, answers = context.Queue(), context.Queue()
    prober = context.Process(target=_probe, args=(queue, answers, stack.settings.search_port), daemon=True)
    prober.start()
    answers.get(timeout=60)
    step = max(1, round(rate / PROBES_PER_SECOND))

    def committed(commit: Commit) -> None:
        if commit.id % step == step // 2:
            queue.put((f"bench/public.bench/{commit.id}", commit.body, commit.acknowledged_ns))

    watched = {"connect": stack.capture.connect, "cdc": stack.capture.producer, "postgres": stack.capture.postgres}
    before = {name: cpu_seconds(process) for name, process in watched.items() if process is not None}
    began = time.monotonic()
    commits = write(database, contents, first, rate, events, committed)
    elapsed = time.monotonic() - began
    cpu = {name: (cpu_seconds(watched[name]) - used) / elapsed for name, used in before.items()}  # type: ignore[arg-type]
    queue.put(_END)
    seen: list[float | None] = answers.get(timeout=120)
    prober.join(10)
    with httpx.Client(base_url=stack.search_url, timeout=10) as client:
        last = f"/documents/bench/public.bench/{commits[-1].id}"
        wait_until(lambda: client.get(last).status_code == 200, "the last row is searchable", 60, stack.processes[:4])
        hops = _hops(client, commits)
    found = np.array([one for one in seen if one is not None])
    return {
        "rate": rate,
        "events": events,
        "unseen": sum(one is None for one in seen),
        "returned": _summary(found),
        "hops": {label: _summary(series) for label, series in hops.items()},
        "cpu": cpu,
    }


def _hops(client: httpx.Client, commits: list[Commit]) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    rows = []
    for commit in commits:
        body = client.get(f"/documents/bench/public.bench/{commit.id}").raise_for_status().json()["hops_ms"]
        rows.append(
            [body[name] for name in ("source_to_published", "published_to_embedded", "embedded_to_upserted", "total")]
        )
    table = np.array(rows)
    labels = ("commit → published", "published → embedded", "embedded → upserted", "commit → upserted")
    return {label: table[:, column] for column, label in enumerate(labels)}


def _summary(series: Any) -> dict[str, float]:
    p50, p95, p99 = np.percentile(series, (50, 95, 99))
    return {"count": len(series), "p50": float(p50), "p95": float(p95), "p99": float(p99), "worst": float(series.max())}


def _probe(queue: Any, answers: Any, port: int) -> None:
    """In a process of its own: asks until each document is the best hit."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=GIVE_UP_SECONDS)
    answers.put("ready")
    seen: list[float | None] = []
    while (asked := queue.get()) is not _END:
        seen.append(_until_found(connection, *asked))
    answers.put(seen)


def _until_found(connection: http.client.HTTPConnection, name: str, body: str, acknowledged_ns: int) -> float | None:
    path = "/search?" + urllib.parse.urlencode({"q": body, "k": 1})
    while time.time_ns() - acknowledged_ns < GIVE_UP_SECONDS * 1e9:
        connection.request("GET", path)
        results = json.loads(connection.getresponse().read())["results"]
        if results and results[0]["id"] == name:
            return (time.time_ns() - acknowledged_ns) / 1e6
        time.sleep(ASK_AGAIN_SECONDS)
    return None
