"""A connection to the captured PostgreSQL, and its errors in words."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection, identifier, literal

from freshet.errors import FreshetError, UnavailableError, UsageError
from producers.cdc.capture import Capture
from producers.cdc.tls import ssl_context

__all__ = ["Database", "identifier", "literal", "qualified", "quoted"]

CONNECT_SECONDS: Final = 10
PATIENCE_SECONDS: Final = 30.0
_MARGIN_S: Final = 5.0
_WRONG_PASSWORD: Final = {"28P01", "28000"}
_NO_DATABASE: Final = "3D000"
_PRIVILEGE: Final = "42501"
_TOO_SLOW: Final = ("57014", "55P03")
_TEMPORARY: Final = ("57P", "08", "53")
_SESSION: Final = (
    # Quoted text is what it says, whatever the role or the database was given: keys are quoted into statements.
    "SET standard_conforming_strings = on",
    # Rows that a policy hides are not gone: better refused than left out without a word.
    "SET row_security = off",
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'iso_8601'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
)


class Database:
    """Not thread-safe. Every method blocks; raises UnavailableError while it is away, UsageError where it refuses."""

    def __init__(
        self, capture: Capture, statement_s: float = PATIENCE_SECONDS, lock_s: float = PATIENCE_SECONDS
    ) -> None:
        """No statement takes longer than ``statement_s``, nor waits longer than ``lock_s`` for a lock or for another
        transaction; a silent server is given up a few seconds after. UnavailableError then.
        """
        if capture.kind != "postgresql":
            raise UsageError(
                f"{capture.name} is a {capture.kind} database",
                "only PostgreSQL is asked from here; of others the changes are mapped",
                "see MySQL and MongoDB in docs/cdc.md",
            )
        self._place = f"{capture.host}:{capture.port}/{capture.database}"
        try:
            self._connection = Connection(
                capture.role,
                capture.host,
                capture.database,
                capture.port,
                capture.password.get_secret_value(),
                timeout=CONNECT_SECONDS,
                application_name="freshet",
                ssl_context=ssl_context(capture.address),
            )
            limits = (
                f"SET statement_timeout = {round(statement_s * 1000)}",
                f"SET lock_timeout = {round(lock_s * 1000)}",
            )
            try:
                self._connection.run("; ".join((*_SESSION, *limits)))
            except (DatabaseError, InterfaceError, OSError):
                self.close()
                raise
            # The one given above is for connecting.
            self._connection._usock.settimeout(statement_s + _MARGIN_S)
        except (DatabaseError, InterfaceError, OSError) as error:
            raise self._error(error, capture.role) from error

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        try:
            self._connection.close()
        except (DatabaseError, InterfaceError, OSError):
            return

    def run(self, statement: str, **values: Any) -> list[Sequence[Any]]:
        """Rows of a statement in a transaction of its own."""
        try:
            return self._connection.run(statement, **values) or []
        except (DatabaseError, InterfaceError, OSError) as error:
            raise self._error(error) from error

    def one(self, statement: str, **values: Any) -> Any:
        """The first column of the first row; None without one."""
        rows = self.run(statement, **values)
        return rows[0][0] if rows else None

    def _error(self, error: Exception, role: str = "") -> FreshetError:
        told = error.args[0] if error.args else error
        if not isinstance(told, dict):
            return UnavailableError(
                f"PostgreSQL at {self._place} cannot be reached", str(error), "check host, port, and that it runs"
            )
        code, message = told.get("C", ""), told.get("M", str(told))
        if code in _WRONG_PASSWORD:
            return UsageError(
                f"PostgreSQL at {self._place} refuses the role {role}", message, "check role, password and pg_hba.conf"
            )
        if code == _NO_DATABASE:
            return UsageError(f"there is no database at {self._place}", message, "check its name in the address")
        if code in _TOO_SLOW:
            return UnavailableError(
                f"PostgreSQL at {self._place} took too long",
                message,
                "see in pg_stat_activity who holds a lock or keeps a transaction open, then try again",
            )
        if code.startswith(_TEMPORARY):
            return UnavailableError(f"PostgreSQL at {self._place} is not ready", message, "wait, then try again")
        remedy = "let its owner run it; see `freshet cdc add --dry-run`" if code == _PRIVILEGE else ""
        return UsageError(f"PostgreSQL at {self._place} refuses", f"{message} ({code})", remedy)


def qualified(table: str) -> str:
    """``schema.table`` with both names quoted."""
    schema, _, name = table.partition(".")
    return f"{quoted(schema)}.{quoted(name)}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
