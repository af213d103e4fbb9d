"""Looks after connectors and slots: registers what is missing, starts again what failed, and says what is lost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from freshet.errors import FreshetError
from freshet.metrics import CDC_CONNECTOR_RUNNING, CDC_SLOT_BYTES, CDC_SLOT_LOST
from producers.cdc.capture import Capture
from producers.cdc.connect_api import ConnectApi
from producers.cdc.connector import connector_config
from producers.cdc.database import Database
from producers.cdc.health import SlotHealth, slot_health
from producers.cdc.registration import register

_log: Final = logging.getLogger(__name__)


class Monitor:
    """Call ``look`` every few seconds from a thread of its own. Never raises FreshetError."""

    def __init__(self, connect_url: str, manage: bool = True) -> None:
        """``manage`` is False where somebody else registers connectors, and only their state is told."""
        self._manage = manage
        self._connect_url = connect_url
        self._databases: dict[str, Database] = {}
        self._said: dict[str, str] = {}

    def look(self, captures: Mapping[str, Capture]) -> None:
        """Blocks for a few requests."""
        for name in [name for name in self._databases if name not in captures]:
            self._databases.pop(name).close()
        for capture in captures.values():
            try:
                slot = self._slot(capture)
                self._connector(capture, slot)
                self._say(capture.name, "" if slot.well else slot.trouble(capture))
            except FreshetError as error:
                self._say(capture.name, str(error))
                CDC_CONNECTOR_RUNNING.gauge().labels(capture.name).set(0)

    def close(self) -> None:
        for database in self._databases.values():
            database.close()

    def _slot(self, capture: Capture) -> SlotHealth:
        try:
            database = self._databases.get(capture.name) or Database(capture)
            self._databases[capture.name] = database
            slot = slot_health(database, capture)
        except FreshetError:
            if (broken := self._databases.pop(capture.name, None)) is not None:
                broken.close()
            raise
        CDC_SLOT_LOST.gauge().labels(capture.name).set(int(slot.lost))
        CDC_SLOT_BYTES.gauge().labels(capture.name).set(slot.retained_bytes)
        return slot

    def _connector(self, capture: Capture, slot: SlotHealth) -> None:
        with ConnectApi(self._connect_url, timeout=5) as api:
            if self._manage:
                self._register(api, capture)
            state = api.state(capture.connector_name)
            running = state is not None and state.runs and not slot.lost
            CDC_CONNECTOR_RUNNING.gauge().labels(capture.name).set(int(running))
            if self._manage and state is not None and "FAILED" in (state.state, state.task) and not slot.lost:
                api.restart(capture.connector_name)
                _log.warning(
                    "the connector of %s had failed and was started again: %s", capture.name, state.trace[:500]
                )

    def _register(self, api: ConnectApi, capture: Capture) -> None:
        if register(api, capture, connector_config(capture)):
            _log.info("registered the connector of %s", capture.name)

    def _say(self, name: str, trouble: str) -> None:
        """Once for as long as it lasts."""
        if trouble and self._said.get(name) != trouble:
            _log.warning("%s: %s", name, trouble)
        self._said[name] = trouble
