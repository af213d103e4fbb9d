"""What watches the local stack and is no part of its flow: the monitor, and Prometheus with what it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freshet.errors import UsageError
from freshet.stack.process import StackProcess, free_port
from freshet.stack.prometheus import BINARY_VARIABLE, RULES, Prometheus, prometheus_binary
from freshet.stack.python_process import PythonProcess


@dataclass(frozen=True, slots=True)
class MetricsPorts:
    """Of the processes that serve HTTP for nothing but their metrics."""

    job: int = field(default_factory=free_port)
    files: int = field(default_factory=free_port)
    consumer: int = field(default_factory=free_port)
    canary: int = field(default_factory=free_port)
    cdc: int = field(default_factory=free_port)

    def environment(self) -> dict[str, str]:
        return {
            "FRESHET_JOB_METRICS_PORT": str(self.job),
            "FRESHET_FILES_METRICS_PORT": str(self.files),
            "FRESHET_CANARY_METRICS_PORT": str(self.canary),
        }

    def host_environment(self) -> dict[str, str]:
        """For a host process without search, which would serve them."""
        return {"FRESHET_HOST_METRICS_PORT": str(self.consumer)}


class Observers:
    """The pipeline is the same with and without them."""

    def __init__(
        self,
        state: Path,
        log: Callable[[str], Path],
        stage: Mapping[str, str],
        scrape_seconds: int,
        rules: Path | None = None,
    ) -> None:
        """Raises UsageError where there is no Prometheus."""
        if (binary := prometheus_binary()) is None:
            raise UsageError(
                "there is no Prometheus to start",
                f"neither {BINARY_VARIABLE} nor the PATH names one, and .tools/bin has none",
                "run `make .tools/bin/prometheus`, or name one",
            )
        self.prometheus = Prometheus(binary, state / "prometheus", log("prometheus"), rules or RULES, scrape_seconds)
        self._monitor_port = free_port()
        settings = {
            **stage,
            "FRESHET_MONITOR_METRICS_PORT": str(self._monitor_port),
            "FRESHET_MONITOR_STATE": str(state),
            "FRESHET_MONITOR_SECONDS": str(scrape_seconds),
        }
        self.monitor = PythonProcess("monitor", log("monitor"), "freshet.monitor", (), settings)

    @property
    def processes(self) -> tuple[StackProcess, ...]:
        return self.monitor, self.prometheus

    def start(self) -> None:
        for process in self.processes:
            process.start()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def scrape(self, addresses: Mapping[str, str]) -> None:
        """Ask these, and the monitor: host:port by component."""
        self.prometheus.scrape({**addresses, "monitor": f"127.0.0.1:{self._monitor_port}"})
