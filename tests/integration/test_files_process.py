"""The file producer as its own process, with a real broker that goes and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from freshet.codec import decode_document
from freshet.dead_letters import DeadLetter
from freshet.events import DocumentEvent
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.process import StackProcess, wait_until
from freshet.topics import DEAD_LETTERS, DOCUMENTS
from tests.integration.brokers import own_broker
from tests.integration.test_publish_broker import events, messages


class FilesProcess(StackProcess):
    def __init__(self, folder: Path, root: Path, bootstrap: str) -> None:
        super().__init__("files", folder / "files.log")
        self.folder = folder
        self.root = root
        self.bootstrap = bootstrap

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "producers.files"]

    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "FRESHET_FILES_ROOT": str(self.root),
            "FRESHET_FILES_STATE": str(self.folder / "state"),
            "FRESHET_FILES_TIMEOUT_S": "5",
            "FRESHET_KAFKA_BOOTSTRAP": self.bootstrap,
        }

    def ready(self) -> bool:
        return "watching" in self.log.read_text()


Run = Callable[[], FilesProcess]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with own_broker(tmp_path_factory.mktemp("broker")) as broker:
        create_topics(broker.bootstrap)
        yield broker


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder in the root under a name of this test alone, so that the tests can share a broker."""
    folder = tmp_path / "root" / tmp_path.name
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def files(tmp_path: Path, notes: Path, broker: KafkaBroker) -> Iterator[FilesProcess]:
    process = FilesProcess(tmp_path, notes.parent, broker.bootstrap)
    yield process
    process.kill()


def sent(broker: KafkaBroker, notes: Path) -> list[DocumentEvent]:
    return [event for event in events(broker.bootstrap) if event.id.startswith(f"file:{notes.name}/")]


def in_step(broker: KafkaBroker, notes: Path) -> bool:
    """Whether an index would show what the folder holds: of each id the newest version, if it is complete."""
    newest: dict[str, list[DocumentEvent]] = {}
    for event in sent(broker, notes):
        kept = newest.get(event.id)
        if kept is None or event.version > kept[0].version:
            newest[event.id] = [event]
        elif event.version == kept[0].version:
            kept.append(event)
    shown = {
        id: "".join(event.text or "" for event in sorted(kept, key=lambda event: event.part))
        for id, kept in newest.items()
        if kept[0].op == "upsert" and any(event.last for event in kept)
    }
    return shown == {f"file:{notes.name}/{path.name}": path.read_text() for path in notes.glob("*.md")}


def test_changes_reach_the_topic_while_the_broker_comes_and_goes(
    files: FilesProcess, notes: Path, broker: KafkaBroker
) -> None:
    broker.kill()
    (notes / "before.md").write_text("written with no broker")
    files.start()
    wait_until(lambda: "does not answer" in files.log.read_text(), "it says what it waits for", 20, [files])
    broker.start()
    files.wait_ready()
    wait_until(lambda: in_step(broker, notes), "the first document", 20, [files])
    broker.kill()
    (notes / "before.md").write_text("changed with no broker")
    (notes / "during.md").write_text("made with no broker")
    wait_until(lambda: "sending again" in files.log.read_text(), "a delivery timed out", 20, [files])
    broker.start()
    broker.wait_ready()
    wait_until(lambda: in_step(broker, notes), "both documents", 30, [files])
    (notes / "broken.pdf").write_bytes(b"%PDF-nonsense")
    wait_until(lambda: bool(messages(broker.bootstrap, DEAD_LETTERS.name)), "a dead letter", 10, [files])
    [record] = messages(broker.bootstrap, DEAD_LETTERS.name)
    letter = DeadLetter.from_record(record.key(), record.value(), record.headers())
    path = f"{notes.name}/broken.pdf"
    assert (letter.key, letter.value) == (f"file:{path}".encode(), f'{{"path":"{path}"}}'.encode())
    assert (letter.stage, letter.reason) == ("files", "broken")


def test_a_kill_in_the_middle_of_a_backlog_loses_nothing(files: FilesProcess, notes: Path, broker: KafkaBroker) -> None:
    for number in range(1000):
        (notes / f"{number}.md").write_text(f"document {number}")
    files.start()
    wait_until(lambda: len(sent(broker, notes)) > 20, "some of the backlog", 30, [files])
    files.kill()
    for number in range(0, 1000, 10):
        (notes / f"{number}.md").write_text(f"document {number}, changed")
    for number in range(5, 1000, 10):
        (notes / f"{number}.md").unlink()
    files.start()
    wait_until(lambda: in_step(broker, notes), "every document", 60, [files])


def test_a_signal_stops_it_soon_and_a_restart_says_nothing_twice(
    files: FilesProcess, notes: Path, broker: KafkaBroker
) -> None:
    (notes / "a.md").write_text("a")
    files.start()
    wait_until(lambda: in_step(broker, notes), "the document", 20, [files])
    os.kill(files.pid, signal.SIGTERM)
    wait_until(lambda: not files.alive, "it ended", 10)
    assert "ERROR" not in files.log.read_text()
    files.start()
    (notes / "b.md").write_text("b")
    wait_until(lambda: in_step(broker, notes), "the second document", 20, [files])
    assert len(sent(broker, notes)) == 2


def test_a_missing_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    files = FilesProcess(tmp_path, tmp_path / "absent", "127.0.0.1:1")
    run = subprocess.run(files.command(), env=dict(files.environment()), capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert "FRESHET_FILES_ROOT" in run.stderr


def test_every_save_is_on_the_topic_before_the_next(files: FilesProcess, notes: Path, broker: KafkaBroker) -> None:
    files.start()
    files.wait_ready()
    (notes / "first.md").write_text("first")
    wait_until(lambda: in_step(broker, notes), "the first document", 20, [files])
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "saves", "enable.auto.commit": False})
    places = [TopicPartition(DOCUMENTS.name, number) for number in range(DOCUMENTS.partitions)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
    consumer.assign(places)
    try:
        for number in range(20):
            (notes / f"{number % 5}.md").write_text(f"save {number}")
            message = consumer.poll(30)
            assert message is not None, files.tail()
            assert decode_document(message.value()).text == f"save {number}"
    finally:
        consumer.close()
