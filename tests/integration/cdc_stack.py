"""A PostgreSQL whose changes are captured, beside any running stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from freshet.stack.capture import ChangeCapture
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.settings import StackSettings
from producers.cdc.capture import Capture
from producers.cdc.captures import Captures
from producers.cdc.database import Database
from producers.cdc.registration import Registration
from tests.faults.harness.open_folder import open_folder


class CdcStack:
    """``database`` is a connection of the owner's, with autocommit."""

    def __init__(self, stack: LocalStack, capture: ChangeCapture, folder: Path) -> None:
        assert capture.postgres is not None
        self.stack = stack
        self.capture = capture
        self.postgres = capture.postgres
        self.folder = folder
        self.captures = Captures(folder / "cdc" / "captures")
        self.registration = Registration(self.captures, capture.connect.url)
        self.url = capture.postgres.url

    def connect(self, url: str = "") -> Database:
        return Database(Capture(name="test", url=url or self.url))

    @property
    def environment(self) -> Mapping[str, str]:
        """By which the command line finds it."""
        return {
            "FRESHET_CDC_CONNECT_URL": self.capture.connect.url,
            "FRESHET_STATE": str(self.folder),
            "FRESHET_SEARCH_URL": self.stack.search_url,
            "FRESHET_KAFKA_BOOTSTRAP": self.stack.bootstrap,
        }


@contextmanager
def capturing(stack: LocalStack, **settings: str) -> Iterator[CdcStack]:
    """``settings`` are further ones of the CDC producer, as environment variables."""
    with open_folder("cdc") as folder:
        search_port = stack.settings.search_port
        asked = StackSettings(state=folder, search_port=search_port, postgres=True, postgres_port=free_port())
        stage = {"FRESHET_KAFKA_BOOTSTRAP": stack.bootstrap, **settings}
        capture = ChangeCapture(asked, folder, stack.bootstrap, lambda name: folder / f"{name}.log", stage, free_port())
        assert capture.postgres is not None
        try:
            capture.start()
            capture.postgres.wait_ready(60)
            capture.connect.wait_ready(120)
            capture.producer.start()
            yield CdcStack(stack, capture, folder)
        finally:
            capture.stop()
