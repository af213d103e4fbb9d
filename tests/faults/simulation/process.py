"""What every simulated process can suffer at any call: to be slowed, frozen or killed."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.simulation.chance import Chance, Rates
from tests.faults.simulation.clock import SECOND, SimulatedClock
from tests.faults.simulation.fiber import Fiber, Killed


class Process:
    """Runs ``body`` as a fiber. Calls that take time or can go wrong pass through ``point``."""

    def __init__(
        self, name: str, clock: SimulatedClock, chance: Chance, rates: Rates, trace: Callable[[str], None]
    ) -> None:
        self.name, self.clock, self.chance, self.rates = name, clock, chance, rates
        self._trace = trace
        self.skew = chance.one_of((0.0, 0.0, -3600.0, 3600.0))
        """Seconds that its clock is ahead."""
        self._fiber: Fiber | None = None
        self.wakes_at = 0

    def start(self, body: Callable[[], None]) -> None:
        self._fiber = Fiber(self.name, body)

    @property
    def ended(self) -> bool:
        return self._fiber is not None and self._fiber.ended

    @property
    def failure(self) -> BaseException | None:
        return None if self._fiber is None else self._fiber.failure

    @property
    def ready(self) -> bool:
        return not self.ended and self.wakes_at <= self.clock.now

    def resume(self) -> None:
        assert self._fiber is not None
        self._fiber.resume()

    def kill(self) -> None:
        assert self._fiber is not None
        self._fiber.kill()

    def trace(self, message: str) -> None:
        self._trace(f"{self.name} {message}")

    def rest(self, seconds: float) -> None:
        """Let others run for so long."""
        self.wakes_at = self.clock.now + int(seconds * SECOND)
        self._pause()

    def point(self, call: str) -> None:
        """A call takes time, and can be where the process freezes or dies."""
        self.clock.advance(self.chance.seconds(0.0005, 0.004))
        if self.chance.happens(self.rates.slow):
            self.rest(self.chance.seconds(0.1, 2))
        if self.chance.happens(self.rates.stalled):
            seconds = self.chance.one_of((0.01, 0.3, 4.0, 12.0))
            self.trace(f"freezes in {call} for {seconds} s")
            self.rest(seconds)
            self.trace(f"wakes in {call}")
        if self.chance.happens(self.rates.died):
            self.trace(f"dies in {call}")
            raise Killed

    def _pause(self) -> None:
        assert self._fiber is not None
        self._fiber.pause()
