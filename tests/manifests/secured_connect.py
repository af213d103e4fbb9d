"""A worker of Kafka Connect that shows its user's certificate, configured as the manifest's worker is."""

from __future__ import annotations

from pathlib import Path

from freshet.kafka_security import java_security
from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.stack.connect import KafkaConnect
from freshet.stack.process import free_port

CACHE = Path.home() / ".cache" / "freshet" / "jars"


class SecuredConnect(KafkaConnect):
    """``kafka`` says where the secured listener is and who the worker is."""

    def __init__(self, folder: Path, kafka: KafkaSettings, log: Path) -> None:
        worker = [*jars.resolve("kafka", CACHE), *jars.resolve("connect", CACHE)]
        super().__init__(folder, kafka.bootstrap, worker, jars.resolve("debezium", CACHE), log, free_port())
        self._kafka = kafka

    def prepare(self) -> None:
        super().prepare()
        security = java_security(self._kafka)
        providers = {name: value for name, value in security.items() if name.startswith("config.providers")}
        own = {name: value for name, value in security.items() if name not in providers}
        # Strimzi writes them for the worker, and again for what its connectors use.
        further = {f"{prefix}{name}": value for prefix in ("", "producer.", "admin.") for name, value in own.items()}
        with (self._folder / "worker.properties").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in {**providers, **further}.items())
