"""A Kafka broker in KRaft mode, as one plain JVM."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.stack.java import WARNINGS_TO_CONSOLE, class_archive, java_environment, java_home
from freshet.stack.process import ProcessFailed, StackProcess, free_port
from freshet.topics import MAX_RECORD_BYTES, TOPICS, Topic

DEFAULT_PORT = 9092
_CLUSTER_ID = "FreshetLocalStack00001"
_HEAP = ("-Xms192m", "-Xmx384m", "-XX:MaxDirectMemorySize=128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4")


class KafkaBroker(StackProcess):
    """One combined broker and controller on 127.0.0.1. Its data lives in ``folder`` and outlives the process."""

    def __init__(
        self,
        folder: Path,
        jars: Sequence[Path],
        log: Path,
        port: int | None = None,
        archives: Path | None = None,
        proxy_port: int | None = None,
        node: int = 1,
    ) -> None:
        """``archives`` is where the JVM may keep its classes for the next start. ``proxy_port`` is that of a proxy.

        A client that comes through it to ``behind_proxy`` is told to come that way for every request.
        """
        super().__init__("kafka" if node == 1 else f"kafka-{node}", log)
        self._archive = class_archive(archives, self.name) if archives else ()
        self.folder = folder
        self.port = port or free_port(DEFAULT_PORT if node == 1 else 0)
        self.node = node
        self.controller_port = free_port()
        self.proxy_port = proxy_port
        self.behind_proxy = free_port() if proxy_port else None
        """Where the proxy must connect to; None without one."""
        self._quorum: Sequence[KafkaBroker] = (self,)
        self._jars = jars

    def join(self, quorum: Sequence[KafkaBroker]) -> None:
        """Make it one of these, before the first start: each is broker and controller."""
        self._quorum = quorum

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *options: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        class_path = ":".join(str(jar) for jar in self._jars)
        return [f"{java_home()}/bin/java", log4j, *options, "-cp", class_path]

    def environment(self) -> Mapping[str, str]:
        return java_environment()

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(WARNINGS_TO_CONSOLE)
        listeners = [f"PLAINTEXT://{self.bootstrap}", f"CONTROLLER://127.0.0.1:{self.controller_port}"]
        advertised = [f"PLAINTEXT://{self.bootstrap}"]
        if self.proxy_port is not None:
            listeners.append(f"PROXIED://127.0.0.1:{self.behind_proxy}")
            advertised.append(f"PROXIED://127.0.0.1:{self.proxy_port}")
        replicas = replication_factor(len(self._quorum))
        in_step = str(max(1, replicas - 1))
        properties = {
            "process.roles": "broker,controller",
            "node.id": str(self.node),
            "controller.quorum.voters": ",".join(f"{one.node}@127.0.0.1:{one.controller_port}" for one in self._quorum),
            "listeners": ",".join(listeners),
            "advertised.listeners": ",".join(advertised),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "message.max.bytes": str(MAX_RECORD_BYTES),
            "offsets.topic.num.partitions": "4",
            "min.insync.replicas": in_step,
            "offsets.topic.replication.factor": str(replicas),
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": in_step,
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": in_step,
            "group.initial.rebalance.delay.ms": "0",
            # A broker that was killed is let in again only when its last session has ended.
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "1000",
            "log.segment.bytes": str(64 << 20),
            "num.network.threads": "2",
            "num.io.threads": "4",
            "num.recovery.threads.per.data.dir": "2",
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        run = subprocess.run(
            [
                *self._java("-Xshare:auto", "-XX:TieredStopAtLevel=1"),
                *("kafka.tools.StorageTool", "format", "--cluster-id", _CLUSTER_ID),
                *("--config", str(self._properties), "--ignore-formatted"),
            ],
            env=dict(self.environment()),
            capture_output=True,
            text=True,
        )
        if run.returncode:
            raise ProcessFailed("cannot prepare Kafka's data folder", run.stdout[-2000:] + run.stderr[-2000:])

    def command(self) -> Sequence[str]:
        return [*self._java(*_HEAP, *self._archive), "kafka.Kafka", str(self._properties)]

    def ready(self) -> bool:
        try:
            metadata = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(timeout=1)
        except KafkaException:
            return False
        return bool(metadata.brokers)


def replication_factor(brokers: int) -> int:
    """How many copies a record has; all but one of them must be in step for ``acks=all``."""
    return min(brokers, 3)


def create_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS, brokers: int = 1) -> None:
    """Create those that are absent; leaves existing ones as they are. Blocks until the broker has them."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        existing = admin.list_topics(timeout=10).topics
        wanted = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=replication_factor(brokers),
                config={"retention.ms": str(topic.retention_ms), **topic.config},
            )
            for topic in topics
            if topic.name not in existing
        ]
        if wanted:
            for created in admin.create_topics(wanted).values():
                created.result(30)
    except NO_ANSWER as error:
        raise no_answer(f"cannot create topics at {bootstrap}", error) from error
