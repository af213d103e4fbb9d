"""What makes no document is a dead letter, whatever its size."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from freshet.dead_letters import MAX_DETAIL_CHARS, DeadLetter
from freshet.errors import RejectedRecord
from freshet.publishing import Publisher, Receipt
from freshet.settings import KafkaSettings
from freshet.topics import MAX_RECORD_BYTES
from producers.cdc.refusal import refuse_change, refuse_row
from tests.unit.producers.files.capture import CaptureSink

PLACE = ("cdc.shop.public.articles", 0, 7)
WHY = RejectedRecord("missing-column", "it has no column title")


class Letters(CaptureSink):
    def __init__(self) -> None:
        super().__init__()
        self.letters: list[DeadLetter] = []

    def dead_letter(self, letter: DeadLetter) -> Future[Receipt]:
        self.letters.append(letter)
        return super().dead_letter(letter)


@pytest.mark.parametrize(
    ("key", "value"),
    [(300, 1_048_400), (10, MAX_RECORD_BYTES), (10, 32 << 20), (2 * MAX_RECORD_BYTES, 10), (MAX_RECORD_BYTES, 0)],
)
def test_librdkafka_takes_the_letter_of_a_record_of_any_size(key: int, value: int) -> None:
    publisher = Publisher(KafkaSettings(bootstrap="127.0.0.1:1"), timeout_s=0.1)
    try:
        report: Future[Any] = refuse_change(publisher, "shop", PLACE, b"k" * key, b"v" * value, WHY)
        assert report.exception(10) is not None, "there is no broker"
    finally:
        publisher.close(0.1)


def test_a_value_that_is_too_large_is_left_out_and_said() -> None:
    sink = Letters()
    long = RejectedRecord("invalid-value", "x" * 5_000)
    refuse_change(sink, "shop", PLACE, b"k", b"v" * MAX_RECORD_BYTES, long)
    (letter,) = sink.letters
    assert letter.value is None
    assert (letter.topic, letter.partition, letter.offset) == PLACE
    assert letter.detail.endswith("`freshet audit shop --repair`")
    assert len(letter.detail) <= MAX_DETAIL_CHARS


def test_a_record_that_fits_stays_as_it_is() -> None:
    sink = Letters()
    refuse_change(sink, "shop", PLACE, b"k", b"v", WHY)
    (letter,) = sink.letters
    assert (letter.key, letter.value, letter.detail) == (b"k", b"v", WHY.detail)


def test_a_row_that_was_read_is_named_by_its_table_and_key() -> None:
    sink = Letters()
    refuse_row(sink, "shop", "public.articles", ("7", "a/b"), WHY)
    (letter,) = sink.letters
    assert letter.key == b'shop/public.articles/["7", "a/b"]'
    assert not letter.can_be_redriven
    assert WHY.detail in letter.detail
    assert "freshet audit shop --repair" in letter.detail
