"""The canary on the real stack: found, gone again, and never in anybody's way."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import REGISTRY

from freshet.events import CANARY_SOURCE
from freshet.publishing import Publisher
from freshet.settings import KafkaSettings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port, wait_until
from producers.canary.probe import Probe
from producers.canary.settings import CanarySettings
from tests.integration.pipeline import Pipeline
from tests.integration.test_up import freshet

SECONDS = 30


def settings(stack: LocalStack, name: str, timeout_s: float = SECONDS) -> CanarySettings:
    return CanarySettings(url=stack.search_url, name=name, timeout_s=timeout_s)


@pytest.fixture
def publisher(stack: LocalStack) -> Iterator[Publisher]:
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap)) as opened:
        yield opened


def flights(outcome: str) -> float:
    names = {"found": "freshet_canary_seconds_count", "lost": "freshet_canary_lost_total"}
    return REGISTRY.get_sample_value(names[outcome]) or 0.0


def gone(stack: LocalStack, name: str) -> bool:
    return httpx.get(f"{stack.search_url}/documents/{CANARY_SOURCE}/{name}").status_code == 410


def test_the_canary_is_found_and_leaves_nothing_behind(stack: LocalStack, publisher: Publisher) -> None:
    before = flights("found")
    with Probe(publisher, settings(stack, "once"), threading.Event()) as probe:
        first, second = probe.fly(), probe.fly()
    assert first is not None
    assert second is not None
    assert 0 < (first.seconds or 0) < SECONDS
    assert second.version > first.version
    assert flights("found") == before + 2
    wait_until(lambda: gone(stack, "once"), "the canary's document is deleted", SECONDS, stack.processes)


def test_a_search_shows_a_canary_only_to_who_asks_for_its_source(stack: LocalStack, pipeline: Pipeline) -> None:
    document = f"{CANARY_SOURCE}/resting"
    with Publisher(KafkaSettings(bootstrap=stack.bootstrap)) as publisher:
        publisher.publish(document, "a canary that rests on a branch", version=1, source=CANARY_SOURCE).result(SECONDS)
        pipeline.publish("bird", "a canary that rests on a branch", 1)
        pipeline.wait_version("bird", 1)

        def ids(**parameters: str) -> list[str]:
            answer = httpx.get(
                f"{stack.search_url}/search", params={"q": "a canary that rests", "k": "50", **parameters}
            )
            return [one["id"] for one in answer.raise_for_status().json()["results"]]

        wait_until(lambda: document in ids(source=CANARY_SOURCE), "it is searchable", SECONDS, stack.processes)
        everything = ids()
        assert pipeline.id("bird") in everything
        assert document not in everything
        listed = httpx.get(f"{stack.search_url}/documents", params={"limit": 1000}).json()["documents"]
        assert document not in [one["id"] for one in listed]
        publisher.delete(document, 2, source=CANARY_SOURCE).result(SECONDS)


def test_a_canary_that_no_search_finds_is_lost_with_the_reason(stack: LocalStack, publisher: Publisher) -> None:
    nowhere = CanarySettings(url=f"http://127.0.0.1:{free_port()}", name="lost", timeout_s=0.3)
    before = flights("lost")
    with Probe(publisher, nowhere, threading.Event()) as probe:
        flight = probe.fly()
    assert flight is not None
    assert flight.seconds is None
    assert "does not answer" in flight.lost
    assert flights("lost") == before + 1


def test_a_canary_that_cannot_be_published_is_lost_with_the_reason(stack: LocalStack) -> None:
    nowhere = KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}")
    with (
        Publisher(nowhere, timeout_s=1) as publisher,
        Probe(publisher, settings(stack, "unsent"), threading.Event()) as probe,
    ):
        flight = probe.fly()
    assert flight is not None
    assert flight.lost.startswith("not published")


def test_a_canary_that_is_stopped_is_not_counted_as_lost(stack: LocalStack, publisher: Publisher) -> None:
    stop = threading.Event()
    stop.set()
    before = flights("lost")
    nowhere = CanarySettings(url=f"http://127.0.0.1:{free_port()}", name="stopped", timeout_s=SECONDS)
    with Probe(publisher, nowhere, stop) as probe:
        assert probe.fly() is None
    assert flights("lost") == before


def test_the_command_counts_flights_and_says_when_one_is_lost(stack: LocalStack) -> None:
    flown = subprocess.run(
        [*freshet("canary"), "--count", "3", "--every", "0.1", "--state", str(stack.state), "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert flown.returncode == 0, flown.stderr
    summary = json.loads(flown.stdout)
    assert (summary["flights"], summary["lost"]) == (3, 0)
    assert 0 < summary["p50_ms"] <= summary["max_ms"]
    lost = subprocess.run(
        [
            *freshet("canary"),
            "--count",
            "1",
            "--timeout",
            "0.2",
            "--url",
            "http://127.0.0.1:1",
            "--bootstrap",
            stack.bootstrap,
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert lost.returncode == 1
    assert "lost: search at http://127.0.0.1:1 does not answer" in lost.stderr
