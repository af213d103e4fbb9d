"""Change data capture beside the stack: Kafka Connect, the process that maps rows, and a PostgreSQL where wanted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from freshet.stack import jars
from freshet.stack.connect import KafkaConnect
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import ProcessFailed, StackProcess
from freshet.stack.python_process import PythonProcess
from freshet.stack.settings import StackSettings

MODULE = "producers.cdc"
CONNECT_URL = "FRESHET_CDC_CONNECT_URL"
CAPTURES = {"producers.cdc.sample": "sample", "producers.cdc.existing": "database"}
"""The capture that each of these modules registers."""
REGISTER_SECONDS = 120


class ChangeCapture:
    """Starts once the broker is ready; ``register`` once changes flow."""

    def __init__(
        self,
        settings: StackSettings,
        state: Path,
        bootstrap: str,
        log: Callable[[str], Path],
        stage: Mapping[str, str],
        metrics_port: int,
    ) -> None:
        """``stage`` are the settings of all stages. Downloads what is missing; raises UsageError."""
        cache = settings.cache / "jars"
        worker = [*jars.resolve("kafka", cache), *jars.resolve("connect", cache)]
        plugin = jars.resolve("debezium", cache)
        folder = state / "cdc"
        self._folder = folder
        self.metrics_port = metrics_port
        self.warnings: list[str] = []
        """What a capture of an earlier start lacks; its repair may need the system."""
        self._given = settings.postgres_url
        self.postgres = (
            PostgresServer(state / "postgres", log("postgres"), settings.postgres_port) if settings.postgres else None
        )
        replicas = min(settings.brokers, 3)
        self.connect = KafkaConnect(
            state / "connect", bootstrap, worker, plugin, log("connect"), None, settings.archives, replicas
        )
        own = {
            CONNECT_URL: self.connect.url,
            "FRESHET_CDC_STATE": str(folder),
            "FRESHET_CDC_CAPTURES": str(folder / "captures"),
            "FRESHET_CDC_SEARCH_URL": f"http://127.0.0.1:{settings.search_port}",
            "FRESHET_CDC_METRICS_PORT": str(metrics_port),
        }
        self._settings = {**own, **stage}
        self.producer = PythonProcess("cdc", log("cdc"), MODULE, (), self._settings)

    @property
    def processes(self) -> tuple[StackProcess, ...]:
        """In the order of their start."""
        servers = () if self.postgres is None else (self.postgres,)
        return (*servers, self.connect, self.producer)

    def read_again(self) -> None:
        """Forget which rows were read: for an index that was emptied. Before the start."""
        (self._folder / "progress.json").unlink(missing_ok=True)

    def start(self) -> None:
        """Returns at once."""
        if self.postgres is not None:
            self.postgres.start()
        self.connect.start()

    def register(self, seconds: float) -> None:
        """Block until it captures. Raises ProcessFailed with what refused it."""
        if self.postgres is not None:
            self.postgres.wait_ready(seconds)
        self.connect.wait_ready(seconds)
        self.producer.start()
        if self.postgres is not None:
            self._run("producers.cdc.sample", self.postgres.url)
        if self._given:
            self._run("producers.cdc.existing", self._given)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()

    def _run(self, module: str, url: str) -> None:
        # Not in the command line, where every user of the machine could read the password.
        environment = {**os.environ, **self._settings, "CDC_DATABASE_URL": url}
        command = [sys.executable, "-m", module]
        new = not (self._folder / "captures" / f"{CAPTURES[module]}.yaml").exists()
        try:
            run = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=REGISTER_SECONDS, check=True
            )
        except subprocess.TimeoutExpired:
            told = f"{CAPTURES[module]}: it does not answer within {REGISTER_SECONDS} s. See `freshet cdc status`"
            if new:
                raise ProcessFailed("the database cannot be captured", told) from None
            self.warnings.append(told)
        except subprocess.CalledProcessError as error:
            raise ProcessFailed(
                "the database cannot be captured", (error.stderr or error.stdout).strip()[-3000:]
            ) from None
        else:
            self.warnings += run.stdout.splitlines()
