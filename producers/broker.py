"""Waiting for the broker to come back."""

from __future__ import annotations

import logging
import threading
from typing import Final, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_exponential
from tenacity.nap import sleep_using_event

from freshet.errors import UnavailableError

_log: Final = logging.getLogger(__name__)


class Reachable(Protocol):
    def reach(self, timeout_s: float = 5.0) -> None:
        """Raises UnavailableError when the broker does not answer in time."""


def wait_for_broker(sink: Reachable, stop: threading.Event) -> bool:
    """Block until the broker answers, saying every few seconds what is awaited; False if stopped before."""
    retrying = Retrying(
        retry=retry_if_exception_type(UnavailableError),
        wait=wait_exponential(multiplier=0.1, max=5),
        stop=stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=_say,
        reraise=True,
    )
    try:
        retrying(sink.reach, 5.0)
    except UnavailableError:
        return False
    return True


def _say(retry: RetryCallState) -> None:
    error = retry.outcome.exception() if retry.outcome else None
    _log.warning("%s: waiting, nothing is lost", error)
