"""How many instances, on which threads: texts per second of each arrangement, alone and beside a busy process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import onnxruntime as ort

from freshet.embedding import ModelSettings
from freshet.embedding.encoder import session_options
from freshet.embedding.minilm import load_minilm
from inference.model import Row
from tests.bench.models.measure import rows_of

SECONDS = 2.5
TOKENS = 65
_BUSY = (
    "import sys,time\nn=0;end=time.time()+float(sys.argv[1])\nwhile time.time()<end:\n  n+=sum(range(1000))>0\nprint(n)"
)


@dataclass(frozen=True)
class Arrangement:
    label: str
    threads: int
    sessions: int = 1
    inside: int = 1
    pinned: bool = False
    spinning: bool = False


def arrangements(cores: int) -> list[Arrangement]:
    return [
        Arrangement("one thread", 1),
        Arrangement(f"**{cores} threads, one session**", cores),
        Arrangement(f"{cores} threads, one session, each pinned to a core", cores, pinned=True),
        Arrangement(f"{cores} threads, a session each", cores, sessions=cores),
        Arrangement(f"{2 * cores} threads, one session", 2 * cores),
        Arrangement(f"one thread, {cores} inside a computation", 1, inside=cores),
        Arrangement(f"one thread, {cores} inside, spinning while idle", 1, inside=cores, spinning=True),
    ]


def compare() -> list[list[str]]:
    """One row each: texts per second and processor time per text alone; texts per second beside a busy process, and how
    much that one got done of what it can alone.
    """
    rows = rows_of(TOKENS)
    path = _graph()
    alone = _neighbour(None)
    table = []
    for each in arrangements(os.cpu_count() or 1):
        sessions = [_session(path, each) for _ in range(each.sessions)]
        used = time.process_time()
        quiet = _rate(each, sessions, rows)
        cpu = (time.process_time() - used) / (quiet * SECONDS) * 1e3
        neighbour = subprocess.Popen([sys.executable, "-c", _BUSY, str(SECONDS)], stdout=subprocess.PIPE, text=True)
        crowded = _rate(each, sessions, rows)
        left = _neighbour(neighbour) / alone
        table.append([each.label, f"{quiet:.0f}", f"{cpu:.2f}", f"{crowded:.0f}", f"{left:.2f}"])
    return table


def _rate(each: Arrangement, sessions: Sequence[ort.InferenceSession], rows: Sequence[Row]) -> float:
    counts = [0] * each.threads
    end = time.monotonic() + SECONDS

    def work(number: int) -> None:
        if each.pinned:
            os.sched_setaffinity(threading.get_native_id(), {number % (os.cpu_count() or 1)})
        session = sessions[number % len(sessions)]
        while time.monotonic() < end:
            row = rows[(counts[number] * each.threads + number) % len(rows)]
            session.run(None, {"input_ids": row[None]})
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(each.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def _session(path: str, each: Arrangement) -> ort.InferenceSession:
    options = session_options(each.inside)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    if each.spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _graph() -> str:
    settings = ModelSettings()
    revision = load_minilm(settings, lambda stage, share: None).revision
    return str(settings.cache_dir / f"all-MiniLM-L6-v2-int8-{revision}.onnx")


def _neighbour(running: subprocess.Popen[str] | None) -> float:
    """Turns of a loop that a process gets done in SECONDS; blocks until it ends."""
    running = running or subprocess.Popen(
        [sys.executable, "-c", _BUSY, str(SECONDS)], stdout=subprocess.PIPE, text=True
    )
    return float(running.communicate()[0])
