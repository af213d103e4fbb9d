"""A stack that Prometheus watches, with rules whose windows are short enough for a test."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from freshet.stack.inference import InferenceServer
from freshet.stack.local import LocalStack
from freshet.stack.process import StackProcess, free_port, wait_until
from freshet.stack.prometheus import Prometheus
from freshet.stack.running import started
from freshet.stack.settings import StackSettings
from grafana.generator.rules import write_rules
from grafana.generator.windows import Windows
from tests.integration.observed.damaged_model import damaged_server_settings
from tests.integration.observed.load import Load

WINDOWS = Windows(speed=30, held_at_most=2, ages=10, amounts=500)
"""Ten seconds are five minutes, and nothing has to last longer than two."""
SECONDS = 60.0
SETTINGS = {
    "FRESHET_CANARY_EVERY_S": "0.5",
    "FRESHET_CANARY_TIMEOUT_S": "5",
    "FRESHET_CDC_MONITOR_S": "1",
    # What is behind the committed offsets counts as lag, and the bounds on ages are a tenth here.
    "FRESHET_CONSUMER_COMMIT_SECONDS": "0.2",
    "FRESHET_CONSUMER_RETRY_SECONDS": "0.2",
    "FRESHET_JOB_CHECKPOINT_MS": "2000",
}

Left = TypeVar("Left")


class Audits(StackProcess):
    """``freshet audit``, every second."""

    def __init__(self, stack: LocalStack, log: Path) -> None:
        super().__init__("audit", log)
        self._state = stack.state
        self.port = free_port()

    def command(self) -> Sequence[str]:
        program = str(Path(sys.executable).parent / "freshet")
        return [program, "audit", "--every", "1", "--metrics-port", str(self.port), "--state", str(self._state)]


class Watched:
    """The stack with its Prometheus and audits, and an inference server whose model is damaged."""

    def __init__(self, stack: LocalStack, inference: InferenceServer, audits: Audits) -> None:
        self.stack = stack
        self.inference = inference
        self.audits = audits
        assert stack.observers is not None
        self.monitor = stack.observers.monitor
        self.prometheus: Prometheus = stack.observers.prometheus

    def record(self) -> None:
        """What lives now, as the supervisor notes it; and the server beside the stack is asked too."""
        self.stack.record()
        assert self.stack.observers is not None
        others = {"inference": f"127.0.0.1:{self.inference.port}", "audit": f"127.0.0.1:{self.audits.port}"}
        self.stack.observers.scrape({**self.stack.metrics_addresses, **others})

    def get(self, path: str, **parameters: str) -> Any:
        """What Prometheus' API answers."""
        answer = httpx.get(f"{self.prometheus.url}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that are numbers."""
        found = self.get("query", query=expression)["result"]
        return [one for one in found if math.isfinite(float(one["value"][1]))]

    def firing(self) -> list[Mapping[str, str]]:
        """The labels of the alerts that fire now."""
        return [one["metric"] for one in self.query('ALERTS{alertstate="firing"}')]

    def wait_fired(self, *alerts: Mapping[str, str]) -> None:
        """Block until each of these has been seen to fire, at the same time or not: labels, of which ``alertname``."""

        def silent(left: list[Mapping[str, str]]) -> list[Mapping[str, str]]:
            firing = self.firing()
            return [one for one in left if not any(one.items() <= other.items() for other in firing)]

        wait_none_left(alerts, silent, "all of them fire", (self.prometheus,))


def wait_none_left(
    all_of_them: Iterable[Left],
    still_left: Callable[[list[Left]], list[Left]],
    what: str,
    watch: Sequence[StackProcess],
) -> None:
    """Block until each has been dropped once by ``still_left``; else AssertionError shows which were not."""
    left = list(all_of_them)

    def none() -> bool:
        left[:] = still_left(left)
        return not left

    try:
        wait_until(none, what, SECONDS, watch)
    finally:
        assert not left


def alert(name: str, **labels: str) -> Mapping[str, str]:
    return {"alertname": name, **labels}


@contextmanager
def watched_stack(folder: Path) -> Iterator[Watched]:
    """Everything that the dashboards show, under load."""
    rules, notes, damaged = folder / "rules", folder / "notes", folder / "damaged"
    write_rules(rules, WINDOWS)
    notes.mkdir()
    (notes / "tea.md").write_text("Green tea is steeped at eighty degrees.")
    inference = InferenceServer(folder / "inference.log", damaged_server_settings(damaged))
    settings = StackSettings(
        state=folder / "state",
        watch=notes,
        search_port=free_port(),
        canary=True,
        postgres=True,
        postgres_port=free_port(),
        prometheus=True,
        scrape_seconds=1,
        rules=rules,
        environment=tuple(SETTINGS.items()),
    )
    with ExitStack() as opened:
        opened.callback(inference.kill)
        stack = started(settings, before=lambda _: inference.start())
        opened.callback(stack.abort)
        audits = Audits(stack, folder / "audit.log")
        opened.callback(audits.kill)
        audits.start()
        watched = Watched(stack, inference, audits)
        watched.record()
        wait_until(lambda: answers(inference), "the inference server answers", SECONDS, (inference,))
        watched.prometheus.wait_ready(SECONDS)
        load = Load(stack, inference.url, rate=20)
        load.start()
        opened.callback(load.stop)
        yield watched


def answers(server: InferenceServer) -> bool:
    """Though it says that it is not ready, since its model has drifted."""
    try:
        return httpx.get(f"{server.url}/healthz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
