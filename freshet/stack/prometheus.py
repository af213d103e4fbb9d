"""Prometheus beside the local stack: it finds the processes by a file, and brings Freshet's rules and alerts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from freshet.errors import UsageError
from freshet.stack.process import StackProcess, free_port

BINARY = "prometheus"
BINARY_VARIABLE = "PROMETHEUS_BIN"
DEFAULT_PORT = 9090
JOB = "freshet"
"""The label ``job`` of every process; ``component`` says which it is. On Kubernetes the same."""
RULES = Path(__file__).parents[2] / "grafana" / "alerts"
TOOLS = Path(__file__).parents[2] / ".tools" / "bin"
"""Where ``make tools`` puts it."""


def prometheus_binary(name: str = BINARY) -> Path | None:
    """What PROMETHEUS_BIN names, ``make tools`` unpacked, or the PATH holds; None where there is none.

    ``promtool`` is another ``name`` that lies in the same places.
    """
    named = os.environ.get(BINARY_VARIABLE) if name == BINARY else None
    if named and not (Path(named).is_file() and os.access(named, os.X_OK)):
        raise UsageError(f"{BINARY_VARIABLE} names no program", named, "name the executable of a Prometheus server")
    unpacked = TOOLS / name
    found = named or (str(unpacked) if unpacked.exists() else shutil.which(name))
    return Path(found) if found else None


class Prometheus(StackProcess):
    """It only ever asks: nothing waits for it, and nothing is lost but its own memory when it ends."""

    def __init__(
        self,
        binary: Path,
        folder: Path,
        log: Path,
        rules: Path = RULES,
        scrape_seconds: int = 5,
        port: int | None = None,
    ) -> None:
        """``folder`` holds its data and outlives it. Rules are evaluated as often as processes are asked."""
        super().__init__(BINARY, log)
        self._binary = binary
        self._folder = folder
        self._rules = rules
        self._seconds = scrape_seconds
        self.port = port or free_port(DEFAULT_PORT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._targets.exists():
            self.scrape({})
        # JSON is YAML.
        (self._folder / "prometheus.yml").write_bytes(msgspec.json.format(msgspec.json.encode(self._configuration())))

    def scrape(self, addresses: Mapping[str, str]) -> None:
        """Ask these from now on: host:port by component. Prometheus notices the change by itself."""
        self._folder.mkdir(parents=True, exist_ok=True)
        groups = [
            {"targets": [address], "labels": {"component": component}} for component, address in addresses.items()
        ]
        temporary = self._targets.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(groups))
        temporary.replace(self._targets)

    def command(self) -> Sequence[str]:
        return [
            str(self._binary),
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            "--storage.tsdb.retention.time=7d",
            "--storage.tsdb.retention.size=1GB",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def _targets(self) -> Path:
        return self._folder / "targets.json"

    def _configuration(self) -> dict[str, object]:
        every = f"{self._seconds}s"
        found = {"files": [str(self._targets)], "refresh_interval": every}
        return {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [str(self._rules / "*.yaml")],
            "scrape_configs": [{"job_name": JOB, "file_sd_configs": [found]}],
        }
