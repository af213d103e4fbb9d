"""Connections to the broker that are reset, or half open: nothing passes, and nobody is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freshet.settings import KafkaSettings
from freshet.stack.toxiproxy import Proxy
from tests.faults.harness.redeploy import serve_with
from tests.faults.harness.trial import Trial

SECONDS = 20.0
RESET_AFTER_MS = 300
"""The life of each connection."""


@pytest.fixture
def proxied(kafka_proxy: Proxy) -> KafkaSettings:
    return KafkaSettings(bootstrap=f"127.0.0.1:{kafka_proxy.port}")


@pytest.fixture
def proxied_consumer(trial: Trial, proxied: KafkaSettings) -> Iterator[None]:
    """The consumer's way to the broker leads through the proxy."""
    with serve_with(trial.lab, FRESHET_KAFKA_BOOTSTRAP=proxied.bootstrap):
        yield


@pytest.mark.usefixtures("proxied_consumer")
def test_half_open_connections_of_consumer(trial: Trial, kafka_proxy: Proxy) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.consumer)
        with kafka_proxy.half_open():
            trial.breaks(lambda: trial.stays_broken(SECONDS))
    trial.verify()


@pytest.mark.usefixtures("proxied_consumer")
def test_reset_connections_of_consumer(trial: Trial, kafka_proxy: Proxy) -> None:
    with trial.under_load():
        trial.pile_up(trial.stack.consumer)
        with kafka_proxy.toxic("reset_peer", "downstream", timeout=RESET_AFTER_MS):
            trial.breaks(lambda: trial.stays_broken(SECONDS))
    trial.verify()


def test_half_open_connections_of_producer(trial: Trial, kafka_proxy: Proxy, proxied: KafkaSettings) -> None:
    with trial.under_load(kafka=proxied):
        trial.pile_up(trial.stack.consumer)
        with kafka_proxy.half_open():
            trial.breaks(lambda: trial.stays_broken(SECONDS))
    trial.verify()


def test_reset_connections_of_producer(trial: Trial, kafka_proxy: Proxy, proxied: KafkaSettings) -> None:
    with trial.under_load(kafka=proxied):
        trial.pile_up(trial.stack.consumer)
        with kafka_proxy.toxic("reset_peer", "downstream", timeout=RESET_AFTER_MS):
            trial.breaks(lambda: trial.stays_broken(SECONDS))
    trial.verify()
