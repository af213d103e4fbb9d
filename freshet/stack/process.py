"""One real process: start, wait until ready, logs, stop, kill, freeze. Also the fault injector of the tests."""

from __future__ import annotations

import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from freshet.errors import FreshetError, UsageError
from freshet.parent import end_with_parent
from freshet.stack.runfile import ProcessEntry

POLL_SECONDS = 0.02
MODEL_PROCESS = {
    # A pool of BLAS threads would only fight the pipeline for the same cores.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # The model's weights on huge pages: about 7 % less time per text.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Environment of a process that computes embeddings."""
PORTS = (20_000, 32_768)
"""Below what Linux and macOS give to outgoing connections, above what well-known programs listen on."""
PORT_TRIES = 50
_claims: list[FileLock] = []


class ProcessFailed(FreshetError):
    """A process ended, or was not ready in time. The detail holds the end of its log."""


class StackProcess:
    """Base of every process class. Not thread-safe: one owner starts and stops it."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """The whole environment, not an addition to the caller's."""
        return dict(os.environ)

    def prepare(self) -> None:
        """Write what the process reads at its start."""

    def user(self) -> int | None:
        """The user id to run as, of those that root may choose; None for this process's own."""
        return None

    def ready(self) -> bool:
        """Whether it serves. Called often; must not block for more than a second."""
        return True

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ProcessFailed(f"{self.name} was never started")
        return self._process.pid

    def entry(self) -> ProcessEntry:
        return ProcessEntry(self.pid, psutil.Process(self.pid).create_time(), str(self.log))

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return at once. The process dies with this one, also when this one is killed (on Linux).

        On Linux it also dies with the thread that calls this.
        """
        self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment()),
                # Its own group: a Ctrl-C at the terminal reaches only the supervisor, which then drains in order.
                start_new_session=True,
                **_identity(self.user()),
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )

    def wait_ready(self, seconds: float = 60) -> None:
        """Block until ready. Raises ProcessFailed with the log when it dies or takes longer."""
        wait_until(self.ready, f"{self.name} is ready", seconds, watch=(self,))

    def stop(self, seconds: float = 10) -> None:
        """SIGTERM, wait, SIGKILL. Returns when it is gone."""
        if self._process is None:
            return
        if self.alive:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._end_group()

    def kill(self) -> None:
        """SIGKILL, as a crash would. Returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._end_group()

    def _end_group(self) -> None:
        # What it had started in turn, such as Flink's Python workers in process mode, would live on.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP for the length of the block, then SIGCONT."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log."""
        try:
            size = self.log.stat().st_size
            with self.log.open("rb") as file:
                file.seek(max(0, size - 16_384))
                return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    def check(self) -> None:
        """Raises ProcessFailed with the log when it has ended."""
        if not self.alive and self._process is not None:
            raise ProcessFailed(
                f"{self.name} ended with exit code {self._process.returncode}", f"end of {self.log}:\n{self.tail()}"
            )


def resident_bytes(process: psutil.Process) -> int:
    """Of the process and all that it has started, such as the store's engines; shared pages count in each of them."""
    return sum(memory.rss for memory in _memory(process))


def private_bytes(process: psutil.Process) -> int:
    """Of these, what is no page of a file: mapped files fill up and are given back as the system likes. Linux only."""
    return sum(memory.rss - memory.shared for memory in _memory(process))


def _memory(process: psutil.Process) -> Iterator[Any]:
    yield process.memory_info()
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            yield child.memory_info()


def wait_until(
    condition: Callable[[], bool],
    what: str,
    seconds: float,
    watch: Sequence[StackProcess] = (),
) -> None:
    """Block until the condition holds. Raises ProcessFailed after ``seconds``, or when a watched process dies."""
    deadline = time.monotonic() + seconds
    while not condition():
        for process in watch:
            process.check()
        if time.monotonic() > deadline:
            logs = "\n".join(f"end of {process.log}:\n{process.tail()}" for process in watch)
            raise ProcessFailed(f"waited {seconds:g} s in vain until {what}", logs)
        time.sleep(POLL_SECONDS)


def free_port(preferred: int = 0) -> int:
    """``preferred`` if nothing listens there, else any free port that the system does not hand out by itself.

    It is this process's until it ends: no other that asks here is given the same before something listens there.
    """
    # One of its ephemeral ports may be taken by anybody's outgoing connection before a slow process binds it.
    for port in (preferred or _some_port(), *(_some_port() for _ in range(PORT_TRIES))):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if _claim(port):
            return port
    raise UsageError("no free port on 127.0.0.1", "", "end something that listens")


def _claim(port: int) -> bool:
    folder = Path(tempfile.gettempdir()) / f"freshet-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    claim = FileLock(folder / str(port), thread_local=False)
    try:
        claim.acquire(blocking=False)
    except Timeout:
        return False
    _claims.append(claim)
    return True


def _some_port() -> int:
    return random.randrange(*PORTS)


def accepts(port: int) -> bool:
    """Whether something listens on 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _identity(user: int | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
