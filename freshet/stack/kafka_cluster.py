"""Brokers that keep copies of each other's records: one, or three that survive the loss of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from freshet.kafka_errors import NO_ANSWER, no_answer
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.process import wait_until


class KafkaCluster:
    """Each broker is a controller too. Topics have three copies, of which two must be in step for ``acks=all``.

    A broker that is not in step never becomes leader (``unclean.leader.election.enable`` is false, Kafka's default).
    """

    def __init__(
        self,
        folder: Path,
        jars: Sequence[Path],
        log: Callable[[str], Path],
        size: int = 1,
        port: int | None = None,
        archives: Path | None = None,
        proxy_port: int | None = None,
    ) -> None:
        """``log`` gives the path of a process' log by its name. ``proxy_port`` is for the first broker."""
        first = KafkaBroker(folder, jars, log("kafka"), port, archives, proxy_port)
        others = [
            KafkaBroker(folder / f"broker-{node}", jars, log(f"kafka-{node}"), None, archives, node=node)
            for node in range(2, size + 1)
        ]
        self.brokers = (first, *others)
        for broker in self.brokers:
            broker.join(self.brokers)

    @property
    def bootstrap(self) -> str:
        return ",".join(broker.bootstrap for broker in self.brokers)

    def start(self) -> None:
        for broker in self.brokers:
            broker.start()

    def wait_ready(self, seconds: float) -> None:
        """Block until all have found each other. Raises ProcessFailed."""
        wait_until(lambda: self._known() == len(self.brokers), "all brokers are there", seconds, self.brokers)

    def create_topics(self) -> None:
        create_topics(self.bootstrap, brokers=len(self.brokers))

    def leader(self, topic: str, partition: int) -> KafkaBroker | None:
        """Who takes its records now; None during an election. Raises UnavailableError."""
        try:
            topics = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(topic, 5).topics
        except NO_ANSWER as error:
            raise no_answer(f"no broker answers at {self.bootstrap}", error) from error
        node = topics[topic].partitions[partition].leader
        return next((broker for broker in self.brokers if broker.node == node), None)

    def stop(self) -> None:
        """Orderly, one after another."""
        for broker in self.brokers:
            broker.stop()

    def _known(self) -> int:
        try:
            metadata = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(timeout=1)
        except KafkaException:
            return 0
        return len(metadata.brokers)
