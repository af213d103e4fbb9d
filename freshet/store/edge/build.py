"""The child process of a rebuild: copies a generation's files, puts every vector into one graph, purges the deleted.

It is a process because the engine's ``optimize`` holds the GIL for the whole build. ``python -m
freshet.store.edge.build SOURCE TARGET DIMENSION M EF_CONSTRUCT PATIENCE`` prints ``copied`` and then ``built``, and
dies when its standard input closes, so with its parent, however that dies. The graph is built by a worker of idle
priority, which is stopped while others need the processors, ``PATIENCE`` seconds in all.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from freshet.parent import end_with_parent
from freshet.store.edge.copying import copy_folder
from freshet.store.edge.restraint import LOOK_S, Restraint, Usage


def main(arguments: list[str]) -> None:
    source, target = Path(arguments[0]), Path(arguments[1])
    dimension, m, ef_construct = (int(argument) for argument in arguments[2:5])
    # Not by the worker: one of idle priority may be preempted in the file system, where writers would wait for it.
    copy_folder(source, target)
    _say("copied")
    worker = os.fork()
    if worker:
        # The build holds the GIL, so only another process can watch for the parent's end.
        os._exit(_watch(worker, Restraint(float(arguments[5]))))
    _make_way()
    from qdrant_edge import EdgeShard

    from freshet.store.edge.engine import chunk_config

    shard = EdgeShard.load(str(target), chunk_config(dimension, m, ef_construct))
    shard.optimize()
    shard.flush()
    shard.close()
    _say("built")


def _make_way() -> None:
    """Take only what the pipeline leaves over, and end with the watcher."""
    end_with_parent()
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _watch(worker: int, restraint: Restraint) -> int:
    """The worker's exit code; kills it when standard input closes."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    process = psutil.Process(worker)
    looked_at, before = time.monotonic(), None
    while True:
        # With the handler set and before each wait: an end in between wakes it, as a stop does.
        gone, status = os.waitpid(worker, os.WNOHANG)
        if gone:
            return os.waitstatus_to_exitcode(status)
        ready, _, _ = select.select([0, ended], [], [], max(0.0, looked_at + LOOK_S - time.monotonic()))
        if 0 in ready:
            os.kill(worker, signal.SIGKILL)
            _, status = os.waitpid(worker, 0)
            return os.waitstatus_to_exitcode(status)
        if ended in ready:
            os.read(ended, 512)
        now = time.monotonic()
        if now - looked_at < LOOK_S:
            continue
        with suppress(psutil.NoSuchProcess):
            after = Usage.of(process)
            waits = before is not None and restraint.waits(before, after, now - looked_at)
            os.kill(worker, signal.SIGSTOP if waits else signal.SIGCONT)
            looked_at, before = now, after


if __name__ == "__main__":
    main(sys.argv[1:])
