"""Looks after connectors and slots: registers what is missing, starts again what failed, and says what is lost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from freshet.errors import FreshetError
from freshet.metrics import CDC_CONNECTOR_RUNNING, CDC_SLOT_BYTES, CDC_SLOT_LOST
from producers.cdc.capture import Capture
from producers.cdc.captures import Captures
from producers.cdc.connect_api import ConnectApi
from producers.cdc.connector import connector_config
from producers.cdc.database import Database
from producers.cdc.health import SlotHealth, slot_health
from producers.cdc.marks import BeingChanged
from producers.cdc.publication import widen_publication
from producers.cdc.registration import register

_GAUGES: Final = (CDC_CONNECTOR_RUNNING, CDC_SLOT_LOST, CDC_SLOT_BYTES)

_log: Final = logging.getLogger(__name__)


class Monitor:
    """Call ``look`` every few seconds from a thread of its own. Never raises FreshetError."""

    def __init__(self, connect_url: str, folder: Captures, manage: bool = True) -> None:
        """``manage`` is False where somebody else registers connectors, and only their state is told."""
        self._manage = manage
        self._connect_url = connect_url
        self._folder = folder
        self._databases: dict[str, tuple[tuple[str, str], Database]] = {}
        self._said: dict[str, str] = {}

    def look(self, captures: Mapping[str, Capture]) -> None:
        """Blocks for a few requests."""
        for name in [name for name in self._said if name not in captures]:
            self._forget(name)
        for capture in captures.values():
            try:
                if capture.kind != "postgresql":
                    self._foreign(capture)
                    continue
                database = self._database(capture)
                slot = self._slot(database, capture)
                self._connector(database, capture, slot)
                self._say(capture.name, "" if slot.well else slot.trouble(capture))
            except FreshetError as error:
                self._disconnect(capture.name)
                self._say(capture.name, str(error))
                CDC_CONNECTOR_RUNNING.gauge().labels(capture.name).set(0)

    def close(self) -> None:
        for _, database in self._databases.values():
            database.close()

    def _forget(self, name: str) -> None:
        """What no capture is called any more raises no alarm."""
        self._disconnect(name)
        del self._said[name]
        for metric in _GAUGES:
            metric.gauge().remove(name)

    def _database(self, capture: Capture) -> Database:
        """One connection for as long as the address stays."""
        address = (capture.url, capture.password.get_secret_value())
        there, database = self._databases.get(capture.name, (None, None))
        if database is None or there != address:
            self._disconnect(capture.name)
            database = Database(capture)
            self._databases[capture.name] = (address, database)
        return database

    def _disconnect(self, name: str) -> None:
        _, database = self._databases.pop(name, (None, None))
        if database is not None:
            database.close()

    def _slot(self, database: Database, capture: Capture) -> SlotHealth:
        slot = slot_health(database, capture)
        CDC_SLOT_LOST.gauge().labels(capture.name).set(int(slot.lost))
        CDC_SLOT_BYTES.gauge().labels(capture.name).set(slot.retained_bytes)
        return slot

    def _connector(self, database: Database, capture: Capture, slot: SlotHealth) -> None:
        with ConnectApi(self._connect_url, timeout=5) as api:
            name = api.connector_of(capture)
            if self._manage:
                self._register(api, name, database, capture)
            state = api.state(name)
            running = state is not None and state.runs and not slot.lost
            CDC_CONNECTOR_RUNNING.gauge().labels(capture.name).set(int(running))
            if self._manage and state is not None and "FAILED" in (state.state, state.task) and not slot.lost:
                api.restart(name)
                _log.warning(
                    "the connector of %s had failed and was started again: %s", capture.name, state.trace[:500]
                )

    def _foreign(self, capture: Capture) -> None:
        """Somebody else's connector to another database: its state is told."""
        with ConnectApi(self._connect_url, timeout=5) as api:
            state = api.state(capture.connector_name)
        CDC_CONNECTOR_RUNNING.gauge().labels(capture.name).set(int(state is not None and state.runs))
        self._say(capture.name, "" if state is not None and state.runs else "its connector does not run")

    def _register(self, api: ConnectApi, name: str, database: Database, capture: Capture) -> None:
        """By the definition as it lies there, and only while no command changes it."""
        try:
            with self._folder.marks.lock(capture.name, 0):
                if self._folder.known(capture.name) != capture:
                    return
                if widen_publication(database, capture):
                    _log.info("widened the publication of %s", capture.name)
                if register(api, name, connector_config(capture)):
                    _log.info("registered the connector of %s", capture.name)
        except BeingChanged:
            return

    def _say(self, name: str, trouble: str) -> None:
        """Once for as long as it lasts."""
        if trouble and self._said.get(name) != trouble:
            _log.warning("%s: %s", name, trouble)
        self._said[name] = trouble
