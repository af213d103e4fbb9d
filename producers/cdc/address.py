"""The address of a captured database. No error of this module holds any of its text, which may be a password's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

Kind = Literal["postgresql", "mysql", "mariadb", "mongodb"]
KINDS: Final[dict[str, Kind]] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
}
PORTS: Final[dict[Kind, int]] = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mongodb": 27017}
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
VERIFYING: Final = ("verify-ca", "verify-full")
SYSTEM: Final = "system"
"""In place of a file of authorities: those that the machine trusts."""

_SHAPE: Final = "is not postgresql://role:password@host:port/database"
_QUOTE: Final = "in role, password and database write @ as %40, / as %2F, # as %23 and ? as %3F"


@dataclass(frozen=True, slots=True)
class Address:
    """``database`` may be empty for MongoDB, whose ``host`` is that of the first server."""

    kind: Kind
    host: str
    port: int
    role: str
    database: str
    ssl_mode: str = ""
    ssl_root_cert: str = ""
    """A file, or empty for what the machine trusts."""


def password_apart(url: str) -> tuple[str, str | None]:
    """The address without its password, and that. Raises ValueError."""
    parts = _split(url)
    if parts.password is None:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}@{host}").geturl(), unquote(parts.password)


def parse_address(url: str) -> Address:
    """Raises ValueError that says what is wrong."""
    parts = _split(url)
    kind = KINDS.get(parts.scheme)
    if kind is None:
        raise ValueError(_SHAPE)
    if "#" in url or "@" in parts.path or "@" in parts.query:
        raise ValueError(_QUOTE)
    if not parts.hostname or (kind != "mongodb" and not parts.path.strip("/")):
        raise ValueError(f"{_SHAPE}; {_QUOTE}")
    if kind != "mongodb" and "," in parts.netloc.rpartition("@")[2]:
        raise ValueError("it names more than one server: name the primary")
    if "/" in parts.path.strip("/"):
        raise ValueError(f"its database has a /; {_QUOTE}")
    query = {name.lower(): values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if any("password" in name for name in query):
        raise ValueError("a password stands before the @, or in PGPASSWORD, and nowhere else")
    mode, root = (query.get("sslmode", ""), query.get("sslrootcert", "")) if kind == "postgresql" else ("", "")
    if mode and mode not in SSL_MODES:
        raise ValueError(f"its sslmode is none of {', '.join(SSL_MODES)}")
    if root and mode not in VERIFYING:
        raise ValueError(f"sslrootcert needs a sslmode that looks at it: {' or '.join(VERIFYING)}")
    return Address(
        kind,
        parts.hostname,
        _port(parts, kind),
        unquote(parts.username or ""),
        unquote(parts.path.strip("/")),
        mode,
        "" if root == SYSTEM else root,
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError(f"{_SHAPE}; {_QUOTE}") from None


def _port(parts: SplitResult, kind: Kind) -> int:
    if kind == "mongodb" and "," in parts.netloc:
        return PORTS[kind]
    try:
        found = parts.port
    except ValueError:
        raise ValueError(f"its port is no number up to 65535; {_QUOTE}") from None
    return PORTS[kind] if found is None else found
