"""What the measurements run on: a broker with Kafka Connect and PostgreSQL, with or without the whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from freshet.stack import jars
from freshet.stack.connect import KafkaConnect
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.local import LocalStack
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import StackProcess, free_port
from freshet.stack.settings import StackSettings
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.database import Database
from tests.faults.harness.open_folder import open_folder

TABLE = CapturedTable(table="public.bench", key=("id",), text="{{body}}", metadata=("kind",))
SCHEMA = "CREATE TABLE bench (id bigint PRIMARY KEY, kind text NOT NULL DEFAULT 'note', body text NOT NULL)"


class Machinery:
    """``stack`` is None where only the way to the topic is measured."""

    def __init__(
        self, postgres: PostgresServer, connect: KafkaConnect, bootstrap: str, folder: Path, stack: LocalStack | None
    ) -> None:
        self.postgres = postgres
        self.connect = connect
        self.bootstrap = bootstrap
        self.folder = folder
        self.stack = stack

    def capture(self, name: str, **connector: str) -> Capture:
        """With further properties of the connector, dots written as two underscores."""
        more = {key.replace("__", "."): value for key, value in connector.items()}
        return Capture(name=name, url=self.postgres.url, tables=(TABLE,), connector=more)

    def database(self) -> Database:
        return Database(Capture(name="bench", url=self.postgres.url), statement_s=600)


@contextmanager
def connect_only() -> Iterator[Machinery]:
    """Broker, Kafka Connect, PostgreSQL."""
    with open_folder("bench-cdc") as folder:
        cache = StackSettings(folder).cache / "jars"
        kafka_jars = jars.resolve("kafka", cache)
        broker = KafkaBroker(folder / "kafka", kafka_jars, folder / "kafka.log")
        postgres = PostgresServer(folder / "postgres", folder / "postgres.log", free_port())
        connect = KafkaConnect(
            folder / "connect",
            broker.bootstrap,
            [*kafka_jars, *jars.resolve("connect", cache)],
            jars.resolve("debezium", cache),
            folder / "connect.log",
        )
        processes: tuple[StackProcess, ...] = (connect, postgres, broker)
        try:
            broker.start()
            postgres.start()
            broker.wait_ready()
            create_topics(broker.bootstrap)
            connect.start()
            postgres.wait_ready()
            connect.wait_ready(120)
            yield Machinery(postgres, connect, broker.bootstrap, folder, None)
        finally:
            for process in processes:
                process.stop()


@contextmanager
def whole_stack() -> Iterator[Machinery]:
    """Everything that ``freshet up --postgres`` starts."""
    with open_folder("bench-cdc") as folder:
        stack = LocalStack(
            StackSettings(state=folder, search_port=free_port(), postgres=True, postgres_port=free_port(), canary=False)
        )
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            assert stack.capture is not None
            assert stack.capture.postgres is not None
            yield Machinery(stack.capture.postgres, stack.capture.connect, stack.bootstrap, folder, stack)
        except BaseException:
            stack.abort()
            raise
        stack.stop()


def cpu_seconds(process: StackProcess) -> float:
    """What it and its living children have used so far."""
    parent = psutil.Process(process.pid)
    times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
    return sum(float(one.user + one.system) for one in times)


def resident_mb(process: StackProcess) -> int:
    return int(psutil.Process(process.pid).memory_info().rss) >> 20
