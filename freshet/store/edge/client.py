"""The store's end of the process of a shard: starts it, asks it, starts it again should it die."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import msgpack

from freshet.errors import UnavailableError, UsageError
from freshet.store.edge.channel import FAILURE, REQUEST, Channel
from freshet.store.edge.failures import EngineFailure
from freshet.store.edge.messages import Close, Flush, decode_failure, encode

_log = logging.getLogger(__name__)

ANSWER_S = 60.0
"""No call takes so long, not even a flush on a busy disk: after it the process is killed."""
LOAD_S = 600.0
"""A load replays the log."""
SOUND_S = 60.0
"""Who lived so long and then died may be started again at once."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""Between the start of a process that died young and the next."""

_NUMBERS = 2**32 - 1

T = TypeVar("T")

Decoder = Callable[[bytes], T]
number_of: Decoder[int] = msgpack.Decoder(int).decode
nothing: Decoder[None] = msgpack.Decoder(None).decode


class Pending(Generic[T]):
    """A request that was sent."""

    def __init__(self, client: ShardClient, number: int, decode: Decoder[T]) -> None:
        self._client = client
        self._number = number
        self._decode = decode

    def answer(self) -> T:
        """Block for it. Raises what the shard failed with, and UnavailableError where its process has died."""
        return self._decode(self._client.receive(self._number))


def gather(asked: Sequence[Pending[T]]) -> list[T]:
    """Every answer. Raises the first failure, after all have answered."""
    answers: list[T] = []
    failure: Exception | None = None
    for pending in asked:
        try:
            answers.append(pending.answer())
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return answers


def close_all(clients: Sequence[ShardClient]) -> None:
    """Have all flush at once and end. Raises what the engine failed with."""
    try:
        gather([client.ask(encode(Close()), nothing) for client in clients if client.alive])
    except UnavailableError as error:
        _log.warning("%s", error)
    finally:
        for client in clients:
            client.kill()


class ShardClient:
    """Calls must not overlap: the caller holds the store's lock, or is the only one who knows of the shard.

    A process that has died is started again by the next call: nothing that was acknowledged is lost, since the log's
    pages belong to the kernel. Where it dies in a call, that call raises UnavailableError. Where it keeps dying, calls
    do so at once until it is time for the next attempt.
    """

    def __init__(self, starter: Executor, kind: str, folder: Path, creation: Sequence[str] = ()) -> None:
        """Start the process and return at once. ``creation``: make the shard first, if the folder is not there.

        A thread of ``starter`` starts it, which should live as long as the store: Linux ends the process with it.
        """
        self.folder = folder
        self.unflushed = 0
        """Changes since the last flush."""
        self.starts = 0
        """How often its process was started."""
        self._starter = starter
        self._kind = kind
        self._creation = creation
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._end: socket.socket | None = None
        self._asked = 0
        self._started = self._next_start = 0.0
        self._deaths = 0
        self._death = ""
        self._start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._channel is not None and self._process is not None and self._process.poll() is None

    def ready(self) -> None:
        """Block until it is loaded. Raises UsageError where the files are damaged."""
        self.receive(0)
        assert self._end is not None
        self._end.settimeout(ANSWER_S)
        self._creation = ()

    def ask(self, request: bytes, decode: Decoder[T], changes: int = 0) -> Pending[T]:
        """Send an encoded request. Several may be sent before the first is answered, if their answers are short."""
        channel = self._living()
        self._asked = self._asked % _NUMBERS + 1
        try:
            channel.send(self._asked, REQUEST, request)
        except OSError as error:
            raise self._died() from error
        except BaseException:
            self.kill()  # half a frame may be on its way
            raise
        self.unflushed += changes
        return Pending(self, self._asked, decode)

    def receive(self, number: int) -> bytes:
        """The answer to that request; those before it that nobody waited for are dropped."""
        channel = self._channel
        if channel is None:
            raise self._unavailable()
        try:
            frame = channel.receive()
            while frame.number != number:
                frame = channel.receive()
        except TimeoutError as error:
            self.kill()
            raise UnavailableError(f"the engine of {self.folder} did not answer", "its process was killed") from error
        except (OSError, EOFError) as error:
            raise self._died() from error
        if frame.kind == FAILURE:
            _fail(frame.body)
        return frame.body

    def flush(self) -> None:
        """Write everything out and cut the log. Blocks for 20 to 200 ms after many changes."""
        self.ask(encode(Flush()), nothing).answer()
        self.unflushed = 0

    def checkpoint(self, after: int) -> None:
        """Flush when so many points changed since: it bounds the log, and the stall of the flush."""
        if self.unflushed >= after:
            self.flush()

    def revive(self) -> None:
        """Start the process again if it has died, so that the next call need not."""
        self._living()

    def kill(self) -> None:
        """End the process now. Everything that it acknowledged is in its log. Returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _start(self) -> None:
        here, there = socket.socketpair()
        with there:
            module = "freshet.store.edge.shard_process"
            command = [sys.executable, "-m", module, self._kind, str(self.folder), *self._creation]
            environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
            try:
                self._process = self._starter.submit(
                    lambda: subprocess.Popen(command, stdin=there.fileno(), stdout=2, env=environment)
                ).result()
            except BaseException:
                here.close()
                raise
        here.settimeout(LOAD_S)
        self._end, self._channel = here, Channel(here)
        self._started = time.monotonic()
        self.starts += 1

    def _living(self) -> Channel:
        if self._channel is not None and self._process is not None and self._process.poll() is not None:
            self._died()
        if self._channel is None:
            now = time.monotonic()
            if now < self._next_start:
                raise self._unavailable()
            self._start()
            self.ready()
            _log.warning("the engine of %s was started again", self.folder)
        assert self._channel is not None
        return self._channel

    def _died(self) -> UnavailableError:
        """Note that it is gone, and how."""
        self.kill()
        assert self._process is not None
        self._death = _ending(self._process.returncode)
        now = time.monotonic()
        self._deaths = 1 if now - self._started > SOUND_S else self._deaths + 1
        pause = 0.0 if self._deaths == 1 else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self._deaths - 2))
        self._next_start = now + pause
        error = self._unavailable()
        _log.warning("%s", error)
        return error

    def _unavailable(self) -> UnavailableError:
        what = f"the engine of {self.folder} has ended"
        wait = max(0.0, self._next_start - time.monotonic())
        remedy = f"it is started again in {wait:.1f} s" if wait else "it is started again by the next call"
        times = f", {self._deaths} times in a row" if self._deaths > 1 else ""
        return UnavailableError(what, self._death + times, f"{remedy}; nothing that was acknowledged is lost")


def _fail(body: bytes) -> None:
    failure = decode_failure(body)
    if failure.kind == "usage":
        raise UsageError(failure.what, failure.detail, failure.remedy)
    if failure.kind == "unavailable":
        raise UnavailableError(failure.what, failure.detail, failure.remedy)
    if failure.kind == "system":
        raise OSError(failure.number, failure.detail)
    if failure.kind == "engine":
        raise EngineFailure(failure.detail)
    raise RuntimeError(failure.detail)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    causes = {"SIGKILL": ", perhaps for want of memory", "SIGBUS": ", perhaps for want of disk space"}
    return f"killed by {name}{causes.get(name, '')}"
