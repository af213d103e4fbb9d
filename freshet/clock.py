"""Wall time, in one place so that tests and the simulation can replace it."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns nanoseconds since the Unix epoch."""

wall_clock: Clock = time.time_ns
