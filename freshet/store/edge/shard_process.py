"""The process of one shard: loads it, answers what the store asks over the socket at its standard input.

``python -m freshet.store.edge.shard_process chunks|heads FOLDER [create DIMENSION M EF_CONSTRUCT]``

Every call of the engine holds the GIL, ``load``, ``flush`` and ``close`` too; here that stops nobody but those who wait
for this shard. It answers one request after the other, in order. It imports little, so that it starts at once, ends
with its parent, however that ends, and leaves it to the parent to heed a Ctrl-C.
"""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.parent import end_with_parent
from freshet.store.edge import engine
from freshet.store.edge.channel import ANSWER, FAILURE, Channel
from freshet.store.edge.chunk_shard import ChunkShard
from freshet.store.edge.failures import is_engine_error, is_panic
from freshet.store.edge.head_shard import HeadShard
from freshet.store.edge.messages import Close, Failure, decode_request, encode

_FORMER_S = 10.0
"""A former process of this folder ends as soon as its call in progress has."""


def main(arguments: list[str]) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_with_parent()
    channel = Channel(socket.socket(fileno=0))
    try:
        _serve(channel, *arguments)
    except (EOFError, OSError):
        # The parent is gone. What it was told is in the log: nothing is flushed, its successor may be waiting.
        os._exit(0)


def _serve(channel: Channel, kind: str, folder: str, *creation: str) -> None:
    try:
        shard = _opened(kind, Path(folder), creation)
    except BaseException as error:
        channel.send(0, FAILURE, encode(_failure(error)))
        os._exit(1)
    gc.freeze()
    channel.send(0, ANSWER, encode(None))
    answers: dict[type[Any], Callable[[Any], object]] = shard.answers()
    while True:
        number, _, body = channel.receive()
        try:
            request = decode_request(body)
            answer = encode(answers[type(request)](request))
        except BaseException as error:
            channel.send(number, FAILURE, encode(_failure(error)))
            if is_panic(error):
                os._exit(1)  # its locks may be poisoned; the store starts another one
            continue
        channel.send(number, ANSWER, answer)
        if isinstance(request, Close):
            os._exit(0)


def _opened(kind: str, folder: Path, creation: tuple[str, ...]) -> ChunkShard | HeadShard:
    if creation and not folder.is_dir():
        if kind == "heads":
            HeadShard.create(folder)
        else:
            dimension, m, ef_construct = (int(number) for number in creation[1:])
            ChunkShard.create(folder, engine.chunk_config(dimension, m, ef_construct))
    _hold(folder)
    return HeadShard(folder) if kind == "heads" else ChunkShard(folder)


def _hold(folder: Path) -> None:
    """Lock the folder for as long as this process lives. Two engines on one log would destroy it."""
    handle = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + _FORMER_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{folder} is in use", "by a process of a former store that does not end", "kill that process"
                ) from error
            time.sleep(0.005)


def _failure(error: BaseException) -> Failure:
    if isinstance(error, FreshetError):
        kind = "usage" if isinstance(error, UsageError) else "unavailable"
        return Failure(kind, error.what, error.detail, error.remedy)
    if isinstance(error, OSError):
        return Failure("system", detail=error.strerror or str(error), number=error.errno or 0)
    if is_engine_error(error):
        return Failure("engine", detail=str(error))
    return Failure("bug", detail="".join(traceback.format_exception(error)))


if __name__ == "__main__":
    main(sys.argv[1:])
