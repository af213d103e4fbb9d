"""A sampled change is one trace at a collector; and every change's hops can be seen without one."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import wait_until
from tests.integration.collector import Collector, ReceivedSpan
from tests.integration.pipeline import Pipeline
from tests.integration.test_up import freshet

SECONDS = 30
HOPS = {"publish", "embed", "receive", "upsert", "store write"}
SERVICES = {
    "publish": "freshet-producer",
    "embed": "freshet-flink-job",
    "receive": "freshet-consumer",
    "upsert": "freshet-consumer",
    "store write": "freshet-consumer",
}


@pytest.fixture
def sampled(stack: LocalStack) -> Iterator[Publisher]:
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap), trace_sample=1.0) as publisher:
        yield publisher


@pytest.fixture
def unsampled(stack: LocalStack) -> Iterator[Publisher]:
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap), trace_sample=0.0) as publisher:
        yield publisher


def wait_trace(collector: Collector, stack: LocalStack, document_id: str, names: set[str]) -> dict[str, ReceivedSpan]:
    wait_until(
        lambda: names <= collector.of_document(document_id).keys(),
        f"the spans {sorted(names)} of {document_id} are at the collector",
        SECONDS,
        stack.processes,
    )
    return collector.of_document(document_id)


def test_a_sampled_change_is_one_trace_from_its_source_to_the_store(
    sampled: Publisher, collector: Collector, stack: LocalStack, pipeline: Pipeline
) -> None:
    committed = time.time_ns() - 5_000_000
    sampled.publish(pipeline.id("traced"), "Salmon swim upstream.", version=3, committed_ns=committed).result(SECONDS)
    pipeline.wait_version("traced", 3)

    spans = wait_trace(collector, stack, pipeline.id("traced"), {"change", *HOPS})
    root = spans["change"]
    assert root.parent == ""
    assert root.facts["freshet.document.version"] == 3
    assert {name: span.service for name, span in spans.items() if name in HOPS} == SERVICES
    assert {spans[name].parent for name in HOPS - {"store write"}} == {root.span_id}
    assert spans["store write"].parent == spans["upsert"].span_id
    assert root.start == spans["publish"].start == committed
    hops = [spans[name] for name in ("publish", "embed", "receive", "upsert")]
    assert [one.start for one in hops[1:]] == [one.end for one in hops[:-1]], "no time between the hops is left out"
    assert hops[-1].end == root.end
    stored = pipeline.document("traced").json()["traceparent"]
    assert stored == f"00-{root.trace_id}-{root.span_id}-01"


def test_a_deletion_is_traced_too(
    sampled: Publisher, collector: Collector, stack: LocalStack, pipeline: Pipeline
) -> None:
    sampled.delete(pipeline.id("never"), 1).result(SECONDS)
    spans = wait_trace(collector, stack, pipeline.id("never"), {"change", *HOPS})
    assert spans["change"].facts["freshet.operation"] == "delete"


def test_the_trace_of_the_calling_program_goes_on(
    unsampled: Publisher, collector: Collector, stack: LocalStack, pipeline: Pipeline
) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    sent = unsampled.publish(pipeline.id("called"), "Called.", version=1, traceparent=f"00-{trace_id}-{span_id}-01")
    sent.result(SECONDS)
    wait_until(lambda: collector.of_trace(trace_id).keys() >= HOPS, "its hops are traced", SECONDS, stack.processes)
    spans = collector.of_trace(trace_id)
    assert "change" not in spans, "that span is the caller's"
    assert {spans[name].parent for name in HOPS - {"store write"}} == {span_id}


def test_what_is_not_sampled_is_not_sent(
    sampled: Publisher, unsampled: Publisher, collector: Collector, stack: LocalStack, pipeline: Pipeline
) -> None:
    unsampled.publish(pipeline.id("quiet"), "Quiet.", version=1).result(SECONDS)
    pipeline.wait_version("quiet", 1)
    sampled.publish(pipeline.id("loud"), "Loud.", version=1).result(SECONDS)
    wait_trace(collector, stack, pipeline.id("loud"), {"change", *HOPS})
    assert not collector.of_document(pipeline.id("quiet"))
    assert pipeline.document("quiet").json()["traceparent"].endswith("-00")


def test_the_pipeline_goes_on_while_the_collector_is_away(
    sampled: Publisher, collector: Collector, stack: LocalStack, pipeline: Pipeline
) -> None:
    collector.stop()
    try:
        for number in range(50):
            sampled.publish(pipeline.id(f"away-{number}"), f"Sent away, {number}.", version=1)
        for number in range(50):
            answer = pipeline.wait_version(f"away-{number}", 1)
        assert answer["hops_ms"]["embedded_to_upserted"] < 1_000
    finally:
        collector.start()
    sampled.publish(pipeline.id("back"), "Back.", version=1).result(SECONDS)
    wait_trace(collector, stack, pipeline.id("back"), {"change", *HOPS})


def trace(stack: LocalStack, document_id: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*freshet("trace"), document_id, "--state", str(stack.state), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_freshet_trace_shows_the_hops_of_a_change_that_nobody_sampled(
    unsampled: Publisher, stack: LocalStack, pipeline: Pipeline
) -> None:
    document_id = pipeline.id("shown")
    unsampled.publish(document_id, "Shown.", version=1, committed_ns=time.time_ns() - 20_000_000).result(SECONDS)
    pipeline.wait_version("shown", 1)
    shown = trace(stack, document_id)
    assert shown.returncode == 0, shown.stderr
    assert document_id in shown.stdout.replace("\n", "")
    for hop in ("publish", "embed", "upsert", "total"):
        assert re.search(rf"^{hop}\s.*\d ms", shown.stdout, re.MULTILINE), shown.stdout
    assert "█" in shown.stdout

    found = json.loads(trace(stack, document_id, "--json").stdout)
    assert found["hops_ms"]["source_to_published"] >= 20
    assert list(found["stamps_ns"]) == ["source-commit", "published", "embedded", "upserted"]

    unsampled.delete(document_id, 2).result(SECONDS)
    pipeline.wait_version("shown", 2)
    assert "version 2, deleted" in trace(stack, document_id).stdout


def test_freshet_trace_of_an_unknown_document_says_so(stack: LocalStack) -> None:
    shown = trace(stack, "was/never-there")
    assert shown.returncode == 1
    assert "No such document" in shown.stderr


def test_freshet_top_shows_the_change_and_the_flow_once(stack: LocalStack, pipeline: Pipeline) -> None:
    pipeline.publish("top", "At the top.", 1)
    pipeline.wait_version("top", 1)
    shown = subprocess.run(
        [*freshet("top"), "--once", "--state", str(stack.state)], capture_output=True, text=True, timeout=60
    )
    assert shown.returncode == 0, shown.stderr
    assert "sources ─" in shown.stdout
    assert "batch p99" in shown.stdout
    read = subprocess.run(
        [*freshet("top"), "--json", "--state", str(stack.state)], capture_output=True, text=True, timeout=60
    )
    seen = json.loads(read.stdout)
    assert pipeline.id("top") in [one["id"] for one in seen["changes"]]
    assert seen["figures"]["rates"]["documents"] is not None
    assert seen["figures"]["behind"]["job"] is not None
    assert seen["figures"]["troubles"] == []


def test_freshet_top_shows_changes_as_they_come_until_ctrl_c(stack: LocalStack, pipeline: Pipeline) -> None:
    terminal, inside = pty.openpty()
    size = {"COLUMNS": "160", "LINES": "50", "TERM": "xterm"}
    process = subprocess.Popen(
        [*freshet("top"), "--state", str(stack.state)], stdin=inside, stdout=inside, stderr=inside,
        env={**os.environ, **size}, start_new_session=True,
    )  # fmt: skip
    os.close(inside)
    seen = ""

    def shown(text: str) -> bool:
        nonlocal seen
        # Where the other end has closed, reading is an error.
        with suppress(OSError):
            while select.select([terminal], [], [], 0)[0]:
                seen += os.read(terminal, 65_536).decode("utf-8", "replace")
        return text in seen

    try:
        wait_until(lambda: shown("batch p99"), "the flow is shown", SECONDS, stack.processes)
        pipeline.publish("live", "While somebody looks on.", 1)
        wait_until(lambda: shown(pipeline.id("live")), "the change is shown", SECONDS, stack.processes)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: shown("") and process.poll() is not None, "it has ended", SECONDS)
        assert process.returncode == 0, seen[-2000:]
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
