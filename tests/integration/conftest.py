"""The real stack, started once for all integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from freshet.stack.kafka import KafkaBroker
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.running import running
from freshet.stack.settings import StackSettings
from tests.integration.browser import browser
from tests.integration.collector import Collector
from tests.integration.pipeline import Pipeline


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the stack sends its traces."""
    opened = Collector()
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[LocalStack]:
    """Broker, Flink with the job, consumer and search; no watched folder."""
    tracing = (("FRESHET_TRACING_ENDPOINT", collector.url),)
    settings = StackSettings(tmp_path_factory.mktemp("state"), search_port=free_port(), environment=tracing)
    with running(settings) as local:
        yield local


@pytest.fixture(scope="package")
def kafka(stack: LocalStack) -> KafkaBroker:
    return stack.broker


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Not for the session: while it is open, no test of this process can run an event loop."""
    with browser() as opened:
        yield opened


@pytest.fixture
def pipeline(stack: LocalStack, tmp_path: Path) -> Iterator[Pipeline]:
    """Publishes to the stack and searches it, under ids that belong to this test alone."""
    with Pipeline(stack, prefix=tmp_path.name) as opened:
        yield opened
