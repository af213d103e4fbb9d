"""What a person is told of a broker that does not answer."""

from __future__ import annotations

import concurrent.futures
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from freshet.errors import UnavailableError

# Before Python 3.11 that of futures is no TimeoutError.
NO_ANSWER: Final = (KafkaException, TimeoutError, concurrent.futures.TimeoutError)
"""What librdkafka's clients raise, at once or when asked for a result."""


def no_answer(what: str, error: Exception) -> UnavailableError:
    """``error`` is one of NO_ANSWER."""
    cause = error.args[0] if error.args else None
    detail = cause.str() if isinstance(cause, KafkaError) else str(error)
    return UnavailableError(what, detail or "no answer in time", "start the broker or set FRESHET_KAFKA_BOOTSTRAP")
