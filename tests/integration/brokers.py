"""A Kafka broker of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freshet.stack import jars
from freshet.stack.kafka import KafkaBroker
from freshet.stack.process import free_port
from freshet.stack.settings import StackSettings


@contextmanager
def own_broker(folder: Path) -> Iterator[KafkaBroker]:
    """A broker that no one else uses, started and without topics."""
    settings = StackSettings(state=folder)
    resolved = jars.resolve("kafka", settings.cache / "jars")
    broker = KafkaBroker(folder / "kafka", resolved, folder / "kafka.log", free_port(), settings.archives)
    try:
        broker.start()
        broker.wait_ready()
        yield broker
    finally:
        broker.kill()
