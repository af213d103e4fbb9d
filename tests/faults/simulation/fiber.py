"""A process that can be frozen in the middle of any call: a thread that runs only while it holds the baton."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Killed(BaseException):
    """Ends a fiber as kill -9 ends a process: nothing that catches Exception sees it."""


class Fiber:
    """``body`` runs in a thread of its own, but never beside the caller: exactly one of the two runs at a time."""

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        self._body = body
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._killed = False
        self.ended = False
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Run it until it pauses or ends. Called from outside."""
        self._go.release()
        self._back.acquire()
        if self.ended:
            self._thread.join()

    def pause(self) -> None:
        """Give the baton back, and wait for it. Called from within; raises Killed where ``kill`` was called."""
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def kill(self) -> None:
        """End it where it stands. Called from outside."""
        self._killed = True
        while not self.ended:
            self.resume()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._killed:
                self._body()
        except Killed:
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.ended = True
            self._back.release()
