"""The folder that holds all that outlives a run. It has one owner at a time."""

from __future__ import annotations

from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from freshet.errors import UsageError
from freshet.stack.runfile import read_run_file, remove_run_file

MIN_FREE_BYTES = 1 << 30


class StateFolder:
    """``take`` it before anything is started, ``leave`` it when all has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path / "lock")

    @property
    def taken(self) -> bool:
        return bool(self._lock.is_locked)

    def take(self) -> None:
        """Also ends what an owner that was killed left running. Raises UsageError when it is another's, or full."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"the state folder {self._path} is in use",
                "another `freshet up` or `make run` runs on it",
                "use that one, stop it with Ctrl-C, or choose another folder with --state",
            ) from None
        except OSError as error:
            raise UsageError(
                f"cannot write to the state folder {self._path}", str(error), "choose another with --state"
            ) from error
        self._end_leftovers()
        free = psutil.disk_usage(str(self._path)).free
        if free < MIN_FREE_BYTES:
            raise UsageError(
                f"too little disk space for {self._path}",
                f"{free >> 20} MB are free, at least {MIN_FREE_BYTES >> 20} MB are needed",
                "free some, or choose another folder with --state",
            )

    def leave(self) -> None:
        """Nothing runs on it any more. Safe to call twice."""
        remove_run_file(self._path)
        self._lock.release()

    def _end_leftovers(self) -> None:
        """Processes of a supervisor that was killed: they hold the ports and the store."""
        try:
            entries = read_run_file(self._path).processes.values()
        except UsageError:
            return
        for entry in entries:
            try:
                process = psutil.Process(entry.pid)
                if abs(process.create_time() - entry.create_time) < 1:
                    process.kill()
                    process.wait(10)
            except psutil.NoSuchProcess:
                continue
        remove_run_file(self._path)
