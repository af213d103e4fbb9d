"""The log of librdkafka's clients: while a broker is away they say so many times a second, here now and then."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable

QUIET_SECONDS = 10.0
"""For which a line like one that was written is only counted."""
_KINDS = 200
_VARIABLE = re.compile(r"\d+")


class RepeatFilter(logging.Filter):
    """Lets a line pass once in ``QUIET_SECONDS``, and says how many like it, other numbers apart, were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        kind = (record.levelno, _VARIABLE.sub("#", text))
        now = self._clock()
        with self._lock:
            written, left_out = self._seen.get(kind, (-QUIET_SECONDS, 0))
            if now - written < QUIET_SECONDS:
                self._seen[kind] = (written, left_out + 1)
                return False
            if len(self._seen) >= _KINDS:
                self._seen.clear()
            self._seen[kind] = (now, 0)
        if left_out:
            record.msg, record.args = f"{text} ({left_out} more like it since the last)", ()
        return True


log = logging.getLogger("freshet.librdkafka")
log.addFilter(RepeatFilter())
