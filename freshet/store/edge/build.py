"""The child process of a rebuild: copies a generation's files, puts every vector into one graph, purges the deleted.

It is a process because the engine's ``optimize`` holds the GIL for the whole build. ``python -m
freshet.store.edge.build SOURCE TARGET DIMENSION M EF_CONSTRUCT`` prints ``copied`` and then ``built``, and dies when
its standard input closes, so with its parent, however that dies. The priority is the parent's choice.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

from qdrant_edge import EdgeShard

from freshet.store.edge.copying import copy_folder
from freshet.store.edge.engine import chunk_config


def main(arguments: list[str]) -> None:
    source, target = Path(arguments[0]), Path(arguments[1])
    dimension, m, ef_construct = (int(argument) for argument in arguments[2:])
    worker = os.fork()
    if worker:
        # The build holds the GIL, so only another process can watch for the parent's end.
        os._exit(_watch(worker))
    copy_folder(source, target)
    _say("copied")
    shard = EdgeShard.load(str(target), chunk_config(dimension, m, ef_construct))
    shard.optimize()
    shard.flush()
    shard.close()
    _say("built")


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _watch(worker: int) -> int:
    """The worker's exit code; kills it when standard input closes."""
    ended, wake = os.pipe()
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gone, status = os.waitpid(worker, os.WNOHANG)
    if not gone:
        ready, _, _ = select.select([0, ended], [], [])
        if 0 in ready:
            os.kill(worker, signal.SIGKILL)
        _, status = os.waitpid(worker, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main(sys.argv[1:])
