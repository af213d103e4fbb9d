"""What is said of a broker that does not answer."""

from __future__ import annotations

import concurrent.futures

import pytest
from confluent_kafka import KafkaError, KafkaException

from freshet.kafka_errors import NO_ANSWER, no_answer


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (KafkaException(KafkaError(KafkaError._TIMED_OUT)), "Timed out"),
        (KafkaException("words alone"), "words alone"),
        (TimeoutError(), "no answer in time"),
        (concurrent.futures.TimeoutError(), "no answer in time"),
    ],
)
def test_it_is_said_in_words_with_the_way_out(error: Exception, detail: str) -> None:
    assert isinstance(error, NO_ANSWER)
    told = no_answer("cannot read", error)
    assert detail in told.detail
    assert "KafkaError{" not in told.detail
    assert "FRESHET_KAFKA_BOOTSTRAP" in told.remedy
