"""The batch limit over time: batches are told to it, and now and then its policy is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consumers.policies import Policy
from consumers.settings import ConsumerSettings
from consumers.window import BatchWindow


@dataclass(frozen=True, slots=True)
class Decision:
    """The policy was asked. ``p99`` is of the batch time in seconds, None while the window is empty."""

    before: int
    after: int
    p99: float | None


class BatchLimit:
    """``value`` records at most go into the next batch. Knows no clock: the caller says what time it is."""

    def __init__(self, policy: Policy, settings: ConsumerSettings, now_ns: int) -> None:
        self.value = settings.initial_limit
        self._policy = policy
        self._window = BatchWindow(settings.window_seconds)
        self._interval_ns = int(settings.adapt_seconds * 1e9)
        self._asked_at = now_ns

    def record(self, size: int, seconds: float, waited: float | None, now_ns: int) -> None:
        """One batch was acknowledged after ``seconds``; its oldest record had waited ``waited`` seconds, if known."""
        self._window.record(size, seconds, waited, now_ns)

    def adapt(self, now_ns: int, backlog: Callable[[], int]) -> Decision | None:
        """Ask the policy if it is time to; ``backlog`` counts the records that wait, and is called only then."""
        if now_ns - self._asked_at < self._interval_ns:
            return None
        self._asked_at = now_ns
        seen = self._window.observe(now_ns, backlog())
        before, self.value = self.value, self._policy(self.value, seen)
        return Decision(before, self.value, seen.p99)
