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
from producers.cdc.publication import drop_publication, ensure_publication, publication_findings
from producers.cdc.slot import drop_slot, ensure_slot, has_slot, slot_is_read

RUNNING_SECONDS: Final = 30
_POLL_S: Final = 0.1


class Registration:
    """Every method blocks and raises FreshetError; what was begun can be done again."""

    def __init__(self, captures: Captures, connect_url: str, manage: bool = True) -> None:
        """``manage`` is False where somebody else registers connectors, such as Strimzi."""
        self._captures = captures
        self._connect_url = connect_url
        self._manage = manage

    def check(self, capture: Capture) -> list[Finding]:
        """What stands for and against it. Changes nothing."""
        known = self._captures.known(capture.name)
        _require_epoch(capture, known)
        if capture.kind != "postgresql":
            return _foreign(capture)
        with Database(capture) as database:
            return self._examine(database, capture, new=known is None)

    def prepare(self, capture: Capture) -> list[Finding]:
        """Check all, then publication and slot: for a connector that somebody else registers."""
        with self._captures.marks.lock(capture.name), Database(capture) as database:
            findings = self._examine(database, capture, new=False)
            require(findings)
            ensure_publication(database, capture)
            self._ensure_slot(database, capture)
        return findings

    def add(self, capture: Capture) -> list[Finding]:
        """Check all, then publication, slot, connector, definition. Returns the findings; raises where one fails.

        Of another database than PostgreSQL the definition alone: who runs its connector registers it.
        """
        if not self._manage:
            raise UsageError(
                "connectors are not registered from here",
                "FRESHET_CDC_MANAGE is false",
                "use `freshet cdc prepare` and `freshet cdc manifest`",
            )
        with self._captures.marks.lock(capture.name):
            return self._add(capture, self._captures.known(capture.name))

    def _add(self, capture: Capture, known: Capture | None) -> list[Finding]:
        _require_epoch(capture, known)
        if capture.kind != "postgresql":
            findings = _foreign(capture)
            self._captures.write(capture)
            return findings
        with Database(capture) as database, ConnectApi(self._connect_url) as api:
            findings = self._examine(database, capture, new=known is None)
            require(findings)
            name = api.connector_of(capture)
            ensure_publication(database, capture)
            made = self._ensure_slot(database, capture)
            try:
                config = connector_config(capture)
                if wrong := api.validate(config):
                    raise UsageError("Debezium refuses the capture", "; ".join(wrong), "mend what it names")
                changed = register(api, name, config)
                state = None if changed or known is None else api.state(name)
                if state is not None and state.state in ("PAUSED", "STOPPED"):
                    remedy = f"freshet cdc resume {capture.name}"
                    findings.append(Finding("connector", "warn", f"it is {state.state.lower()}", remedy))
                else:
                    self._wait_running(api, name, database, capture)
            except FreshetError:
                if made and known is None:
                    self._withdraw(api, name, database, capture)
                raise
        before = 0 if known is None else known.resync
        self._captures.write(capture.model_copy(update={"resync": max(capture.resync, before)}))
        return findings

    def repair(self, name: str) -> Capture:
        """After a lost slot: a new one, and every row read again. What was deleted meanwhile, only an audit finds."""
        with self._captures.marks.lock(name):
            capture = self._captures.read(name)
            with Database(capture) as database, ConnectApi(self._connect_url) as api:
                self._renew(api, database, capture)
            return self._captures.read(name)

    def _renew(self, api: ConnectApi, database: Database, capture: Capture) -> None:
        connector = api.connector_of(capture)
        if not self._manage and api.config(connector) is None:
            raise UsageError(
                f"there is no connector {connector}", "somebody else registers it", "see its KafkaConnector"
            )
        api.stop(connector)
        self._wait_inactive(database, capture)
        # Before the slot is touched, that no failure from here on leaves a gap which nobody sees; behind the stop, as
        # no row is read while the connector stands still.
        self._captures.marks.ask_resync(capture.name, capture.resync)
        drop_slot(database, capture)
        api.forget_offsets(connector)
        ensure_publication(database, capture)
        ensure_slot(database, capture)
        if self._manage:
            api.put(connector, connector_config(capture))
        api.resume(connector)
        self._wait_running(api, connector, database, capture)

    def remove(self, name: str) -> None:
        """Connector, its offsets, slot, publication, definition. Documents stay until they are deleted."""
        with self._captures.marks.lock(name):
            capture = self._captures.read(name)
            # First, so that nobody registers it again.
            self._captures.remove(name)
            if capture.kind != "postgresql":
                return
            try:
                with ConnectApi(self._connect_url) as api:
                    self._remove_connector(api, api.connector_of(capture))
                with Database(capture) as database:
                    self._drop(database, capture)
            except FreshetError:
                self._captures.write(capture)
                raise

    def _examine(self, database: Database, capture: Capture, *, new: bool) -> list[Finding]:
        return [*examine(database, capture, new=new), *publication_findings(database, capture)]

    def _ensure_slot(self, database: Database, capture: Capture) -> bool:
        """True where it was made. It knows nothing of what came before it, so that every row is read, again or not."""
        if not has_slot(database, capture):
            self._captures.marks.ask_resync(capture.name, capture.resync)
        return ensure_slot(database, capture)

    def _wait_running(self, api: ConnectApi, name: str, database: Database, capture: Capture) -> None:
        """Until the slot is read: what changes from then on is captured."""
        deadline = time.monotonic() + RUNNING_SECONDS
        while True:
            state = api.state(name)
            if state is not None and "FAILED" in (state.state, state.task):
                raise UsageError("the connector fails", state.trace[:1500], "see the log of connect")
            if state is not None and state.runs and slot_is_read(database, capture):
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
        while slot_is_read(database, capture):
            if time.monotonic() > deadline:
                raise UnavailableError(f"somebody still reads the slot {capture.slot}", "", "stop it, then try again")
            time.sleep(_POLL_S)

    def _drop(self, database: Database, capture: Capture) -> None:
        self._wait_inactive(database, capture)
        drop_slot(database, capture)
        drop_publication(database, capture)

    def _remove_connector(self, api: ConnectApi, name: str) -> None:
        if api.config(name) is not None:
            api.stop(name)
            api.forget_offsets(name)
            api.delete(name)

    def _withdraw(self, api: ConnectApi, name: str, database: Database, capture: Capture) -> None:
        try:
            self._remove_connector(api, name)
            self._drop(database, capture)
            self._captures.marks.remove(capture.name)
        except FreshetError:
            # The first error says why; `freshet cdc add` names what is left over.
            return


def register(api: ConnectApi, name: str, config: Mapping[str, str]) -> bool:
    """Create the connector or change it; True where something was done. A paused one goes on when it is changed.

    Were the old task to read on for a moment, it would pass over the changes of a table that was just added.
    """
    found = api.config(name)
    if found is None:
        api.put(name, config)
        return True
    if {key: found.get(key) for key in config} == dict(config):
        return False
    api.replace(name, config)
    return True


def _foreign(capture: Capture) -> list[Finding]:
    """Raises UsageError where no connector can be made of the definition."""
    connector_config(capture)
    detail = f"freshet registers none for {capture.kind}, and asks no such database anything"
    return [Finding("connector", "warn", detail, "see `freshet cdc manifest`, with --properties for other workers")]


def _require_epoch(capture: Capture, known: Capture | None) -> None:
    if known is not None and capture.epoch < known.epoch:
        raise UsageError(
            f"the epoch of {capture.name} may not fall from {known.epoch} to {capture.epoch}",
            "every change would be older than the documents that are there",
            f"write `epoch: {known.epoch}` or more into the definition",
        )
