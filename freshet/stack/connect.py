"""A Kafka Connect worker as one plain JVM, with Debezium's connector for PostgreSQL as its plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from freshet.stack.java import WARNINGS_TO_CONSOLE, class_archive, java_environment, java_home
from freshet.stack.process import StackProcess, free_port

DEFAULT_PORT = 8083
_HEAP = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC")
_LOG4J = f"""\
{WARNINGS_TO_CONSOLE}\
# It warns of every setting that a connector has for somebody else.
logger.config.name = org.apache.kafka.common.config
logger.config.level = ERROR
logger.clients.name = org.apache.kafka.clients
logger.clients.level = ERROR
"""


class KafkaConnect(StackProcess):
    """One distributed worker on 127.0.0.1. What it runs lives in topics of the broker and outlives it."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        jars: Sequence[Path],
        plugin: Sequence[Path],
        log: Path,
        port: int | None = None,
        archives: Path | None = None,
        replicas: int = 1,
    ) -> None:
        """``plugin`` are Debezium's jars, kept apart from the worker's. ``replicas`` is for the worker's topics."""
        super().__init__("connect", log)
        self._folder = folder
        self._bootstrap = bootstrap
        self._jars = jars
        self._plugin = plugin
        self._replicas = replicas
        self._archive = class_archive(archives, self.name) if archives else ()
        self.port = port or free_port(DEFAULT_PORT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> Mapping[str, str]:
        return java_environment()

    def prepare(self) -> None:
        plugins = self._folder / "plugins" / "debezium-postgres"
        plugins.mkdir(parents=True, exist_ok=True)
        for old in plugins.iterdir():
            old.unlink()
        for jar in self._plugin:
            (plugins / jar.name).symlink_to(jar)
        (self._folder / "log4j2.properties").write_text(_LOG4J)
        properties = {
            "bootstrap.servers": self._bootstrap,
            "listeners": self.url,
            "rest.advertised.host.name": "127.0.0.1",
            "group.id": "freshet-connect",
            "plugin.path": str(plugins.parent),
            # The plugins say themselves what they are: a scan of all jars would take seconds.
            "plugin.discovery": "service_load",
            **{f"{name}.storage.topic": f"connect-{name}" for name in ("config", "offset", "status")},
            **{f"{name}.storage.replication.factor": str(self._replicas) for name in ("config", "offset", "status")},
            "offset.storage.partitions": "1",
            "status.storage.partitions": "1",
            # What a killed worker sends again is what came since: a minute by default.
            "offset.flush.interval.ms": "1000",
            # One worker: nobody to wait for.
            "scheduled.rebalance.max.delay.ms": "0",
            # A killed worker's seat in the group is free after this.
            "session.timeout.ms": "10000",
            "heartbeat.interval.ms": "1000",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        }
        lines = "".join(f"{name}={value}\n" for name, value in properties.items())
        (self._folder / "worker.properties").write_text(lines)

    def command(self) -> Sequence[str]:
        class_path = ":".join(str(jar) for jar in self._jars)
        return [
            f"{java_home()}/bin/java",
            f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
            *(*_HEAP, *self._archive, "-cp", class_path),
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(self._folder / "worker.properties"),
        ]

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/connectors", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False
