"""Contexts in headers, and the spans of a change."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from freshet.changes import Changes, WrittenBatch
from freshet.headers import EMBEDDED, PUBLISHED, SOURCE_COMMIT, UPSERTED, new_traceparent, parse_traceparent
from freshet.stack.process import free_port, wait_until
from freshet.store import Head
from freshet.tracing.caller import current_traceparent
from freshet.tracing.change import ChangeTracer
from freshet.tracing.spans import CLOSE_SECONDS, WAITING_SPANS, Spans
from tests.integration.collector import Collector, ReceivedSpan

START = 1_700_000_000_000_000_000
MS = 1_000_000


@pytest.fixture
def collector() -> Iterator[Collector]:
    opened = Collector()
    opened.start()
    yield opened
    opened.stop()


def change(traceparent: str, **stamps: int) -> WrittenBatch:
    head = Head(
        "a",
        1,
        chunks=1,
        stamps={f"freshet-{k.replace('_', '-')}": v for k, v in stamps.items()},
        traceparent=traceparent,
    )
    return WrittenBatch(5, START + 20 * MS, START + 30 * MS, (head,))


def spans_of(collector: Collector, batch: WrittenBatch, least: int) -> dict[str, ReceivedSpan]:
    spans = Spans(collector.url)
    ChangeTracer(spans)(batch)
    spans.close()
    wait_until(lambda: len(collector.spans) >= least, "the spans arrived", 10)
    return {span.name: span for span in collector.spans}


def test_a_new_context_is_well_formed_and_known_as_ours() -> None:
    context = parse_traceparent(new_traceparent())
    assert context is not None
    assert context.ours
    assert context.sampled


@pytest.mark.parametrize(("share", "sampled"), [(0.0, 0), (1.0, 1_000), (0.5, 500)])
def test_the_share_decides_how_many_are_sampled(share: float, sampled: int) -> None:
    found = sum(new_traceparent(share).endswith("-01") for _ in range(1_000))
    assert abs(found - sampled) <= (0 if share in (0.0, 1.0) else 120)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "00-1-2-01",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"00-{'G' * 32}-{'1' * 16}-01",
    ],
)
def test_what_is_no_context_is_none(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_foreign_context_is_not_ours() -> None:
    context = parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
    assert context is not None
    assert not context.ours
    assert not context.sampled


def test_the_span_of_the_calling_program_is_its_context() -> None:
    assert current_traceparent() is None
    with TracerProvider().get_tracer("test").start_as_current_span("caller") as span:
        context = span.get_span_context()
        flags = int(context.trace_flags)
        assert current_traceparent() == f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"
    assert current_traceparent() is None


def test_a_hop_without_a_stamp_has_no_span_and_the_others_have(collector: Collector) -> None:
    spans = spans_of(collector, change(new_traceparent(), published=START, embedded=START + 9 * MS), 5)
    assert spans.keys() == {"change", "embed", "receive", "upsert", "store write"}
    assert spans["change"].start == START
    assert spans["store write"].start == spans["upsert"].start == START + 20 * MS


def test_clocks_that_disagree_give_no_negative_span(collector: Collector) -> None:
    skewed = change(new_traceparent(), source_commit=START + 5 * MS, published=START, embedded=START + 40 * MS)
    spans = spans_of(collector, skewed, 6)
    assert all(span.end >= span.start for span in spans.values())


def test_every_flag_with_the_sampled_bit_counts(collector: Collector) -> None:
    # 03: sampled, and the trace id is random (W3C Trace Context, level 2).
    sampled = f"{new_traceparent()[:-2]}03"
    assert "change" in spans_of(collector, change(sampled, published=START), 3)


def test_what_is_not_sampled_or_garbled_has_no_span(collector: Collector) -> None:
    spans = Spans(collector.url)
    tracer = ChangeTracer(spans)
    for traceparent in ("", new_traceparent(0.0), "nonsense1", "00-xyz-01"):
        tracer(change(traceparent, published=START))
    spans.close()
    assert collector.spans == []


def test_a_collector_that_is_away_blocks_nobody_and_takes_bounded_memory() -> None:
    spans = Spans(f"http://127.0.0.1:{free_port()}")
    changes = Changes()
    changes.subscribe(ChangeTracer(spans))
    tell = changes.writer()
    stamps = {SOURCE_COMMIT: START, PUBLISHED: START, EMBEDDED: START, UPSERTED: START}
    heads = tuple(Head(str(number), 1, stamps=stamps, traceparent=new_traceparent()) for number in range(2_000))
    started = time.monotonic()
    tell(WrittenBatch(2_000, START, START, heads))
    assert time.monotonic() - started < 5
    assert len(spans._processor._batch_processor._queue) <= WAITING_SPANS
    started = time.monotonic()
    spans.close()
    assert time.monotonic() - started < CLOSE_SECONDS + 1


def test_a_listener_that_fails_stops_neither_the_writer_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    changes = Changes()
    heard: list[WrittenBatch] = []

    def failing(batch: WrittenBatch) -> None:
        raise RuntimeError("broken listener")

    changes.subscribe(failing)
    end = changes.subscribe(heard.append)
    batch = WrittenBatch(1, START, START, ())
    changes.writer()(batch)
    assert heard == [batch]
    assert "a listener failed" in caplog.text
    end()
    changes.writer()(batch)
    assert heard == [batch]
