"""One flight of the canary: publish, search until found, delete."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import httpx

from freshet.errors import FreshetError
from freshet.events import CANARY_SOURCE
from freshet.metrics import CANARY_LOST, CANARY_SECONDS, CANARY_SUCCESS
from freshet.publishing import Publisher
from producers.canary.settings import CanarySettings

ASK_AGAIN_SECONDS: Final = 0.005
REQUEST_SECONDS: Final = 5.0
CANARIES: Final = 50
"""Results asked for: all canaries of a system have the same source."""


@dataclass(frozen=True, slots=True)
class Flight:
    """``seconds`` from the call that published until the answer that had it, or None with the reason why it is lost."""

    version: int
    seconds: float | None
    lost: str = ""


class Probe:
    """Leaves nothing behind: the document is deleted after each flight, and its source is searched only by name."""

    def __init__(self, publisher: Publisher, settings: CanarySettings, stop: threading.Event) -> None:
        """``stop`` ends a flight early. The publisher stays the caller's."""
        self._publisher = publisher
        self._settings = settings
        self._stop = stop
        self._id = f"{CANARY_SOURCE}/{settings.name}"
        key = settings.api_key
        headers = {"X-API-Key": key.get_secret_value()} if key is not None else {}
        self._http = httpx.Client(base_url=settings.url, headers=headers, timeout=REQUEST_SECONDS)
        self._seconds = CANARY_SECONDS.histogram()
        self._lost = CANARY_LOST.counter()
        self._success = CANARY_SUCCESS.gauge()

    def fly(self) -> Flight | None:
        """Blocks until found or lost; None where it was stopped before. Raises nothing for what is down."""
        version = time.time_ns()
        # Other words each time: the vector of a known text would come from a cache, and no model would be tried.
        text = f"canary {' '.join(secrets.token_hex(3) for _ in range(6))}"
        started = time.perf_counter()
        try:
            flight = self._publish_and_find(version, text, started)
        finally:
            self._delete()
        if flight is None:
            return None
        if flight.seconds is None:
            self._lost.inc()
        else:
            self._seconds.observe(flight.seconds)
            self._success.set_to_current_time()
        return flight

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def _publish_and_find(self, version: int, text: str, started: float) -> Flight | None:
        try:
            self._publisher.publish(self._id, text, version=version, source=CANARY_SOURCE).result()
        except FreshetError as error:
            return Flight(version, None, f"not published: {error}")
        why = "never looked for"
        while time.perf_counter() - started < self._settings.timeout_s:
            answer = self._search(text)
            if isinstance(answer, str):
                why = answer
            elif answer.get(self._id, -1) >= version:
                return Flight(version, time.perf_counter() - started)
            else:
                why = f"found version {answer[self._id]}" if self._id in answer else "not found"
            if self._stop.wait(ASK_AGAIN_SECONDS):
                return None
        return Flight(version, None, f"{why} for {self._settings.timeout_s:g} s")

    def _search(self, text: str) -> dict[str, int] | str:
        """The versions that a search finds, by id; or why there is no answer."""
        try:
            answer = self._http.get("/search", params={"q": text, "source": CANARY_SOURCE, "k": CANARIES})
            if not answer.is_success:
                return f"search at {self._settings.url} answers {answer.status_code}: {answer.text[:200]}"
            return {str(hit["id"]): int(hit["version"]) for hit in answer.json()["results"]}
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            return f"search at {self._settings.url} does not answer: {error or type(error).__name__}"

    def _delete(self) -> None:
        try:
            self._publisher.delete(self._id, time.time_ns(), source=CANARY_SOURCE).result()
        except FreshetError:
            # The next flight replaces it; and nobody finds it who does not ask for this source.
            return
