"""Kafka Connect's REST interface."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import httpx

from freshet.errors import UnavailableError, UsageError
from producers.cdc.capture import Capture

TIMEOUT_SECONDS: Final = 30.0
_CONFLICT: Final = 409
_NOT_FOUND: Final = 404
_REBALANCE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """``task`` is the state of its one task, in Connect's words, or NONE where it has none."""

    state: str
    task: str
    trace: str = ""

    @property
    def runs(self) -> bool:
        return self.state == "RUNNING" and self.task == "RUNNING"


class ConnectApi:
    """Every method blocks for the answer. Raises UnavailableError without one, UsageError where Connect refuses."""

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=timeout)

    def __enter__(self) -> ConnectApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def names(self) -> list[str]:
        found: list[str] = self._call("GET", "/connectors")
        return found

    def config(self, name: str) -> dict[str, str] | None:
        """None where there is no such connector."""
        found: dict[str, str] | None = self._call("GET", f"/connectors/{name}/config", absent_ok=True)
        return found

    def connector_of(self, capture: Capture) -> str:
        """The name of its connector. One that an earlier version registered under a name with ``_`` keeps it."""
        former = f"freshet-{capture.name}"
        if former != capture.connector_name and self.config(former) is not None:
            return former
        return capture.connector_name

    def task_config(self, name: str) -> dict[str, str] | None:
        """What its task runs by, which follows the connector's within a second or so. None without a task."""
        tasks = self._call("GET", f"/connectors/{name}/tasks", absent_ok=True)
        return dict(tasks[0]["config"]) if tasks else None

    def validate(self, config: Mapping[str, str]) -> list[str]:
        """What Debezium says against the configuration; it connects to the database for it."""
        plugin = config["connector.class"]
        answer = self._call("PUT", f"/connector-plugins/{plugin}/config/validate", {**config, "name": "validation"})
        return [f"{one['value']['name']}: {text}" for one in answer["configs"] for text in one["value"]["errors"]]

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Create the connector, or change it."""
        self._call("PUT", f"/connectors/{name}/config", dict(config))

    def state(self, name: str) -> ConnectorState | None:
        """None where there is no such connector."""
        answer = self._call("GET", f"/connectors/{name}/status", absent_ok=True)
        if answer is None:
            return None
        tasks = answer["tasks"]
        trace = (tasks[0].get("trace") if tasks else None) or answer["connector"].get("trace") or ""
        return ConnectorState(answer["connector"]["state"], tasks[0]["state"] if tasks else "NONE", trace)

    def replace(self, name: str, config: Mapping[str, str]) -> None:
        """Change a connector so that its task is gone before the new one begins: nobody reads by the old meanwhile."""
        self.stop(name)
        self.put(name, config)
        self.resume(name)

    def pause(self, name: str) -> None:
        self._call("PUT", f"/connectors/{name}/pause")

    def resume(self, name: str) -> None:
        self._call("PUT", f"/connectors/{name}/resume")

    def stop(self, name: str, seconds: float = 30) -> None:
        """Ends its task and returns when it has let go of the slot's connection. No error where it is absent."""
        if self._call("PUT", f"/connectors/{name}/stop", absent_ok=True) is None and self.state(name) is None:
            return
        deadline = time.monotonic() + seconds
        while (state := self.state(name)) is not None and (state.state != "STOPPED" or state.task != "NONE"):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the connector {name} does not stop", f"it is {state.state}, its task {state.task}"
                )
            time.sleep(0.1)

    def restart(self, name: str) -> None:
        """Connector and task, failed or not."""
        self._call("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=false")

    def forget_offsets(self, name: str) -> None:
        """Where it had read to. It must be stopped."""
        self._call("DELETE", f"/connectors/{name}/offsets", absent_ok=True)

    def delete(self, name: str) -> None:
        self._call("DELETE", f"/connectors/{name}", absent_ok=True)

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None, absent_ok: bool = False) -> Any:
        deadline = time.monotonic() + _REBALANCE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.HTTPError as error:
                raise UnavailableError(
                    f"Kafka Connect at {self._url} does not answer",
                    str(error) or type(error).__name__,
                    "start it with `freshet up --postgres`, or name another with --connect",
                ) from error
            if answer.status_code == _CONFLICT and time.monotonic() < deadline:
                # The workers are sharing out their tasks.
                time.sleep(0.2)
                continue
            if answer.status_code == _NOT_FOUND and absent_ok:
                return None
            if answer.is_success:
                return answer.json() if answer.content else {}
            raise UsageError(
                f"Kafka Connect refuses {method} {path}", _message(answer), "see `freshet cdc status` and its log"
            )


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}: {answer.text[:500]}"
