from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from producers.files.producer import FileProducer
from producers.files.settings import FilesSettings
from tests.unit.producers.files.capture import DEADLINE_S, CaptureSink

Start = Callable[..., FileProducer]


def until(condition: Callable[[], bool], what: str) -> None:
    """Block until the condition holds, 15 s at most."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.002)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def sink() -> CaptureSink:
    return CaptureSink()


@pytest.fixture
def start(tmp_path: Path, root: Path, sink: CaptureSink) -> Iterator[Start]:
    """Starts a producer on ``root`` and waits until its first scan is through and acknowledged."""
    running: list[FileProducer] = []

    def start(*, settle: bool = True, **settings: object) -> FileProducer:
        values = {"root": root, "state": tmp_path / "state", **settings}
        producer = FileProducer(FilesSettings.model_validate(values), sink)
        running.append(producer)
        producer.start()
        if settle:
            until(lambda: producer.idle() or producer.failure() is not None, "the first scan")
        return producer

    yield start
    for producer in running:
        producer.stop()
