"""``freshet up``: start everything, keep it running, show one live line."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from freshet.settings import SearchSettings
from freshet.stack.local import LocalStack
from freshet.stack.settings import StackSettings
from freshet.stack.supervisor import Supervisor

REFRESH_SECONDS = 1.0
PLAIN_LINE_SECONDS = 10.0

_err = Console(stderr=True)


class _Stopping(Exception):
    """The first Ctrl-C or SIGTERM."""


def up(settings: StackSettings) -> None:
    """Block until Ctrl-C. Raises UsageError or ProcessFailed when it cannot start; then nothing is left running."""
    logging.basicConfig(level=logging.ERROR)
    stack = LocalStack(settings)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    console = Console()
    try:
        _start(stack, console)
        _announce(stack, console)
        _watch(stack, console)
    except _Stopping:
        signal.signal(signal.SIGINT, lambda *_: _abort(stack))
        signal.signal(signal.SIGTERM, lambda *_: _abort(stack))
        _drain(stack)
    except BaseException:
        stack.abort()
        raise


def _start(stack: LocalStack, console: Console) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def progress(step: str, share: float) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=1.0)
            bars.update(tasks[step], completed=share)
            if share >= 1 and not console.is_terminal:
                console.print(f"{step}: ready")

        stack.prepare(progress)
        for step in ("broker", "search", "flink job"):
            tasks[step] = bars.add_task(step, total=None)
        stack.start(progress)


def _announce(stack: LocalStack, console: Console) -> None:
    console.print(
        f"Freshet is up.  look [bold]{stack.search_url}[/]   Flink {stack.flink.url}   "
        f"Kafka {stack.broker.bootstrap}   state {stack.state}"
    )
    if stack.observers is not None:
        console.print(f"Prometheus {stack.observers.prometheus.url}/alerts")
    if stack.capture is not None:
        if stack.capture.postgres is not None:
            console.print(
                f"PostgreSQL [bold]psql {stack.capture.postgres.url}[/]: change a row of articles, then search."
            )
        console.print("Captured databases: `.venv/bin/freshet cdc status`.")
        for warning in stack.capture.warnings:
            console.print(f"! {warning}", style="yellow", markup=False)
    if stack.settings.watch:
        console.print(
            f"Watching [bold]{stack.settings.watch}[/]: save a file there, then "
            '`.venv/bin/freshet search "what you wrote"`.  Ctrl-C stops.'
        )


def _watch(stack: LocalStack, console: Console) -> None:
    supervisor = Supervisor(stack)
    line = StatusLine(stack, supervisor)
    if console.is_terminal:
        with Live(line.text(), console=console, refresh_per_second=4) as live:
            while True:
                for message in supervisor.check():
                    live.console.print(f"[yellow]{message}[/]")
                live.update(line.text())
                time.sleep(REFRESH_SECONDS)
    last = ""
    shown = 0.0
    while True:
        for message in supervisor.check():
            console.print(message)
        text = line.text().plain
        if text != last and time.monotonic() - shown > PLAIN_LINE_SECONDS:
            console.print(text)
            last, shown = text, time.monotonic()
        time.sleep(REFRESH_SECONDS)


class StatusLine:
    """documents, chunks, events/s, freshness, batch limit, lag; and what is down."""

    def __init__(self, stack: LocalStack, supervisor: Supervisor) -> None:
        self._stack = stack
        self._supervisor = supervisor
        self._events: tuple[float, int] | None = None
        key = SearchSettings().api_key
        self._headers = {"X-API-Key": key.get_secret_value()} if key else {}

    def text(self) -> Text:
        line = Text()
        if down := self._supervisor.down():
            line.append(f"down: {', '.join(down)}  ", style="bold red")
        try:
            status = httpx.get(f"{self._stack.search_url}/status", headers=self._headers, timeout=2).json()
            store, consumer = status["store"], status["host"].get("consumer")
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return line.append("search does not answer", style="red")
        line.append(f"{store['documents']} documents  {store['chunks']} chunks  ")
        if consumer is None:
            # In a process of its own: only the store's figures are to be had here.
            return line.append(self._files())
        fresh = consumer["freshness_ms"]
        line.append(f"{self._rate(sum(consumer['outcomes'].values())):.0f} events/s  ")
        if fresh["p50"] is not None:
            line.append(f"fresh p50 {fresh['p50']:.0f} ms p99 {fresh['p99']:.0f} ms  ", style="bold green")
        line.append(f"batch ≤ {consumer['batch_limit']}  lag {consumer['lag']}")
        if consumer["error"]:
            line.append(f"  {consumer['error']}", style="red")
        return line.append(self._files())

    def _rate(self, total: int) -> float:
        now = time.monotonic()
        before, self._events = self._events, (now, total)
        return max(0, total - before[1]) / max(now - before[0], 1e-3) if before else 0.0

    def _files(self) -> str:
        try:
            files = json.loads((self._stack.state / "files" / "files.json").read_bytes())
        except (OSError, ValueError):
            return ""
        left = files["to_publish"] - files["published"]
        refused = f"  {files['refused']} refused (freshet dead-letters list)" if files["refused"] else ""
        return (f"  indexing: {left} files to go" if left > 0 else "") + refused


def _drain(stack: LocalStack) -> None:
    _err.print("\nStopping: what is published is being made searchable. Ctrl-C again stops at once.")
    if not stack.drain():
        _err.print("Not all of it is searchable yet: the next start goes on from there.")
    stack.stop()
    _err.print("Stopped.")


def _stop(_number: int, _frame: object) -> None:
    raise _Stopping


def _abort(stack: LocalStack) -> None:
    stack.abort()
    _err.print("Stopped at once.")
    sys.exit(130)
