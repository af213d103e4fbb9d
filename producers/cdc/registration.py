"""Adds, changes, repairs and removes captures: database, connector and definition, in the order that leaves nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from freshet.errors import FreshetError, UnavailableError, UsageError
from producers.cdc.capture import Capture
from producers.cdc.captures import Captures
from producers.cdc.checks import Finding, examine, require
from producers.cdc.connect_api import ConnectApi
from producers.cdc.connector import connector_config
from producers.cdc.database import Database
from producers.cdc.preparation import drop_publication, drop_slot, ensure_publication, ensure_slot, publication_sql

RUNNING_SECONDS: Final = 30
_POLL_S: Final = 0.1


class Registration:
    """Every method blocks and raises FreshetError; what was begun can be done again."""

    def __init__(self, captures: Captures, connect_url: str) -> None:
        self._captures = captures
        self._connect_url = connect_url

    def check(self, capture: Capture) -> list[Finding]:
        """What stands for and against it. Changes nothing."""
        with Database(capture) as database:
            return examine(database, capture, new=not self._runs(capture))

    def prepare(self, capture: Capture) -> list[Finding]:
        """Check all, then publication and slot: for a connector that somebody else registers."""
        with Database(capture) as database:
            findings = examine(database, capture, new=False)
            require(findings)
            self._publication(database, capture)
            ensure_slot(database, capture)
        return findings

    def add(self, capture: Capture) -> list[Finding]:
        """Check all, then publication, slot, connector, definition. Returns the findings; raises where one fails."""
        new = not self._runs(capture)
        with Database(capture) as database, ConnectApi(self._connect_url) as api:
            findings = examine(database, capture, new=new)
            require(findings)
            self._publication(database, capture)
            made = ensure_slot(database, capture)
            try:
                config = connector_config(capture)
                if wrong := api.validate(config):
                    raise UsageError("Debezium refuses the capture", "; ".join(wrong), "mend what it names")
                register(api, capture, config)
                self._wait_running(api, database, capture)
            except FreshetError:
                if made and new:
                    self._withdraw(api, database, capture)
                raise
        # A new slot knows nothing of what came before it.
        resync = max(capture.resync, _now()) if made else max(capture.resync, self._captures.read(capture.name).resync)
        self._captures.write(capture.model_copy(update={"resync": resync}))
        return findings

    def repair(self, name: str) -> Capture:
        """After a lost slot: a new one, and every row read again. What was deleted meanwhile, only an audit finds."""
        capture = self._captures.read(name)
        with Database(capture) as database, ConnectApi(self._connect_url) as api:
            api.stop(capture.connector_name)
            drop_slot(database, capture)
            api.forget_offsets(capture.connector_name)
            self._publication(database, capture)
            ensure_slot(database, capture)
            api.put(capture.connector_name, connector_config(capture))
            api.resume(capture.connector_name)
            self._wait_running(api, database, capture)
        again = capture.model_copy(update={"resync": max(capture.resync + 1, _now())})
        self._captures.write(again)
        return again

    def remove(self, name: str) -> None:
        """Connector, its offsets, slot, publication, definition. Documents stay until they are deleted."""
        capture = self._captures.read(name)
        # First, so that nobody registers it again.
        self._captures.remove(name)
        try:
            with ConnectApi(self._connect_url) as api:
                if api.config(capture.connector_name) is not None:
                    api.stop(capture.connector_name)
                    api.forget_offsets(capture.connector_name)
                    api.delete(capture.connector_name)
            with Database(capture) as database:
                self._wait_inactive(database, capture)
                drop_slot(database, capture)
                drop_publication(database, capture)
        except FreshetError:
            self._captures.write(capture)
            raise

    def _runs(self, capture: Capture) -> bool:
        return capture.name in self._captures.names()

    def _publication(self, database: Database, capture: Capture) -> None:
        try:
            ensure_publication(database, capture)
        except UsageError as error:
            raise UsageError(
                "the publication cannot be made", error.detail, f"let the tables' owner run: {publication_sql(capture)}"
            ) from error

    def _wait_running(self, api: ConnectApi, database: Database, capture: Capture) -> None:
        """Until the slot is read: what changes from then on is captured."""
        deadline = time.monotonic() + RUNNING_SECONDS
        while True:
            state = api.state(capture.connector_name)
            if state is not None and "FAILED" in (state.state, state.task):
                raise UsageError("the connector fails", state.trace[:1500], "see the log of connect")
            if (
                state is not None
                and state.runs
                and database.one("SELECT active FROM pg_replication_slots WHERE slot_name = :slot", slot=capture.slot)
            ):
                return
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the connector does not read the slot within {RUNNING_SECONDS} s",
                    "" if state is None else f"it is {state.state}, its task {state.task}",
                    "see the log of connect",
                )
            time.sleep(_POLL_S)

    def _wait_inactive(self, database: Database, capture: Capture) -> None:
        deadline = time.monotonic() + RUNNING_SECONDS
        while database.one("SELECT active FROM pg_replication_slots WHERE slot_name = :slot", slot=capture.slot):
            if time.monotonic() > deadline:
                raise UnavailableError(f"somebody still reads the slot {capture.slot}", "", "stop it, then try again")
            time.sleep(_POLL_S)

    def _withdraw(self, api: ConnectApi, database: Database, capture: Capture) -> None:
        try:
            api.stop(capture.connector_name)
            api.forget_offsets(capture.connector_name)
            api.delete(capture.connector_name)
            self._wait_inactive(database, capture)
            drop_slot(database, capture)
            drop_publication(database, capture)
        except FreshetError:
            # The first error says why; `freshet cdc add` names what is left over.
            return


def register(api: ConnectApi, capture: Capture, config: Mapping[str, str]) -> bool:
    """Create the connector or change it; True where something was done. A paused one goes on when it is changed.

    Were the old task to read on for a moment, it would pass over the changes of a table that was just added.
    """
    found = api.config(capture.connector_name)
    if found is None:
        api.put(capture.connector_name, config)
        return True
    if {name: found.get(name) for name in config} == dict(config):
        return False
    api.replace(capture.connector_name, config)
    return True


def _now() -> int:
    return int(time.time())
